"""Architectures, and `build`, which makes one from its config."""

from typing import Literal, NamedTuple

from torch import nn

from napari_toposeg.config import NetworkConfig, SizeName
from napari_toposeg.learning.networks.masked_autoencoder import MaskedAutoencoder
from napari_toposeg.learning.networks.segmenter import Segmenter
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


def build(
    config: NetworkConfig, *, task: Literal["reconstruct", "segment"], classes: int = 0
) -> nn.Module:
    """Build an untrained network.

    Parameters
    ----------
    task
        ``"reconstruct"``: a masked autoencoder; ``"segment"``: the same encoder under a
        segmentation decoder.
    classes
        Number of classes besides the background, for segmentation.
    """
    width = width_of(config.size)
    encoder = VisionTransformer(
        patch=config.patch, dimension=width.dimension, depth=width.depth, heads=width.heads
    )
    match task:
        case "reconstruct":
            return MaskedAutoencoder(
                encoder,
                dimension=width.decoder_dimension,
                depth=width.decoder_depth,
                heads=width.decoder_heads,
            )
        case "segment":
            return Segmenter(encoder, classes=classes, depth=width.depth)
