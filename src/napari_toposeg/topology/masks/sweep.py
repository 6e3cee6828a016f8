"""Joining the runs of packed rows that touch, of foreground and background in one sweep.

The one idea: where runs of two rows touch is a logical operation on words, and the number of the
run at a voxel is a count of bits; so only contacts are visited, not runs. A contact is left out
where the rows beside the two give another way round, through contacts that are not left out.
"""

import numpy as np
from numba import njit

from napari_toposeg.topology.masks.bits import ONE, TOP, Words, changes_in, count_bits
from napari_toposeg.topology.masks.runs import Indices, row_before, unite

EVERY = np.uint64(0xFFFFFFFFFFFFFFFF)
NO_BIT = np.uint64(0)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join_rows(
    rows: Words,
    rows_per_layer: int,
    first: Indices,
    wide_foreground: bool,
    parent: Indices,
    begin: int,
    end: int,
    least: int,
    most: int,
) -> tuple[int, int]:
    """Join touching runs of the rows from begin to end with rows between least and most.

    ``first[y]`` is the first run of row y, which starts in the margin. Returns how many joins made
    one of two sets, in the foreground and in the background.
    """
    joins = np.zeros(2, np.int64)
    for row in range(begin, end):
        for number in range(4):
            before = row_before(row, number, rows_per_layer)
            if before < least or before >= most:
                continue
            if number < 2:
                # The margins on the left touch by their faces.
                joins[0] += unite(parent, first[row], first[before])
            for side in range(2):
                is_wide = (side == 1) == wide_foreground
                if not is_wide and number > 1:
                    continue
                flip = NO_BIT if side else EVERY
                joins[side] += join_pair(
                    rows, row, before, number, rows_per_layer, first, flip, is_wide, parent
                )
    return joins[1], joins[0]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join_pair(
    rows: Words,
    row: int,
    before: int,
    number: int,
    rows_per_layer: int,
    first: Indices,
    flip: np.uint64,
    wide: bool,
    parent: Indices,
) -> int:
    """Join the runs of one side of two rows where they touch; return how many joins were new.

    A wide contact is one of voxels x - 1 and x of the one row with those of the other, and new
    unless both rows have voxel x - 1. A narrow one is new unless x - 1 is one too.
    """
    joins = 0
    # Rows beside the two: y - 1 of both layers, or the two that lie between edge neighbours.
    p = row - 1 if number < 3 else row + 1
    q = before - 1 if number == 1 else row - rows_per_layer
    pruned = number > 1 or (number == 1 and row % rows_per_layer > 0)
    here, there = first[row], first[before]
    for word in range(rows.shape[1]):
        a, b = rows[row, word], rows[before, word]
        changes_a, changes_b = changes_in(rows[row], word), changes_in(rows[before], word)
        if a == b == changes_a == changes_b == NO_BIT:
            continue
        both = shifted(rows, row, word, flip) & shifted(rows, before, word, flip)
        fresh = near(rows, row, word, flip, wide) & near(rows, before, word, flip, wide) & ~both
        if fresh and pruned:
            c, d = near(rows, p, word, flip, wide), near(rows, q, word, flip, wide)
            fresh &= ~(c & d if number == 1 else c | d)
        while fresh:
            bit = fresh & (~fresh + ONE)
            fresh ^= bit
            run_a = here + run_at(changes_a, a ^ flip, bit)
            run_b = there + run_at(changes_b, b ^ flip, bit)
            joins += unite(parent, run_a, run_b)
        here += count_bits(changes_a)
        there += count_bits(changes_b)
    return joins


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def shifted(rows: Words, row: int, word: int, flip: np.uint64) -> np.uint64:
    """Return the voxels of one side, each in place of the next one in the row."""
    before = rows[row, word - 1] if word else NO_BIT
    voxels: np.uint64 = (rows[row, word] ^ flip) << ONE | (before ^ flip) >> TOP
    return voxels


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def near(rows: Words, row: int, word: int, flip: np.uint64, wide: bool) -> np.uint64:
    """Return where a voxel of one side is, or the one before it in the row where that counts."""
    voxels: np.uint64 = rows[row, word] ^ flip
    return voxels | shifted(rows, row, word, flip) if wide else voxels


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def run_at(changes: np.uint64, voxels: np.uint64, bit: np.uint64) -> np.int64:
    """Return the runs that begin up to a voxel, or to the one before if it is on the other side."""
    upto = bit - ONE
    if voxels & bit:
        upto |= bit
    count: np.int64 = count_bits(changes & upto)
    return count
