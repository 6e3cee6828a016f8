"""Masked convolutions: nothing flows from what is hidden, nor out of its shape.

After each convolution and norm the hidden places are zero again, and the norm's statistics are of
the visible places alone. Names of weights are those of ``ResidualEncoderUNet`` in
dynamic-network-architectures.

References
----------
Tian et al. 2023, arXiv:2301.03580 (masks); Isensee et al. 2024, arXiv:2404.09556 (the blocks).
"""

from torch import Tensor, nn

from napari_toposeg.learning.networks.instance_norm import InstanceNorm

SLOPE = 0.01


class ConvolutionNorm(nn.Module):
    """A convolution and an instance norm, both of visible places only."""

    def __init__(
        self, inputs: int, outputs: int, *, edge: int = 3, stride: int = 1, bias: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, edge, stride, edge // 2, bias=bias)
        self.norm = InstanceNorm(outputs, affine=True)

    def forward(self, features: Tensor, visible_B1zyx: Tensor | None = None) -> Tensor:
        """Return features, zero where not visible; the mask is of their own scale."""
        convolved = self.conv(features)
        if visible_B1zyx is None:
            normalised: Tensor = self.norm(convolved)
            return normalised
        return visible_norm(convolved, visible_B1zyx, self.norm)


def visible_norm(features: Tensor, visible_B1zyx: Tensor, norm: InstanceNorm) -> Tensor:
    """Normalise visible features by their own mean and variance; the others become zero."""
    visible, values = visible_B1zyx.float(), features.float()
    count = visible.sum((2, 3, 4), keepdim=True).clamp(min=1)
    mean = (values * visible).sum((2, 3, 4), keepdim=True) / count
    centred = (values - mean) * visible
    variance = centred.square().sum((2, 3, 4), keepdim=True) / count
    scaled = centred * (variance + norm.eps).rsqrt() * norm.weight[:, None, None, None]
    return ((scaled + norm.bias[:, None, None, None]) * visible).to(features.dtype)


class Convolutions(nn.Module):
    """Convolutions with norm and leaky ReLU, one after the other."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([ConvolutionNorm(inputs, outputs)])

    def forward(self, features: Tensor, visible_B1zyx: Tensor | None = None) -> Tensor:
        """Return features of the same scale."""
        for conv in self.convs:
            features = nn.functional.leaky_relu(conv(features, visible_B1zyx), SLOPE)
        return features


class ResidualBlock(nn.Module):
    """Two convolutions beside a skip, which is averaged and projected where that is needed."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvolutionNorm(inputs, outputs, stride=stride)
        self.conv2 = ConvolutionNorm(outputs, outputs)
        self.skip = nn.Sequential()
        if stride > 1:
            self.skip.append(nn.AvgPool3d(stride, stride))
        if inputs != outputs:
            self.skip.append(ConvolutionNorm(inputs, outputs, edge=1, bias=False))
        # A block begins as its skip: what it adds is zero.
        assert self.conv2.norm.weight is not None
        nn.init.zeros_(self.conv2.norm.weight)

    def forward(self, features: Tensor, visible_B1zyx: Tensor | None = None) -> Tensor:
        """Return features at the block's scale, zero where not visible."""
        within = nn.functional.leaky_relu(self.conv1(features, visible_B1zyx), SLOPE)
        residual = features
        for part in self.skip:
            masked = isinstance(part, ConvolutionNorm)
            residual = part(residual, visible_B1zyx) if masked else part(residual)
        if visible_B1zyx is not None:
            residual = residual * visible_B1zyx
        added = self.conv2(within, visible_B1zyx) + residual
        return nn.functional.leaky_relu(added, SLOPE)


class Stage(nn.Module):
    """Residual blocks at one scale, the first of which leads there."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, count: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ResidualBlock(inputs if n == 0 else outputs, outputs, stride if n == 0 else 1)
            for n in range(count)
        )

    def forward(self, features: Tensor, visible_B1zyx: Tensor | None = None) -> Tensor:
        """Return features at the stage's scale."""
        for block in self.blocks:
            features = block(features, visible_B1zyx)
        return features


def initialise(module: nn.Module) -> None:
    """Draw the weights of all convolutions for leaky ReLUs, with zero biases, as nnU-Net does."""
    for part in module.modules():
        if isinstance(part, nn.Conv3d | nn.ConvTranspose3d):
            nn.init.kaiming_normal_(part.weight, a=SLOPE)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
