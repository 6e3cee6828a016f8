"""Run-length encoding of two masks at once, and the sets of runs that are joined.

The one idea: a row of thousands of equal voxels is one run, so components, contacts and graphs of a
volume are computed on runs, of which there are hundreds of times fewer. The runs of right and wrong
foreground and background tile a volume and its margin of background without a gap.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.masks.bits import Words, bit_at, changes_in, count_bits, lowest_bit

Indices = NDArray[np.int64]
Categories = NDArray[np.uint8]

FALSE_NEGATIVE = 1
FALSE_POSITIVE = 2


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of equal category in the rows of a volume with its margin, in scan order.

    Run r covers the voxels ``start[r]`` up to ``start[r + 1]`` of the volume with margin, ``width``
    a row; ``first[y]`` is the first run of row y. Both have one entry more than there are runs and
    rows. Categories: 0 true negative, 1 false negative, 2 false positive, 3 true positive.
    """

    start: Indices
    category: Categories
    first: Indices
    width: int
    rows_per_layer: int

    def __len__(self) -> int:
        return len(self.category)


def encode_runs(prediction: Words, truth: Words, width: int) -> Runs:
    """Encode the rows of two packed masks whose rows hold ``width`` voxels without the margin."""
    layers, rows_per_layer, words = prediction.shape
    rows = prediction.reshape(-1, words), truth.reshape(-1, words)
    first = np.zeros(layers * rows_per_layer + 1, np.int64)
    count_runs(*rows, first[1:])
    np.cumsum(first, out=first)
    start = np.empty(first[-1] + 1, np.int64)
    start[-1] = (len(first) - 1) * (width + 2)
    category = np.empty(first[-1], np.uint8)
    write_runs(*rows, first, width + 2, start, category)
    return Runs(start, category, first, width + 2, rows_per_layer)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_runs(prediction: Words, truth: Words, count: Indices) -> None:
    """Count the runs of each row; the margin before it makes one more than there are changes."""
    for row in range(len(count)):
        changes = 1
        for word in range(prediction.shape[1]):
            change = changes_in(prediction[row], word) | changes_in(truth[row], word)
            changes += count_bits(change)
        count[row] = changes


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def write_runs(
    prediction: Words,
    truth: Words,
    first: Indices,
    width: int,
    start: Indices,
    category: Categories,
) -> None:
    """Write where each run starts, and its category."""
    for row in range(len(first) - 1):
        run = first[row]
        # The margin shifts voxel x to x + 1.
        begin = row * width + 1
        start[run], category[run] = begin - 1, 0
        for word in range(prediction.shape[1]):
            change = changes_in(prediction[row], word) | changes_in(truth[row], word)
            while change:
                x = 64 * word + lowest_bit(change)
                change &= change - np.uint64(1)
                run += 1
                start[run] = begin + x
                category[run] = 2 * bit_at(prediction[row], x) + bit_at(truth[row], x)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def row_before(row: int, number: int, rows_per_layer: int) -> int:
    """Return the row ``number`` out of four before this one that touch it, -1 where there is none.

    Numbers 0 and 1 are those that share faces, 2 and 3 those that share edges only. The other four
    rows that touch this one see it as theirs.
    """
    y = row % rows_per_layer
    if number == 0:
        return row - 1 if y else -1
    if number == 1:
        return max(row - rows_per_layer, -1)
    if number == 2:
        return max(row - rows_per_layer - 1, -1) if y else -1
    return max(row - rows_per_layer + 1, -1) if y < rows_per_layer - 1 else -1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def root(parent: Indices, node: int) -> int:
    """Return the representative of a node's set, its least member, and shorten the way to it."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def unite(parent: Indices, a: int, b: int) -> int:
    """Join the sets of two nodes; return 1 if they were two, else 0."""
    a, b = root(parent, a), root(parent, b)
    if a == b:
        return 0
    if a < b:
        parent[b] = a
    else:
        parent[a] = b
    return 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def number_sets(
    parent: Indices, category: Categories, least: int, most: int, number: Indices, next_number: int
) -> int:
    """Give numbers to sets of runs of some categories, in order of first run; return the next one.

    Every set is either of these categories as a whole or not at all.
    """
    for run in range(len(parent)):
        if least <= category[run] <= most:
            # The representative is the least member, so it has its number already.
            first = root(parent, run)
            if first == run:
                number[run] = next_number
                next_number += 1
            else:
                number[run] = number[first]
    return next_number
