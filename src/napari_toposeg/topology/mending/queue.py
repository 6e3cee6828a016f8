"""A set of ranks from which the least is taken first, as bits.

The one idea: bit r of a row of words says whether rank r is in the set; above it a row of bits says
which words are not empty, and so on up to one word. To add, to drop and to find the least touches
one word a row, four rows for 16 million ranks, and a rank cannot be in the set twice.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Rows = NDArray[np.int64]

ONE = np.uint64(1)
# Multiplying a single bit by this de Bruijn sequence puts its place into the top six bits.
DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
TOP_SIX = np.uint64(58)
PLACES = np.zeros(64, np.int64)
for place in range(64):
    PLACES[(0x03F79D71B4CB0A89 << place & (1 << 64) - 1) >> 58] = place


def full_queue(count: int) -> tuple[Words, Rows]:
    """Return the set of all ranks below ``count``: its words, and where each row of them begins."""
    rows, begins = [], [0]
    while True:
        words = np.full(max(-(-count // 64), 1), ~np.uint64(0))
        if count % 64 or count == 0:
            words[-1] = np.uint64((1 << count % 64) - 1)
        rows.append(words)
        begins.append(begins[-1] + len(words))
        if len(words) == 1:
            return np.concatenate(rows), np.array(begins)
        count = len(words)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def put(words: Words, begins: Rows, rank: int) -> None:
    """Add a rank to the set."""
    for row in range(len(begins) - 1):
        word = begins[row] + (rank >> 6)
        held = words[word]
        words[word] = held | ONE << np.uint64(rank & 63)
        if held:
            return
        rank >>= 6


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def take_least(words: Words, begins: Rows) -> int:
    """Remove the least rank from the set and return it; -1 where the set is empty."""
    rows = len(begins) - 1
    if words[begins[rows - 1]] == 0:
        return -1
    least = 0
    for row in range(rows - 1, -1, -1):
        held = words[begins[row] + least]
        lowest = held & (~held + ONE)
        least = least * 64 + PLACES[(lowest * DE_BRUIJN) >> TOP_SIX]
    rank = least
    for row in range(rows):
        word = begins[row] + (rank >> 6)
        words[word] &= ~(ONE << np.uint64(rank & 63))
        if words[word]:
            break
        rank >>= 6
    return least
