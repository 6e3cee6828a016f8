"""Random maps to be repaired, and how many components a grid has room for."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage


def maps(count: int, seed: int) -> Iterator[tuple[np.ndarray, int]]:
    """Maps in [0, 1] of 1 to 9 (3D) or 15 (2D) voxels a side: noise, smooth, with ties; and a
    connectivity."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        ndim = int(random.integers(2, 4))
        shape = random.integers(1, 10 if ndim == 3 else 16, ndim)
        field = random.random(shape)
        sigma = random.choice([0, 0.6, 1.0])
        if sigma:
            field = ndimage.gaussian_filter(field, sigma)
            field = (field - field.min()) / (np.ptp(field) or 1)
        if random.random() < 0.3:
            field = np.round(4 * field) / 4
        yield field, int(random.choice([26, 6] if ndim == 3 else [8, 4]))


def fields(count: int, seed: int) -> Iterator[tuple[np.ndarray, int]]:
    """Smooth 3D maps of 16 to 40 voxels a side that branch, loop and enclose, and a connectivity."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        side, sigma = int(random.integers(16, 40)), random.uniform(0.7, 2.5)
        field = ndimage.gaussian_filter(random.standard_normal((side,) * 3), sigma, mode="wrap")
        level = np.quantile(field, random.uniform(0.3, 0.9))
        yield 0.5 + 0.2 * (field - level) / field.std(), int(random.choice([26, 6]))


def room(shape: tuple[int, ...], connectivity: int) -> int:
    """The most components that a grid holds: every second voxel along each axis, or a chequer."""
    if connectivity in (4, 6):
        return (int(np.prod(shape)) + 1) // 2
    return int(np.prod([(side + 1) // 2 for side in shape]))
