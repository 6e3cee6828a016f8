"""Vessel trees in lung-like CT.

The one idea: the truth is a forest grown without loops (`forest`), and the image makes it hard to
see: thin branches fill their voxels in part, contrast varies along them, and bright patches are no
vessels.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.phantoms.forest import Forest, grow_forest
from napari_toposeg.phantoms.lungs import (
    draw_parenchyma,
    draw_side,
    draw_wall,
    lay_wall,
    smooth_field,
)
from napari_toposeg.phantoms.phantom import (
    Field,
    Phantom,
    Shape,
    make_phantom,
    require_settings,
    scan,
)
from napari_toposeg.topology import BettiNumbers, betti_numbers
from napari_toposeg.volume import Spacing

VESSEL_HU = 30.0
REDRAWS = 20
VOXELS_PER_TREE = 16_000


def vessel_tree(
    shape: Sequence[int] = (64, 64, 64),
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    seed: int = 0,
    noise: float = 40.0,
    blur: float = 0.6,
    trees: int | None = None,
    radius: tuple[float, float] | None = None,
    texture: float = 35.0,
    variation: float = 0.3,
    blobs: float = 300.0,
    wall: float = 0.0,
) -> Phantom:
    """Grow vessel trees in lung-like CT; the truth's Betti numbers are (trees, 0, 0).

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``.
    spacing
        Voxel size in mm, in the same axis order.
    seed
        Of everything that is drawn.
    noise
        Standard deviation of white noise, in HU.
    blur
        Sigma of the Gaussian blur, in mm.
    trees
        Number of trees; by default one for each 16,000 voxels, at least one.
    radius
        Smallest and largest radius of a vessel, in mm; by default from 0.45 of a voxel (its edge,
        geometric mean) to 2.6 voxels, less in a small volume.
    texture
        Deviation of the lung's mottle, in HU.
    variation
        How much a vessel's contrast varies along it, as a share of it (0: not at all).
    blobs
        Height of smooth bright patches in the lung, in HU, that are no vessels.
    wall
        Thickness, in voxels, of soft tissue along one face, no vessel either.

    Raises
    ------
    InvalidConfig
        If a setting cannot be, or so many trees do not fit.
    """
    grid, steps = require_settings(
        shape,
        spacing,
        noise=noise,
        blur=blur,
        texture=texture,
        variation=variation,
        blobs=blobs,
        wall=wall,
    )
    radii = require_radii(radius, grid, steps)
    count = max(1, round(np.prod(grid) / VOXELS_PER_TREE)) if trees is None else trees
    forest, soft, random = draw_forest(grid, steps, count, radii, wall, seed)
    hu = draw_parenchyma(grid, steps, texture, blobs, random)
    hu += forest.fraction * (contrast(grid, variation, random) - hu)
    lay_wall(hu, soft, random)
    scanned = scan(hu, steps, blur=blur, noise=noise, random=random)
    return make_phantom("vessel_tree", scanned, forest.truth, BettiNumbers(count, 0, 0), steps)


def draw_forest(
    shape: Shape,
    spacing: Spacing,
    trees: int,
    radii: tuple[float, float],
    wall: float,
    seed: int,
) -> tuple[Forest, NDArray[np.bool_], np.random.Generator]:
    """Grow the trees beside a wall until their Betti numbers are right, at most `REDRAWS` times."""
    if trees < 1:
        raise InvalidConfig(f"trees {trees} must be at least 1")
    for redraw in range(REDRAWS):
        random = np.random.default_rng([seed, redraw])
        side = draw_side(random)
        soft = draw_wall(shape, wall, side, random)
        forest = grow_forest(soft, trees, radii, spacing, side, random)
        if betti_numbers(forest.truth) == (trees, 0, 0):
            return forest, soft, random
    raise InvalidConfig(
        f"{trees} vessel trees of radius {radii[0]:.2g} to {radii[1]:.2g} mm do not fit in {shape} "
        f"voxels of {spacing} mm; ask for fewer or thinner ones"
    )


def require_radii(
    radius: tuple[float, float] | None, shape: Shape, spacing: Spacing
) -> tuple[float, float]:
    """Return the smallest and the largest radius in mm, or raise InvalidConfig."""
    if radius is None:
        voxel = float(np.prod(spacing)) ** (1 / 3)
        side = min(n * step for n, step in zip(shape, spacing, strict=True))
        return 0.45 * voxel, max(0.45 * voxel, min(2.6 * voxel, side / 14))
    if not 0 < radius[0] <= radius[1]:
        raise InvalidConfig(f"radius {radius} must be (smallest, largest) in mm, above 0")
    return radius


def contrast(shape: Shape, variation: float, random: np.random.Generator) -> Field:
    """Return the HU of filled vessels, varying slowly in space and never above `VESSEL_HU`."""
    hu = np.full(shape, VESSEL_HU, np.float32)
    if variation > 0:
        dip = np.clip(np.abs(smooth_field(shape, (4.0, 4.0, 4.0), random)), 0, 2)
        hu -= np.float32(variation * 880 / 2) * dip
    return hu
