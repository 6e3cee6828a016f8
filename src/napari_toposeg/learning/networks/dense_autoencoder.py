"""Masked reconstruction by a network with a decoder of its own.

Cubes of the image are hidden from the encoder; the network's own decoder, the same that will
segment, answers for every voxel, and the answer counts where voxels were hidden. Decoders look at
the image too, so what is hidden is zero, in standard units, for all of the network.

References
----------
SimMIM (Xie et al. 2022, arXiv:2111.09886); for convolutional networks SparK (Tian et al. 2023,
arXiv:2301.03580).
"""

import math

from torch import Tensor

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks.encoder import Encoder, EncoderDecoder, cubes_of
from napari_toposeg.learning.networks.masked_autoencoder import (
    Autoencoder,
    Rebuilt,
    hidden_values,
)


class DenseAutoencoder(Autoencoder):
    """A network whose answer is the image.

    Parameters
    ----------
    network
        Built with `hides`; as many outputs as the image has channels.
    cube
        Edge of what is hidden as one, in voxels; see `least_cube`.

    Raises
    ------
    InvalidConfig
        If the cube does not fit the features.
    """

    def __init__(self, network: EncoderDecoder, *, cube: int) -> None:
        super().__init__()
        require_whole(network.encoder, cube)
        self.network, self.cube = network, cube

    @property
    def encoder(self) -> Encoder:
        """The encoder of the network."""
        return self.network.encoder

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> Rebuilt:
        """Hide cubes and rebuild them; every image of the batch hides equally many."""
        image = image_BCZYX
        hidden_B1zyx = cubes_of(hidden_BN, image, self.cube)
        seen = self.encoder.standard(image).masked_fill(in_voxels(hidden_B1zyx, self.cube), 0)
        features = self.encoder.features(seen, hidden_B1zyx)
        standard, *_ = self.network.decode(features, seen)
        answer = self.encoder.intensity(standard)
        predicted, true = (hidden_values(each, hidden_BN, self.cube) for each in (answer, image))
        pooled = features[-1].mean((2, 3, 4))
        return Rebuilt(predicted, true, image, hidden_BN, pooled, self.cube)


def require_whole(encoder: Encoder, cube: int) -> None:
    """Raise InvalidConfig if a feature would be hidden in part, and so tell of what is hidden."""
    least = least_cube(encoder, cube)
    if cube != least:
        raise InvalidConfig(
            f"cubes of {cube} voxels cut through the features of this network, which span "
            f"{encoder.strides[0]} along (z, y, x) where they are finest; give --cube {least}"
        )


def least_cube(encoder: Encoder, cube: int) -> int:
    """Return the smallest edge from `cube` on that fits an encoder's features.

    The finest features lie each in one cube. Where coarser ones are hidden too, each lies in one
    cube or consists of whole ones; it is hidden where all of them are.
    """
    finest, *coarser = encoder.strides
    step = math.lcm(*finest)
    edges = {edge for strides in coarser for edge in strides} if encoder.masks_all_scales else set()
    cube = -(-cube // step) * step
    while any(cube % edge and edge % cube for edge in edges):
        cube += step
    return cube


def in_voxels(hidden_B1zyx: Tensor, cube: int) -> Tensor:
    """Return a mask of cubes as one of voxels, ``(B, 1, Z, Y, X)``."""
    mask = hidden_B1zyx
    for axis in (2, 3, 4):
        mask = mask.repeat_interleave(cube, axis)
    return mask
