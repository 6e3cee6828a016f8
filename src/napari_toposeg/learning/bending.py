"""Elastic deformation that folds nothing: cubic B-splines with small coefficients.

A lattice of control points moves the voxels between them. Where no coefficient exceeds 0.4 of the
distance of control points, the map is one-to-one: what is bent is neither torn nor glued, so that a
structure keeps its topology, but for what the sampling of thin parts changes. A field is three
small matrix products, which any device computes fast.

References
----------
Rueckert et al. 1999, doi:10.1109/42.796284 (the deformation); Choi and Lee 2000,
doi:10.1006/gmod.1999.0499 (no fold up to 1 / 2.48 of the distance, in three dimensions).
"""

# B batch, C components, Z, Y, X voxels, z, y, x control points

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.learning.seeds import Purpose, random_of

FOLDLESS = 0.4
"""Largest coefficient as a share of the distance of control points."""

CELL = 16
"""Distance of control points, about, in voxels."""


def cells_of(edges: Sequence[int], cell: int = CELL) -> tuple[int, ...]:
    """Return how many distances of control points an image spans along each axis."""
    return tuple(max(1, round(edge / cell)) for edge in edges)


def draw_bends(
    seed: int,
    step: int,
    samples: Sequence[int],
    edges: Sequence[int],
    *,
    share: float,
    still: int | None = None,
) -> Tensor:
    """Draw coefficients ``(B, 3, z, y, x)`` along ``(z, y, x)``, as a share of a crop's half edge.

    Parameters
    ----------
    edges
        The crop's, in voxels along ``(z, y, x)``.
    share
        Probability that a crop is bent.
    still
        Axis along which nothing moves.
    """
    cells = cells_of(edges)
    points = [count + 3 for count in cells]
    bends = np.zeros((len(samples), 3, *points), np.float32)
    for number, sample in enumerate(samples):
        random = random_of(seed, step, sample, Purpose.BEND)
        amount, coefficients = random.random(), random.uniform(-1, 1, (3, *points))
        if random.random() < share:
            # In units of -1..1 a distance of control points is 2 / cells.
            longest = FOLDLESS * amount * 2 / np.asarray(cells)
            bends[number] = coefficients * longest[:, None, None, None]
    if still is not None:
        bends[:, still] = 0.0
    return torch.from_numpy(bends)


def field_of(coefficients_BCzyx: Tensor, edges: Sequence[int]) -> Tensor:
    """Return the smooth field ``(B, C, Z, Y, X)`` of coefficients on a lattice."""
    z, y, x = (
        spline_matrix(edge, points - 3, coefficients_BCzyx.dtype, coefficients_BCzyx.device)
        for edge, points in zip(edges, coefficients_BCzyx.shape[2:], strict=True)
    )
    # From the last axis on, so that each product is as small as can be.
    field = coefficients_BCzyx @ x.T
    field = y @ field
    B, C, points = field.shape[:3]
    return (z @ field.reshape(B, C, points, -1)).reshape(B, C, *edges)


def bent_grid(turns_B33: Tensor, bends_B3zyx: Tensor, edges: Sequence[int]) -> Tensor:
    """Return where the voxels of bent, then turned crops come from, for `grid_sample`."""
    still = torch.eye(3, 4, device=bends_B3zyx.device)[None]
    upright = F.affine_grid(still, [1, 1, *edges], align_corners=False).flip(-1)
    moved = upright + field_of(bends_B3zyx, edges).movedim(1, -1)
    B = len(moved)
    turned = moved.reshape(B, -1, 3) @ turns_B33.transpose(1, 2)
    # Its order is (x, y, z).
    return turned.flip(-1).reshape(B, *edges, 3)


@lru_cache(maxsize=64)
def spline_matrix(edge: int, cells: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the ``(edge, cells + 3)`` values of cubic B-splines at the centres of voxels."""
    places = (torch.arange(edge, dtype=torch.float64) + 0.5) * cells / edge
    first = places.long().clamp(max=cells - 1)
    t = places - first
    weights = torch.stack(
        [
            (1 - t) ** 3 / 6,
            (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
            t**3 / 6,
        ],
        dim=1,
    )
    matrix = torch.zeros(edge, cells + 3, dtype=torch.float64)
    matrix.scatter_(1, first[:, None] + torch.arange(4), weights)
    return matrix.to(device, dtype)
