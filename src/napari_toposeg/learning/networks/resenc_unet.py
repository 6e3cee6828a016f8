"""Residual-encoder U-Net: the convolutional network of nnU-Net, which can hide cubes.

Where cubes are hidden, convolutions are masked (see `masked_convolutions`). A coarse feature whose
field holds several cubes is hidden where all of them are. Before the decoder, hidden places of
every scale are filled with a token.

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
from napari_toposeg.learning.networks.masked_convolutions import Convolutions, Stage, initialise


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
