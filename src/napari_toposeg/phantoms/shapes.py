"""Closed shapes of known topology: ball, hollow ball, torus, linked rings.

The one idea: a shape is the set where a signed distance in mm is not above 0; the Betti numbers are
those of the ideal shape, and a grid too coarse to show them is refused.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.phantoms.phantom import (
    LUNG_HU,
    SOFT_TISSUE_HU,
    Field,
    Phantom,
    Shape,
    make_phantom,
    require_settings,
    scan,
)
from napari_toposeg.topology import BettiNumbers, betti_numbers
from napari_toposeg.volume import Spacing

CUBE: Shape = (48, 48, 48)
ISOTROPIC: Spacing = (1.0, 1.0, 1.0)
Coordinates = NDArray[np.float32]


def ball(
    shape: Sequence[int] = CUBE,
    *,
    spacing: Sequence[float] = ISOTROPIC,
    seed: int = 0,
    noise: float = 20.0,
    blur: float = 0.6,
) -> Phantom:
    """Draw a solid ball of soft tissue in air-filled lung: Betti numbers (1, 0, 0).

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``; the shape fills most of the shortest side.
    spacing
        Voxel size in mm, in the same axis order.
    seed
        Of the noise.
    noise
        Standard deviation of white noise, in HU.
    blur
        Sigma of the Gaussian blur, in mm.

    Raises
    ------
    InvalidConfig
        If a setting cannot be, or the grid is too coarse to show the shape's topology.
    """
    grid, steps = require_settings(shape, spacing, noise=noise, blur=blur)
    points, size = centred(grid, steps)
    distance = np.linalg.norm(points, axis=0) - 0.38 * size
    return render("ball", distance, BettiNumbers(1, 0, 0), steps, seed, noise, blur)


def hollow_ball(
    shape: Sequence[int] = CUBE,
    *,
    spacing: Sequence[float] = ISOTROPIC,
    seed: int = 0,
    noise: float = 20.0,
    blur: float = 0.6,
) -> Phantom:
    """Draw a ball with a cavity: Betti numbers (1, 0, 1). Arguments as for `ball`."""
    grid, steps = require_settings(shape, spacing, noise=noise, blur=blur)
    points, size = centred(grid, steps)
    distance = np.abs(np.linalg.norm(points, axis=0) - 0.29 * size) - 0.1 * size
    return render("hollow_ball", distance, BettiNumbers(1, 0, 1), steps, seed, noise, blur)


def torus(
    shape: Sequence[int] = CUBE,
    *,
    spacing: Sequence[float] = ISOTROPIC,
    seed: int = 0,
    noise: float = 20.0,
    blur: float = 0.6,
) -> Phantom:
    """Draw a solid torus around the z axis: Betti numbers (1, 1, 0). Arguments as for `ball`."""
    grid, steps = require_settings(shape, spacing, noise=noise, blur=blur)
    points, size = centred(grid, steps)
    distance = ring(points, 0.29 * size, 0.1 * size)
    return render("torus", distance, BettiNumbers(1, 1, 0), steps, seed, noise, blur)


def linked_rings(
    shape: Sequence[int] = CUBE,
    *,
    spacing: Sequence[float] = ISOTROPIC,
    seed: int = 0,
    noise: float = 20.0,
    blur: float = 0.6,
) -> Phantom:
    """Draw two rings, each through the other: Betti numbers (2, 2, 0). Arguments as for `ball`.

    Homology does not see the link: two rings apart have the same numbers.
    """
    grid, steps = require_settings(shape, spacing, noise=noise, blur=blur)
    points, size = centred(grid, steps)
    z, y, x = points
    offset = 0.12 * size
    flat = ring(np.stack([z, y, x + offset]), 0.24 * size, 0.065 * size)
    upright = ring(np.stack([y, z, x - offset]), 0.24 * size, 0.065 * size)
    distance = np.minimum(flat, upright)
    return render("linked_rings", distance, BettiNumbers(2, 2, 0), steps, seed, noise, blur)


def centred(shape: Shape, spacing: Spacing) -> tuple[Coordinates, float]:
    """Return mm coordinates ``(3, z, y, x)`` about the centre, and the shortest side in mm."""
    axes = [
        (np.arange(n, dtype=np.float32) - (n - 1) / 2) * step
        for n, step in zip(shape, spacing, strict=True)
    ]
    points: Coordinates = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)
    return points, min(n * step for n, step in zip(shape, spacing, strict=True))


def ring(points: Coordinates, radius: float, thickness: float) -> Field:
    """Return the signed distance to a torus around the first axis, in mm."""
    z, y, x = points
    distance: Field = np.hypot(np.hypot(y, x) - radius, z) - thickness
    return distance


def render(
    name: str,
    distance: Field,
    betti: BettiNumbers,
    spacing: Spacing,
    seed: int,
    noise: float,
    blur: float,
) -> Phantom:
    """Draw the set of distance at most 0 with partial volume, and check its Betti numbers."""
    truth = distance <= 0
    found = betti_numbers(truth)
    if found != betti:
        raise InvalidConfig(
            f"a {name} on a grid of {distance.shape} voxels of {spacing} mm has Betti numbers "
            f"{tuple(found)}, not {tuple(betti)}: it is too coarse; use more or smaller voxels"
        )
    voxel = float(np.prod(spacing)) ** (1 / 3)
    fraction = np.clip(0.5 - distance / voxel, 0, 1).astype(np.float32)
    hu = np.float32(LUNG_HU) + np.float32(SOFT_TISSUE_HU - LUNG_HU) * fraction
    scanned = scan(hu, spacing, blur=blur, noise=noise, random=np.random.default_rng(seed))
    return make_phantom(name, scanned, truth, betti, spacing)
