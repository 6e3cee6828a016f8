"""Counts of components, enclosed background and cells of a packed mask.

The one idea: every run of voxels is a component until two of them are joined, so the components are
the runs less the joins that made one of two sets. Foreground and background are counted in the same
sweep, each in its own connectivity; slabs of layers are swept side by side and their seams last.
"""

import numpy as np
from numba import njit

from napari_toposeg.topology._bits import ONE, TOP, Words, count_bits
from napari_toposeg.topology._runs import (
    Categories,
    Indices,
    Runs,
    encode_runs,
    row_before,
    unite,
)
from napari_toposeg.topology._slabs import each_slab

FOREGROUND = 3


def count_components(words: Words, width: int, wide_foreground: bool) -> tuple[int, int]:
    """Return the components of the foreground, and of the background that it encloses.

    Parameters
    ----------
    words, width
        A packed mask with its margin, and the voxels of its rows without it.
    wide_foreground
        Whether the foreground is 26-connected (8 in 2D), the background 6 (4); or the reverse.
    """
    runs = encode_runs(words, words, width)
    parent = np.arange(len(runs))
    foreground = int(np.count_nonzero(runs.category))
    background = len(runs) - foreground
    rows = len(runs.first) - 1

    def join(begin: int, end: int, least: int, most: int) -> tuple[int, int]:
        joins: tuple[int, int] = join_equal(
            *fields(runs), parent, wide_foreground, begin, end, least, most
        )
        return joins

    def within(begin: int, end: int) -> tuple[int, int]:
        return join(begin, end, begin, end)

    def across(begin: int) -> tuple[int, int]:
        return join(begin, begin + runs.rows_per_layer, 0, begin)

    joins = each_slab(within, rows, runs.rows_per_layer)
    seams = [begin for begin, _, _ in joins if begin]
    for joined in [*(found for _, _, found in joins), *map(across, seams)]:
        foreground -= joined[0]
        background -= joined[1]
    return foreground, background - 1


def fields(runs: Runs) -> tuple[Indices, Categories, Indices, int, int]:
    """Return what compiled code needs of runs, in the order of the fields."""
    return runs.start, runs.category, runs.first, runs.width, runs.rows_per_layer


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join_equal(
    start: Indices,
    category: Categories,
    first: Indices,
    width: int,
    rows_per_layer: int,
    parent: Indices,
    wide_foreground: bool,
    begin: int,
    end: int,
    least: int,
    most: int,
) -> tuple[int, int]:
    """Join touching runs of the rows from begin to end with rows between least and most.

    Returns how many joins made one of two sets, in the foreground and in the background.
    """
    joins_of_foreground = joins_of_background = 0
    for row in range(begin, end):
        for number in range(4):
            before = row_before(row, number, rows_per_layer)
            if before < least or before >= most:
                continue
            shift = (row - before) * width
            a, b = first[row], first[before]
            while a < first[row + 1]:
                is_foreground = category[a] == FOREGROUND
                end_a, end_b = start[a + 1], start[b + 1] + shift
                joined = 0
                if category[a] == category[b]:
                    if number < 2 or is_foreground == wide_foreground:
                        joined = unite(parent, a, b)
                elif end_a == end_b:
                    # Of four runs that meet in a corner, opposite ones are of one kind.
                    joined = unite(
                        parent,
                        a if is_foreground == wide_foreground else a + 1,
                        b + 1 if is_foreground == wide_foreground else b,
                    )
                    is_foreground = wide_foreground
                if is_foreground:
                    joins_of_foreground += joined
                else:
                    joins_of_background += joined
                a += end_a <= end_b
                b += end_b <= end_a
    return joins_of_foreground, joins_of_background


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


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def either_or_both(a: np.uint64, b: np.uint64, closed: bool) -> np.uint64:
    """Return which groups of two are cells."""
    return a | b if closed else a & b


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def along_row(cells: np.uint64, carried: np.uint64, closed: bool) -> np.int64:
    """Count the cells of a word less those joined with the one before in the row."""
    groups = either_or_both(cells, cells << ONE | carried, closed)
    count: np.int64 = count_bits(cells) - count_bits(groups)
    return count
