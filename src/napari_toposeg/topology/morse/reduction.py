"""Reduction of a sparse matrix over Z/2, column by column.

The one idea: two columns that end in the same row are added until each ends in a row of its own;
that row and the column are a pair. The column under way is kept in a tree of bits, in which it is
as cheap to find its end as to add an entry.

References
----------
Bauer, Kerber, Reininghaus, Wagner 2017, doi:10.1016/j.jsc.2016.03.008 (PHAT).
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.morse.bit_tree import Tree, greatest, toggle

Indices = NDArray[np.int64]
Numbers = NDArray[np.int32]


@dataclass(eq=False)
class Columns:
    """Columns of a matrix over Z/2: column j holds ``rows[begin[j] : begin[j] + length[j]]``.

    ``used`` entries of ``rows`` are taken. No column holds a row twice; their order is free.
    """

    begin: Indices
    length: Numbers
    rows: Numbers = field(default_factory=lambda: np.empty(1 << 12, np.int32))
    used: int = 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def reduce_columns(
    start: int,
    stop: int,
    begin: Indices,
    length: Numbers,
    pool: Numbers,
    used: int,
    killer: Numbers,
    tree: Tree,
) -> tuple[Numbers, int]:
    """Reduce columns [start, stop), after all earlier ones; the pool may have grown.

    ``killer[r]`` becomes the column whose last entry is row r; it is -1 before. ``tree`` has room
    for all rows, and is empty before and afterwards.
    """
    for j in range(start, stop):
        pivot = -1
        for i in range(begin[j], begin[j] + length[j]):
            pivot = max(pivot, pool[i])
        if pivot < 0:
            continue
        if killer[pivot] < 0:
            killer[pivot] = j
            continue
        toggle_column(tree, pool, begin[j], length[j])
        while pivot >= 0 and killer[pivot] >= 0:
            other = killer[pivot]
            toggle_column(tree, pool, begin[other], length[other])
            pivot = greatest(tree)
        if pivot >= 0:
            killer[pivot] = j
        begin[j] = used
        while pivot >= 0:
            if used == len(pool):
                pool = grown(pool)
            pool[used] = pivot
            used += 1
            toggle(tree, pivot)
            pivot = greatest(tree)
        length[j] = used - begin[j]
    return pool, used


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def toggle_column(tree: Tree, pool: Numbers, begin: int, length: int) -> None:
    """Add a column to the one in the tree."""
    for i in range(begin, begin + length):
        toggle(tree, pool[i])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def grown(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the array with room for twice as much."""
    larger = np.empty(2 * len(array), array.dtype)
    larger[: len(array)] = array
    return larger
