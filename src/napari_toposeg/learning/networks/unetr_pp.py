"""UNETR++: blocks of paired attention in an encoder and a decoder of four scales each.

Names of weights: ``unetr_pp_encoder.X`` of the public code is ``encoder.X``, every other name is
the same, and what it calls ``E`` and ``F``, one tensor, is ``E``. The one key more is
``encoder.hidden_token``. Its weights need ``norm="batch"`` and ``legacy_permute``.

References
----------
Shaker et al. 2024, doi:10.1109/TMI.2024.3398728, arXiv:2212.04497. See `epa` for what differs.
"""

import torch
from monai.networks.blocks.dynunet_block import UnetOutBlock, UnetResBlock, get_conv_layer
from torch import Tensor, nn

from napari_toposeg.config import NormName, Size3
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks.encoder import Encoder, EncoderDecoder, with_token
from napari_toposeg.learning.networks.epa import PairedBlock

SCALES = 4
DEPTH = 3
HEADS = 4
STEM: Size3 = (2, 4, 4)
"""Voxels along ``(z, y, x)`` of the finest features, for thick slices and for cubes alike."""

PROJECTIONS = (64, 64, 64, 32)
DECODER_PROJECTIONS = 64


def grid_at(grid: Size3, scale: int) -> Size3:
    """Return the grid of features so many halvings below the stem's."""
    z, y, x = (edge // 2**scale for edge in grid)
    return z, y, x


def blocks(
    channels: int, projections: int, grid: Size3, *, legacy_permute: bool, norm: NormName
) -> nn.Sequential:
    """Return the blocks of a stage."""
    return nn.Sequential(
        *(
            PairedBlock(
                channels,
                heads=HEADS,
                projections=projections,
                grid=grid,
                legacy_permute=legacy_permute,
                norm=norm,
            )
            for _ in range(DEPTH)
        )
    )


class UnetrPPEncoder(Encoder):
    """Features at strides (2, 4, 4), (4, 8, 8), (8, 16, 16) and (16, 32, 32).

    Parameters
    ----------
    width
        Channels of the finest features, a multiple of 4; twice as many at each coarser scale.
    grid
        Finest features along ``(z, y, x)`` that projections and positions are made for, multiples
        of 8; others are interpolated.
    channels
        Channels of the image.
    hides
        Have a token for hidden features of the stem.
    legacy_permute, norm
        See `epa.PairedBlock`.

    Raises
    ------
    InvalidConfig
        If the grid is not of multiples of 8.
    """

    def __init__(
        self,
        *,
        width: int,
        grid: Size3,
        channels: int = 1,
        hides: bool = False,
        legacy_permute: bool = False,
        norm: NormName = "instance",
    ) -> None:
        super().__init__()
        if any(edge % 2 ** (SCALES - 1) for edge in grid):
            raise InvalidConfig(f"the grid of unetr-pp must be of multiples of 8, got {grid}")
        self.grid, self.channels = grid, channels
        self.legacy_permute, self.norm = legacy_permute, norm
        z, y, x = STEM
        self.widths = tuple(width * 2**scale for scale in range(SCALES))
        self.strides = tuple((z * 2**n, y * 2**n, x * 2**n) for n in range(SCALES))
        self.multiple = self.strides[-1]
        inputs = (channels, *self.widths[:-1])
        self.downsample_layers = nn.ModuleList(
            nn.Sequential(
                get_conv_layer(3, before, after, step, step, conv_only=True),
                nn.GroupNorm(before, after),
            )
            for before, after, step in zip(
                inputs, self.widths, (STEM, *[2] * (SCALES - 1)), strict=True
            )
        )
        self.stages = nn.ModuleList(
            blocks(
                wide, projections, grid_at(grid, scale), legacy_permute=legacy_permute, norm=norm
            )
            for scale, (wide, projections) in enumerate(zip(self.widths, PROJECTIONS, strict=True))
        )
        self.hidden_token = nn.Parameter(0.02 * torch.randn(width)) if hides else None
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.trunc_normal_(part.weight, std=0.02)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)

    @property
    def embedding(self) -> nn.Module:
        """The norm of the stem, whose answer are the first features."""
        stem = self.downsample_layers[0]
        assert isinstance(stem, nn.Sequential)
        return stem[1]

    def features(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None) -> list[Tensor]:
        """Return features from fine to coarse; see `Encoder`."""
        features, outputs = image_BCZYX, []
        for scale, (shrink, stage) in enumerate(
            zip(self.downsample_layers, self.stages, strict=True)
        ):
            assert isinstance(shrink, nn.Sequential)
            features = shrink[0](features)
            if scale == 0 and hidden_B1zyx is not None:
                # Before the norm, whose statistics would tell of what is hidden.
                assert self.hidden_token is not None
                features = with_token(features, hidden_B1zyx, self.hidden_token)
            features = stage(shrink[1](features))
            outputs.append(features)
        return outputs


class Up(nn.Module):
    """Raise features to a finer scale, add those of the encoder, and refine the sum.

    Parameters
    ----------
    inputs, outputs
        Channels.
    step
        Factor along ``(z, y, x)``.
    refine
        What refines.
    """

    def __init__(self, inputs: int, outputs: int, step: Size3, refine: nn.Module) -> None:
        super().__init__()
        self.transp_conv = get_conv_layer(
            3, inputs, outputs, step, step, conv_only=True, is_transposed=True
        )
        self.decoder_block = nn.ModuleList([refine])

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return features of the shape of the fine ones."""
        refined: Tensor = self.decoder_block[0](self.transp_conv(coarse) + fine)
        return refined


class UnetrPP(EncoderDecoder):
    """Answers for every voxel of images whose edges are multiples of (16, 32, 32).

    Parameters
    ----------
    encoder
        Usually pretrained; the decoder has half its width at the image's own scale.
    outputs
        Channels of the answer.
    deep
        Answer at the two next coarser scales too, for deep supervision.
    """

    def __init__(self, encoder: UnetrPPEncoder, *, outputs: int, deep: bool = True) -> None:
        super().__init__()
        self.encoder = encoder
        at1, at2, at3, at4 = encoder.widths
        full = at1 // 2
        self.encoder1 = UnetResBlock(3, encoder.channels, full, 3, 1, "instance")
        self.decoder5, self.decoder4, self.decoder3 = (
            Up(
                inputs,
                inputs // 2,
                (2, 2, 2),
                blocks(
                    inputs // 2,
                    DECODER_PROJECTIONS,
                    grid_at(encoder.grid, scale),
                    legacy_permute=encoder.legacy_permute,
                    norm=encoder.norm,
                ),
            )
            for inputs, scale in ((at4, 2), (at3, 1), (at2, 0))
        )
        self.decoder2 = Up(at1, full, STEM, UnetResBlock(3, full, full, 3, 1, "instance"))
        self.out1 = UnetOutBlock(3, full, outputs)
        self.out2 = UnetOutBlock(3, at1, outputs) if deep else None
        self.out3 = UnetOutBlock(3, at2, outputs) if deep else None
        self.scale_weights = (4 / 7, 2 / 7, 1 / 7) if deep else (1.0,)

    def decode(self, features: list[Tensor], image_BCZYX: Tensor) -> list[Tensor]:
        """Return the answers from fine to coarse, of the voxels and of two scales of features."""
        at1, at2, at3, at4 = features
        second = self.decoder4(self.decoder5(at4, at3), at2)
        first = self.decoder3(second, at1)
        answers = [self.out1(self.decoder2(first, self.encoder1(image_BCZYX)))]
        if self.out2 is not None and self.out3 is not None:
            answers += [self.out2(first), self.out3(second)]
        return answers
