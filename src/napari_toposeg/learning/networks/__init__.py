"""Architectures, and `build`, which makes one from its config."""

from typing import Literal, NamedTuple

from torch import nn

from napari_toposeg.config import NetworkConfig, SizeName
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks.dense_autoencoder import DenseAutoencoder
from napari_toposeg.learning.networks.encoder import Encoder, EncoderDecoder, EncoderOnly
from napari_toposeg.learning.networks.masked_autoencoder import Autoencoder, MaskedAutoencoder
from napari_toposeg.learning.networks.segmenter import Segmenter
from napari_toposeg.learning.networks.swin import SwinUnetr
from napari_toposeg.learning.networks.unetr import Unetr
from napari_toposeg.learning.networks.vit import VisionTransformer


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
            width = width_of(config.size)
            return MaskedAutoencoder(
                build_vit(config),
                dimension=width.decoder_dimension,
                depth=width.decoder_depth,
                heads=width.decoder_heads,
                channels=config.channels,
            )
        case _:
            network = build_dense(config, outputs=config.channels, hides=True)
            return DenseAutoencoder(network, cube=config.hidden_cube)


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
    """Build an untrained network that answers for every voxel."""
    match config.name:
        case "vit":
            return Segmenter(build_vit(config, hides=hides), outputs=outputs)
        case "unetr":
            return Unetr(build_vit(config, hides=hides), outputs=outputs)
        case "swin":
            width = swin_width_of(config.size)
            return SwinUnetr(features=width, outputs=outputs, channels=config.channels, hides=hides)
        case _:
            raise NotImplementedError(config.name)


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
    return VisionTransformer(
        patch=config.patch,
        dimension=width.dimension,
        depth=width.depth,
        heads=width.heads,
        channels=config.channels,
        hides=hides,
        grid=config.grid if config.positions == "learned" else None,
    )
