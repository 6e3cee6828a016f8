"""Residual-encoder U-Net: the convolutional network of nnU-Net, which can hide cubes.

Where cubes are hidden, convolutions are masked: after each convolution and norm the hidden places
are zero again, and the norm's statistics are of the visible places alone, so nothing flows from
what is hidden nor out of its shape. A coarse feature whose field holds several cubes is hidden
where all of them are. Before the decoder, hidden places of every scale are filled with a token.

Names of weights are those of ``ResidualEncoderUNet`` in dynamic-network-architectures, without its
second names of the same tensors (``all_modules.*``, ``decoder.encoder.*``) and without
``decoder.seg_layers.0``, the answer at the coarsest scale, whose weight in nnU-Net's loss is 0.
The one key more is ``encoder.hidden_token``, the tokens of all scales in a row.

References
----------
Isensee et al. 2024, arXiv:2404.09556 (the network); Tian et al. 2023, arXiv:2301.03580 (masks).
"""

import torch
from torch import Tensor, nn

from napari_toposeg.config import Size3
from napari_toposeg.learning.networks.encoder import (
    Encoder,
    EncoderDecoder,
    all_hidden,
    with_token,
)
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


class ResidualEncoder(Encoder):
    """Features at strides 1, 2, 4 and so on.

    Parameters
    ----------
    widths, blocks
        Channels and residual blocks at each scale.
    channels
        Channels of the image.
    hides
        Have tokens for hidden places.
    """

    masks_all_scales = True

    def __init__(
        self,
        *,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        channels: int = 1,
        hides: bool = False,
    ) -> None:
        super().__init__()
        self.widths = widths
        self.strides: tuple[Size3, ...] = tuple((2**n,) * 3 for n in range(len(widths)))
        self.multiple = self.strides[-1]
        self.stem = Convolutions(channels, widths[0])
        self.stages = nn.ModuleList(
            Stage(before, width, stride=1 if scale == 0 else 2, count=count)
            for scale, (before, width, count) in enumerate(
                zip((widths[0], *widths[:-1]), widths, blocks, strict=True)
            )
        )
        self.hidden_token = nn.Parameter(0.02 * torch.randn(sum(widths))) if hides else None
        initialise(self)

    @property
    def embedding(self) -> nn.Module:
        """The stem, at the image's own scale."""
        return self.stem

    def features(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None) -> list[Tensor]:
        """Return features from fine to coarse; see `Encoder`."""
        visible = self.visible(image_BCZYX, hidden_B1zyx)
        seen = image_BCZYX if visible[0] is None else image_BCZYX.masked_fill(~visible[0], 0)
        features, outputs = self.stem(seen, visible[0]), []
        for stage, mask in zip(self.stages, visible, strict=True):
            features = stage(features, mask)
            outputs.append(features)
        if hidden_B1zyx is None:
            return outputs
        assert self.hidden_token is not None
        tokens = torch.split(self.hidden_token, list(self.widths))
        return [
            with_token(features, hidden_B1zyx, token)
            for features, token in zip(outputs, tokens, strict=True)
        ]

    def visible(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None) -> list[Tensor | None]:
        """Return what is visible at each scale, each ``(B, 1, z, y, x)``; None if all is."""
        if hidden_B1zyx is None:
            return [None] * len(self.strides)
        masks: list[Tensor | None] = []
        for strides in self.strides:
            edges = zip(image_BCZYX.shape[2:], strides, strict=True)
            z, y, x = (edge // step for edge, step in edges)
            masks.append(~all_hidden(hidden_B1zyx, (z, y, x)))
        return masks


class Decoder(nn.Module):
    """From the coarsest features to answers, one scale finer at a time."""

    def __init__(self, widths: tuple[int, ...], *, outputs: int, deep: bool) -> None:
        super().__init__()
        coarse_to_fine = tuple(zip(widths[:0:-1], widths[-2::-1], strict=True))
        last = len(coarse_to_fine) - 1
        self.transpconvs = nn.ModuleList(
            nn.ConvTranspose3d(below, width, 2, 2) for below, width in coarse_to_fine
        )
        self.stages = nn.ModuleList(Convolutions(2 * width, width) for _, width in coarse_to_fine)
        self.seg_layers = nn.ModuleDict(
            {
                str(number): nn.Conv3d(width, outputs, 1)
                for number, (_, width) in enumerate(coarse_to_fine)
                if number == last or (deep and number > 0)
            }
        )
        initialise(self)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Return the answers from fine to coarse."""
        *skips, current = features
        answers = []
        for number, (raise_, stage, skip) in enumerate(
            zip(self.transpconvs, self.stages, reversed(skips), strict=True)
        ):
            current = stage(torch.cat([raise_(current), skip], dim=1))
            if str(number) in self.seg_layers:
                answers.append(self.seg_layers[str(number)](current))
        return answers[::-1]


class ResEncUnet(EncoderDecoder):
    """Answers for every voxel.

    Parameters
    ----------
    encoder
        Usually pretrained.
    outputs
        Channels of the answer.
    deep
        Answer at coarser scales too, for deep supervision; each weighs half of the one before.
    """

    def __init__(self, encoder: ResidualEncoder, *, outputs: int, deep: bool = True) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = Decoder(encoder.widths, outputs=outputs, deep=deep)
        weights = [0.5**scale for scale in range(len(self.decoder.seg_layers))]
        self.scale_weights = tuple(weight / sum(weights) for weight in weights)

    def decode(self, features: list[Tensor], image_BCZYX: Tensor) -> list[Tensor]:
        """Return the answers from fine to coarse, at strides 1, 2, 4 and so on."""
        answers: list[Tensor] = self.decoder(features)
        return answers


def initialise(module: nn.Module) -> None:
    """Draw the weights of all convolutions for leaky ReLUs, with zero biases, as nnU-Net does."""
    for part in module.modules():
        if isinstance(part, nn.Conv3d | nn.ConvTranspose3d):
            nn.init.kaiming_normal_(part.weight, a=SLOPE)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
