"""Views of a crop: pieces of it, turned, enlarged to a given size and lit anew, on any device.

What is drawn is small, an affine map and a light for each view, and is drawn where crops are; the
pieces are cut where the network is.
"""

# B batch, V views, C channels

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.config import Size3
from napari_toposeg.learning.turning import rotation_about

TILT = 15.0
"""Largest angle about each axis, in degrees."""

GAMMA, GAIN, OFFSET = 1.5, 1.25, 0.1
"""Largest factors of the exponent and the slope of intensities, and largest shift."""


def draw_views(
    count: int, span: tuple[float, float], edges: Sequence[int], random: np.random.Generator
) -> NDArray[np.float32]:
    """Draw maps ``(V, 3, 4)`` from a view's coordinates ``(z, y, x)`` to its crop's, in -1..1.

    Parameters
    ----------
    span
        Least and largest edge of a view, as a share of the crop's.
    edges
        The crop's, in voxels: views are turned rigidly.
    """
    half = np.asarray(edges) / 2
    maps = np.empty((count, 3, 4), np.float32)
    for view in maps:
        share = random.uniform(*span)
        turn = np.diag(random.choice([-1.0, 1.0], 3))
        for axis, angle in enumerate(np.deg2rad(random.uniform(-TILT, TILT, 3))):
            turn = turn @ rotation_about(axis, angle)
        view[:, :3] = share * turn * half[None, :] / half[:, None]
        view[:, 3] = random.uniform(-1, 1, 3) * (1 - share)
    return maps


def draw_lights(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Draw lights ``(V, 3)``: exponent, slope and shift."""
    factors = np.array([GAMMA, GAIN]) ** random.uniform(-1, 1, (count, 2))
    return np.column_stack([factors, random.uniform(-OFFSET, OFFSET, count)]).astype(np.float32)


def cut_views(image_BCZYX: Tensor, maps_BV34: Tensor, light_BV3: Tensor, size: Size3) -> Tensor:
    """Cut views of one size, the first of each crop, then the second, ``(V B, C, Z, Y, X)``."""
    views = [
        lit(piece(image_BCZYX, where, size), light)
        for where, light in zip(maps_BV34.unbind(1), light_BV3.unbind(1), strict=True)
    ]
    return torch.cat(views)


def piece(image_BCZYX: Tensor, where_B34: Tensor, size: Size3) -> Tensor:
    """Cut one piece of each image and bring it to a size."""
    # The sampler's order is (x, y, z).
    place = torch.cat([where_B34[:, :, :3].flip(1, 2), where_B34[:, :, 3:].flip(1)], dim=2)
    grid = F.affine_grid(place, [*image_BCZYX.shape[:2], *size], align_corners=False)
    return F.grid_sample(image_BCZYX, grid.to(image_BCZYX.dtype), align_corners=False)


def lit(image_BCZYX: Tensor, light_B3: Tensor) -> Tensor:
    """Change the intensities of images in 0..1; they stay there."""
    exponent, slope, shift = (part.reshape(-1, 1, 1, 1, 1) for part in light_B3.unbind(1))
    # At 0 the slope of a power below 1 is endless; nobody asks for it, since crops are data.
    return (slope * image_BCZYX.clamp(0, 1) ** exponent + shift).clamp(0, 1)


def fitting(edges: Sequence[int], multiple: Size3, share: float) -> Size3:
    """Return the size nearest to a share of a crop that a network takes: a whole multiple."""
    z, y, x = (
        step * max(1, round(share * edge / step))
        for edge, step in zip(edges, multiple, strict=True)
    )
    return z, y, x
