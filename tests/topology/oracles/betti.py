"""Betti numbers of random masks by persistence: another route, and another program (GUDHI)."""

from collections.abc import Iterator

import gudhi
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def cases(count: int, seed: int) -> Iterator[tuple[Mask, int]]:
    """Yield masks and connectivities: noise, blobs, thin and long ones, and both signs of them."""
    for number in range(count):
        random = np.random.default_rng([seed, number])
        connectivity = (26, 6, 8, 4)[number % 4]
        shape = draw_shape(random, 3 if connectivity in (26, 6) else 2)
        yield draw_mask(random, shape), connectivity


def draw_shape(random: np.random.Generator, ndim: int) -> tuple[int, ...]:
    """Draw sides of up to 12 voxels in 3D and 40 in 2D; some thin, some longer than one word."""
    shape = random.integers(1, 13 if ndim == 3 else 41, ndim)
    if random.random() < 0.2:
        shape[random.integers(ndim)] = 1
    if random.random() < 0.2:
        shape[-1] = random.integers(60, 140)
    return tuple(shape.tolist())


def draw_mask(random: np.random.Generator, shape: tuple[int, ...]) -> Mask:
    """Draw noise of any density, or blobs of any size."""
    field = random.standard_normal(shape)
    if random.random() < 0.5:
        field = ndimage.gaussian_filter(field, random.uniform(0.3, 2.0))
    mask = np.asarray(field > np.quantile(field, random.random()))
    # Runs that begin and end with a word of 64 bits, or near it.
    if shape[-1] < 13 and random.random() < 0.1:
        mask = np.roll(np.repeat(mask, 32, axis=-1), random.integers(-1, 2), axis=-1)
    return mask


def by_persistence(mask: Mask, connectivity: int) -> tuple[int, int, int]:
    """Betti numbers of the sublevel set {f <= 0}, f = 0 on the mask and 1 off it."""
    name = "top_dimensional_cells" if connectivity in (8, 26) else "vertices"
    padded = np.pad(1.0 - mask, 1, constant_values=1)
    cells = gudhi.CubicalComplex(**{name: padded})
    cells.compute_persistence(homology_coeff_field=2)
    born = [cells.persistence_intervals_in_dimension(k).reshape(-1, 2) for k in range(3)]
    b0, b1, b2 = (int(np.count_nonzero((b[:, 0] <= 0) & (b[:, 1] > 0))) for b in born)
    return b0, b1, b2
