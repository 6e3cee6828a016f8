"""The spatial pretext: tell where in its volume a crop's centre and corners lie.

The truth is carried by the crop's own affine map, through mirroring, rotation and scaling alike.
With upright crops of one size the nine points have three degrees of freedom, for they follow from
the centre; rotation and scaling make each of them say something.

References
----------
Gu et al. 2024, arXiv:2406.10519. The head, the unit and the loss are of this project, for the paper
has no public code.
"""

# B batch, D features

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_toposeg.learning.losses.joined import summed_up
from napari_toposeg.learning.networks.encoder import Encoder
from napari_toposeg.learning.networks.masked_autoencoder import Autoencoder, Rebuilt

BETA = 0.1
"""Errors up to this share of a volume's edge count squared, larger ones linearly."""


def points_of(place_B34: Tensor, edges: Sequence[int]) -> Tensor:
    """Return the centre of each crop and the centres of its corner voxels, ``(B, 9, 3)``.

    Parameters
    ----------
    place_B34
        See `crops.Crop`.
    edges
        The crop's, in voxels along ``(z, y, x)``.

    Returns
    -------
    Tensor
        In the volume's coordinates ``voxel / (shape - 1)``, 0..1 inside of it; corners in raster
        order of the crop as it is seen.
    """
    corners = [(1 - 1 / z, 1 - 1 / y, 1 - 1 / x) for z, y, x in [edges]]
    signs = torch.tensor([(0, 0, 0), *product((-1, 1), repeat=3)], dtype=torch.float32)
    own_93 = (signs * torch.tensor(corners)).to(place_B34)
    return own_93 @ place_B34[:, :, :3].transpose(1, 2) + place_B34[:, None, :, 3]


class PointHead(nn.Module):
    """A perceptron from a network's pooled features to the nine points."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(features), nn.Linear(features, features), nn.GELU(),
            nn.Linear(features, 27),
        )  # fmt: skip

    def forward(self, pooled_BD: Tensor) -> Tensor:
        """Return points ``(B, 9, 3)``; an untrained head tells the middle of the volume."""
        told: Tensor = self.layers(pooled_BD)
        return told.reshape(-1, 9, 3) + 0.5


class Seen(NamedTuple):
    """What one network makes of an image: what was hidden, and the points if it has a head."""

    rebuilt: Rebuilt
    told_B93: Tensor | None


class PlacedAutoencoder(nn.Module):
    """One or several autoencoders, each with a head that tells where the crop lies.

    Parameters
    ----------
    autoencoder
        What is kept of it all.
    spatial
        Have heads.
    """

    def __init__(self, autoencoder: Autoencoder, *, spatial: bool) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        parts = autoencoder.parts().values() if spatial else ()
        self.heads = nn.ModuleList(PointHead(features_of(part)) for part in parts)
        self.mean = MeanPoints() if spatial else None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the networks."""
        return tuple(self.autoencoder.parts())

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> list[Seen]:
        """Return what each network makes of the same images with the same hidden cubes."""
        parts = self.autoencoder.parts().values()
        rebuilt = [part(image_BCZYX, hidden_BN) for part in parts]
        if not self.heads:
            return [Seen(each, None) for each in rebuilt]
        told = [head(each.pooled_BD) for head, each in zip(self.heads, rebuilt, strict=True)]
        return [Seen(*pair) for pair in zip(rebuilt, told, strict=True)]


def features_of(autoencoder: Autoencoder) -> int:
    """Return how many features its encoder has where they are deepest."""
    encoder = autoencoder.encoder
    assert isinstance(encoder, Encoder)
    return encoder.widths[-1]


class MeanPoints(nn.Module):
    """The mean of the points of all crops learnt from so far: what the pretext has to beat.

    No constant has a smaller squared error on the crops learnt from.
    """

    mean: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((9, 3), 0.5))
        self.register_buffer("count", torch.zeros(()))

    def add(self, points_B93: Tensor) -> None:
        """Take in the points of a step, of all processes."""
        points = points_B93.detach().float()
        here = torch.cat([points.sum(0).flatten(), points.new_tensor([len(points)])])
        total = summed_up(here)
        self.count += total[-1]
        self.mean += (total[:-1].view(9, 3) - total[-1] * self.mean) / self.count


def spatial_loss(told_B93: Tensor, points_B93: Tensor) -> Tensor:
    """Return the smooth absolute error of points, a mean over samples, points and axes."""
    return F.smooth_l1_loss(told_B93.float(), points_B93.float(), beta=BETA)


def spatial_error(told_B93: Tensor, points_B93: Tensor) -> float:
    """Return the mean absolute error along an axis, as a share of the volume's edge."""
    return float((told_B93.float() - points_B93.float()).abs().mean())
