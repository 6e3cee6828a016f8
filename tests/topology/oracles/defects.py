"""Error components by brute force: flip each one and count again.

Counting is by scipy's labelling of foreground and background and by a sum over cells, and shares no
code with the package.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Numbers = tuple[int, int, int]


def cases(count: int, seed: int) -> Iterator[tuple[Mask, Mask, int]]:
    """Yield predictions, truths and connectivities: noise and blobs, with few errors or many."""
    for number in range(count):
        random = np.random.default_rng([seed, number])
        connectivity = (26, 6, 8, 4)[number % 4]
        ndim = 3 if connectivity in (26, 6) else 2
        shape = random.integers(1, 8 if ndim == 3 else 15, ndim)
        if random.random() < 0.05:
            shape[-1] = random.integers(60, 70)
        field = random.standard_normal(shape)
        if random.random() < 0.4:
            field = ndimage.gaussian_filter(field, random.uniform(0.3, 1.5))
        prediction = field > np.quantile(field, random.random())
        truth = prediction ^ (random.random(shape) < 0.7 * random.random() ** 2)
        yield prediction, truth, connectivity


def by_flipping(
    prediction: Mask, truth: Mask, connectivity: int
) -> dict[tuple[int, ...], tuple[int, Numbers]]:
    """First voxel of each error component -> its size and what flipping it alone changes."""
    before = count(prediction, connectivity)
    changes = {}
    for error in (prediction & ~truth, truth & ~prediction):
        labels, components = ndimage.label(error, np.ones((3,) * error.ndim))
        for component in range(1, components + 1):
            flip = labels == component
            after = count(prediction ^ flip, connectivity)
            b0, b1, b2 = (a - b for a, b in zip(after, before, strict=True))
            first = tuple(np.argwhere(flip)[0].tolist())
            changes[first] = int(flip.sum()), (b0, b1, b2)
    return changes


def count(mask: Mask, connectivity: int) -> Numbers:
    """Betti numbers by labelling and by counting cells."""
    padded = np.pad(mask, 1)
    wide, narrow = np.ones((3,) * mask.ndim), None
    closed = connectivity in (8, 26)
    components = ndimage.label(padded, wide if closed else narrow)[1]
    enclosed = ndimage.label(~padded, narrow if closed else wide)[1] - 1
    if mask.ndim == 2:
        return components, enclosed, 0
    chi = -alternate(padded, np.logical_or) if closed else alternate(padded, np.logical_and)
    return components, components + enclosed - chi, enclosed


def alternate(cells: Mask, join: np.ufunc, axis: int = 0) -> int:
    """Count cells, less those joined along one axis, plus those along two, ..."""
    if axis == cells.ndim:
        return int(np.count_nonzero(cells))
    every = (slice(None),) * axis
    joined = join(cells[(*every, slice(1, None))], cells[(*every, slice(None, -1))])
    return alternate(cells, join, axis + 1) - alternate(joined, join, axis + 1)
