"""Architectures, and `build`, which makes one from its config."""

from typing import Literal, NamedTuple, TypeVar

from torch import nn

from napari_toposeg.config import NetworkConfig, Size3, SizeName
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks.dense_autoencoder import DenseAutoencoder
from napari_toposeg.learning.networks.encoder import Encoder, EncoderDecoder, EncoderOnly
from napari_toposeg.learning.networks.fused import Fused, Pair
from napari_toposeg.learning.networks.masked_autoencoder import Autoencoder, MaskedAutoencoder
from napari_toposeg.learning.networks.resenc_unet import ResEncUnet, ResidualEncoder
from napari_toposeg.learning.networks.segmenter import Segmenter
from napari_toposeg.learning.networks.swin import SwinUnetr
from napari_toposeg.learning.networks.unetr import Unetr
from napari_toposeg.learning.networks.unetr_pp import UnetrPP, UnetrPPEncoder
from napari_toposeg.learning.networks.vit import VisionTransformer

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)


class Width(NamedTuple):
    """Token width, blocks and heads of the encoder, then of the reconstruction decoder."""

    dimension: int
    depth: int
    heads: int
    decoder_dimension: int
    decoder_depth: int
    decoder_heads: int


def width_of(size: SizeName) -> Width:
    """Return the dimensions of a size: tiny to base as usual for ViTs, nano for two CPU cores."""
    match size:
        case "nano":
            return Width(144, 6, 6, 96, 2, 4)
        case "tiny":
            return Width(192, 12, 3, 128, 4, 4)
        case "small":
            return Width(384, 12, 6, 192, 4, 6)
        case "base":
            return Width(768, 12, 12, 384, 8, 12)


def swin_width_of(size: SizeName) -> int:
    """Return the channels of a Swin UNETR at the image's own scale; base as published."""
    match size:
        case "nano":
            return 12
        case "tiny":
            return 24
        case "small":
            return 36
        case "base":
            return 48


class WidthPP(NamedTuple):
    """Channels of a UNETR++'s finest features, and the grid of them that it is made for."""

    features: int
    grid: Size3


def unetr_pp_width_of(size: SizeName) -> WidthPP:
    """Return the dimensions of a UNETR++; base as published for 64 x 128 x 128 voxels."""
    match size:
        case "nano":
            return WidthPP(8, (16, 8, 8))
        case "tiny":
            return WidthPP(16, (16, 16, 16))
        case "small":
            return WidthPP(24, (32, 32, 32))
        case "base":
            return WidthPP(32, (32, 32, 32))


class WidthResEnc(NamedTuple):
    """Channels and residual blocks at each scale."""

    widths: tuple[int, ...]
    blocks: tuple[int, ...]


def resenc_width_of(size: SizeName) -> WidthResEnc:
    """Return the dimensions of a residual-encoder U-Net; base is nnU-Net's plan L."""
    match size:
        case "nano":
            return WidthResEnc((8, 16, 32, 64), (1, 1, 2, 2))
        case "tiny":
            return WidthResEnc((16, 32, 64, 128, 160), (1, 2, 2, 2, 2))
        case "small":
            return WidthResEnc((32, 64, 128, 256, 320), (1, 3, 4, 6, 6))
        case "base":
            return WidthResEnc((32, 64, 128, 256, 320, 320), (1, 3, 4, 6, 6, 6))


def build(
    config: NetworkConfig, *, task: Literal["reconstruct", "encode", "segment"], classes: int = 0
) -> nn.Module:
    """Build an untrained network.

    Parameters
    ----------
    task
        ``"reconstruct"``: a masked autoencoder; ``"encode"``: the encoder alone, as an attribute
        ``encoder``; ``"segment"``: the same encoder under a segmentation decoder.
    classes
        Number of classes besides the background, for segmentation.
    """
    if task == "segment":
        return build_dense(config, outputs=classes + 1)
    if task == "encode":
        return EncoderOnly(build_encoder(config))
    return build_autoencoder(config)


def build_autoencoder(config: NetworkConfig) -> Autoencoder:
    """Build an untrained network that rebuilds hidden cubes."""
    match config.name:
        case "vit" | "unetr":
            return build_masked(config)
        case "fused":
            encoder = build_unetr_pp(config, hides=True)
            upp = UnetrPP(encoder, outputs=config.channels, deep=False)
            return Pair(build_masked(config), DenseAutoencoder(upp, cube=config.hidden_cube))
        case _:
            network = build_dense(config, outputs=config.channels, hides=True)
            return DenseAutoencoder(network, cube=config.hidden_cube)


def build_masked(config: NetworkConfig) -> MaskedAutoencoder:
    """Build an untrained vision transformer under a decoder that rebuilds hidden patches."""
    width = width_of(config.size)
    return MaskedAutoencoder(
        build_vit(config),
        dimension=width.decoder_dimension,
        depth=width.decoder_depth,
        heads=width.decoder_heads,
        channels=config.channels,
    )


def build_encoder(config: NetworkConfig, *, hides: bool = False) -> Encoder:
    """Build an untrained encoder.

    Parameters
    ----------
    hides
        Let it hide cubes of the image.
    """
    match config.name:
        case "vit" | "unetr":
            return build_vit(config, hides=hides)
        case _:
            return build_dense(config, outputs=1, hides=hides).encoder


def build_dense(config: NetworkConfig, *, outputs: int, hides: bool = False) -> EncoderDecoder:
    """Build an untrained network that answers for every voxel.

    One that `hides` is for pretraining: it answers at the scale of the voxels alone.
    """
    match config.name:
        case "vit":
            return Segmenter(build_vit(config, hides=hides), outputs=outputs)
        case "unetr":
            return Unetr(build_vit(config, hides=hides), outputs=outputs)
        case "swin":
            width = swin_width_of(config.size)
            swin = SwinUnetr(features=width, outputs=outputs, channels=config.channels, hides=hides)
            in_units(swin.encoder, config)
            return swin
        case "unetr-pp":
            return UnetrPP(build_unetr_pp(config, hides=hides), outputs=outputs, deep=not hides)
        case "fused":
            vit, upp = build_vit(config, hides=hides), build_unetr_pp(config, hides=hides)
            return Fused(vit, upp, outputs=outputs, deep=not hides)
        case "resenc-unet":
            residual = resenc_width_of(config.size)
            encoder = ResidualEncoder(
                widths=residual.widths[: config.scales],
                blocks=residual.blocks[: config.scales],
                channels=config.channels,
                hides=hides,
            )
            return ResEncUnet(in_units(encoder, config), outputs=outputs, deep=not hides)


def build_unetr_pp(config: NetworkConfig, *, hides: bool = False) -> UnetrPPEncoder:
    """Build an untrained encoder of a UNETR++; the config's grid is of its finest features."""
    width = unetr_pp_width_of(config.size)
    # Of a fused network the grid is that of the ViT's patches.
    own = config.grid if config.name == "unetr-pp" else None
    encoder = UnetrPPEncoder(
        width=width.features,
        grid=own or width.grid,
        channels=config.channels,
        hides=hides,
        legacy_permute=config.legacy_permute,
        norm=config.norm,
    )
    return in_units(encoder, config)


def build_vit(config: NetworkConfig, *, hides: bool = False) -> VisionTransformer:
    """Build an untrained vision transformer.

    Raises
    ------
    InvalidConfig
        If positions are to be learned and their grid is not known.
    """
    width = width_of(config.size)
    if config.positions == "learned" and config.grid is None:
        raise InvalidConfig("learned positions need the grid of patches that they are made for")
    encoder = VisionTransformer(
        patch=config.patch,
        dimension=width.dimension,
        depth=width.depth,
        heads=width.heads,
        channels=config.channels,
        hides=hides,
        grid=config.grid if config.positions == "learned" else None,
    )
    return in_units(encoder, config)


def in_units(encoder: AnyEncoder, config: NetworkConfig) -> AnyEncoder:
    """Tell an encoder the intensities that it was made for."""
    encoder.centre, encoder.spread = config.centre, config.spread
    return encoder
