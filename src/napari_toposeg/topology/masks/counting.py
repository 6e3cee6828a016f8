"""Counts of components, enclosed background and cells of a packed mask.

The one idea: every run of voxels is a component until two of them are joined, so the components are
the runs less the joins that made one of two sets. Foreground and background are counted in the same
sweep, each in its own connectivity; slabs of layers are swept side by side and their seams last.
"""

import numpy as np
from numba import njit

from napari_toposeg.topology.masks.bits import ONE, TOP, Words, count_bits
from napari_toposeg.topology.masks.runs import count_runs
from napari_toposeg.topology.masks.slabs import each_slab
from napari_toposeg.topology.masks.sweep import join_rows


def count_components(words: Words, wide_foreground: bool) -> tuple[int, int]:
    """Return the components of the foreground, and of the background that it encloses.

    Parameters
    ----------
    words
        A packed mask with its margin.
    wide_foreground
        Whether the foreground is 26-connected (8 in 2D), the background 6 (4); or the reverse.
    """
    rows_per_layer = words.shape[1]
    rows = words.reshape(-1, words.shape[-1])
    first = np.zeros(len(rows) + 1, np.int64)
    count_runs(rows, rows, first[1:])
    np.cumsum(first, out=first)
    parent = np.arange(first[-1])

    def join(begin: int, end: int, least: int, most: int) -> tuple[int, int]:
        joins: tuple[int, int] = join_rows(
            rows, rows_per_layer, first, wide_foreground, parent, begin, end, least, most
        )
        return joins

    slabs = each_slab(lambda begin, end: join(begin, end, begin, end), len(rows), rows_per_layer)
    joins = [found for _, _, found in slabs]
    joins += [join(begin, begin + rows_per_layer, 0, begin) for begin, _, _ in slabs[1:]]
    # Runs of a row take turns, background first and last.
    foreground = (len(parent) - len(rows)) // 2
    background = len(parent) - foreground
    return foreground - sum(a for a, _ in joins), background - sum(b for _, b in joins) - 1


def count_cells(words: Words, wide_foreground: bool) -> int:
    """Return the Euler characteristic of a packed mask, a sum over its cells.

    Voxels as vertices (6, 4): a cell is a group of 2^k neighbours that are *all* foreground.
    Voxels as top cells (26, 8): a cell is one that *any* of its 2^k voxels brings along.
    """
    layers, rows_per_layer, length = words.shape
    rows = words.reshape(-1, length)

    def within(begin: int, end: int) -> int:
        count: int = alternate_cells(rows, rows_per_layer, wide_foreground, begin, end)
        return count

    found = each_slab(within, len(rows), rows_per_layer)
    sign = -1 if wide_foreground and layers > 1 else 1
    return sign * sum(count for _, _, count in found)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def alternate_cells(rows: Words, rows_per_layer: int, closed: bool, begin: int, end: int) -> int:
    """Count voxels, less groups joined along one axis, plus those joined along two, ..."""
    total = 0
    for row in range(begin, end):
        if row % rows_per_layer == 0:
            continue
        is_planar = row < rows_per_layer
        below = 0 if is_planar else rows_per_layer
        own = beside = under = four = np.uint64(0)
        for word in range(rows.shape[1]):
            carries = own >> TOP, beside >> TOP, under >> TOP, four >> TOP
            own = rows[row, word]
            beside = either_or_both(own, rows[row - 1, word], closed)
            under = either_or_both(own, rows[row - below, word], closed)
            other = either_or_both(rows[row - below, word], rows[row - below - 1, word], closed)
            four = either_or_both(beside, other, closed)
            total += along_row(own, carries[0], closed) - along_row(beside, carries[1], closed)
            if not is_planar:
                total += along_row(four, carries[3], closed) - along_row(under, carries[2], closed)
    return total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def either_or_both(a: np.uint64, b: np.uint64, closed: bool) -> np.uint64:
    """Return which groups of two are cells."""
    return a | b if closed else a & b


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def along_row(cells: np.uint64, carried: np.uint64, closed: bool) -> np.int64:
    """Count the cells of a word less those joined with the one before in the row."""
    groups = either_or_both(cells, cells << ONE | carried, closed)
    count: np.int64 = count_bits(cells) - count_bits(groups)
    return count
