"""What flipping each error component does to the Euler characteristic of a volume.

The one idea: chi is a sum over 2 x 2 x 2 blocks of voxels, of which only those that hold a voxel of
the error change; each of the 256 patterns of a block has its share.
"""

from functools import cache
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.masks.bits import Words, bit_at
from napari_toposeg.topology.masks.runs import FALSE_POSITIVE, Categories, Indices, Runs


def euler_changes(
    prediction: Words,
    truth: Words,
    runs: Runs,
    error: Indices,
    errors: int,
    wide_foreground: bool,
) -> Indices:
    """Return what flipping each error component adds to the Euler characteristic of a volume.

    Parameters
    ----------
    prediction, truth, runs
        Two packed masks and their runs.
    error, errors
        The error component of each run, -1 in none; and their number.
    wide_foreground
        Whether the foreground is 26-connected.
    """
    eighths = np.zeros(errors, np.int64)
    add_eighths(
        prediction.reshape(-1, prediction.shape[-1]),
        truth.reshape(-1, truth.shape[-1]),
        runs.start,
        runs.category,
        runs.first,
        runs.width,
        runs.rows_per_layer,
        error,
        euler_shares(wide_foreground),
        eighths,
    )
    return eighths // 8


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_eighths(
    prediction: Words,
    truth: Words,
    start: Indices,
    category: Categories,
    first: Indices,
    width: int,
    rows_per_layer: int,
    error: Indices,
    share: Indices,
    eighths: Indices,
) -> None:
    """Add, for each block that holds a voxel of an error, how its share changes.

    Two errors of one kind never share a block, since they would touch there. So a block's voxels of
    that kind are those of the error, and the first row that has one of them speaks for the block.
    """
    for row in range(len(first) - 1):
        for run in range(first[row], first[row + 1]):
            if error[run] < 0:
                continue
            is_extra = category[run] == FALSE_POSITIVE
            begin = start[run] - row * width - 1
            end = start[run + 1] - row * width - 1
            for place in range(4):
                corner = row - (place & 1) - (place >> 1) * rows_per_layer
                earlier = ((1 << place) - 1) * 0b10001
                before = after = 0
                for x in range(begin - 1, end + 1):
                    column, flips = column_at(
                        prediction, truth, corner, rows_per_layer, x, is_extra
                    )
                    before, after = before >> 4 | column << 4, after >> 4 | flips << 4
                    if x >= begin and not after & earlier:
                        eighths[error[run]] += share[before ^ after] - share[before]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def column_at(
    prediction: Words, truth: Words, corner: int, rows_per_layer: int, x: int, is_extra: bool
) -> tuple[int, int]:
    """Return voxel x of the four rows of a block: the prediction, and where it errs in one way."""
    column = flips = 0
    for place in range(4):
        row = corner + (place & 1) + (place >> 1) * rows_per_layer
        predicted, true = bit_at(prediction[row], x), bit_at(truth[row], x)
        column |= predicted << place
        flips |= (predicted != true and (predicted == 1) == is_extra) << place
    return column, flips


@cache
def euler_shares(closed: bool) -> NDArray[np.int64]:
    """Return, for each of the 256 blocks of 2 x 2 x 2 voxels, its share of 8 chi.

    A cell is a group of voxels joined along some axes (see `_counting.count_cells`); 2^(3 - k)
    blocks hold a group joined along k axes, so each of them counts 2^k eighths of it. The share is
    the same whatever the order of the axes in the number of a block.
    """
    blocks = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool).reshape(-1, 2, 2, 2)
    share = np.zeros(256, np.int64)
    for group in product((slice(0, 1), slice(1, 2), slice(0, 2)), repeat=3):
        joined = sum(extent.stop - extent.start == 2 for extent in group)
        voxels = blocks[(slice(None), *group)]
        present = voxels.any(axis=(1, 2, 3)) if closed else voxels.all(axis=(1, 2, 3))
        dimension = 3 - joined if closed else joined
        share += (-1) ** dimension * 2**joined * present
    return share
