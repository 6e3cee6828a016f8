"""A set of small integers with its greatest member at hand: a column of a matrix over Z/2.

The one idea: 64 members are one word, 64 words are one bit each of the level above. To add or drop
a member touches the levels above only where a word becomes empty or stops being so, and the
greatest member is found by following the highest set bits down, however long the column is.

References
----------
Bauer, Kerber, Reininghaus, Wagner 2017, doi:10.1016/j.jsc.2016.03.008 (PHAT, whose
"bit tree" columns this is).
"""

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Tree = NDArray[np.uint64]
HEADER = 8


@intrinsic  # type: ignore[untyped-decorator]
def leading_zeros(typing_context: Any, word: Any) -> Any:
    """Return the number of zeros above the highest set bit of a 64-bit word that is not 0."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def empty_tree(size: int) -> Tree:
    """Return the empty set with room for 0 ... size - 1.

    Word 0 holds the number of levels, and the words behind it say where each of them begins, from
    the members up to the root of one word.
    """
    starts = np.zeros(HEADER + 1, np.int64)
    starts[1] = HEADER
    levels = 0
    words = size
    while levels == 0 or words > 1:
        words = max(1, (words + 63) >> 6)
        levels += 1
        starts[levels + 1] = starts[levels] + words
    tree = np.zeros(starts[levels + 1], np.uint64)
    tree[0] = levels
    for level in range(1, levels + 1):
        tree[level] = starts[level]
    return tree


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def capacity(tree: Tree) -> int:
    """Return the number of integers that a tree has room for."""
    return int(np.int64(tree[2] if tree[0] > 1 else len(tree)) - HEADER) << 6


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def toggle(tree: Tree, member: int) -> None:
    """Add a member, or drop it if it is in the set."""
    place = member
    for level in range(1, np.int64(tree[0]) + 1):
        word = np.int64(tree[level]) + (place >> 6)
        before = tree[word]
        after = before ^ (np.uint64(1) << np.uint64(place & 63))
        tree[word] = after
        if before != 0 and after != 0:
            return
        place >>= 6


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def greatest(tree: Tree) -> int:
    """Return the greatest member, -1 if there is none."""
    level = np.int64(tree[0])
    if tree[np.int64(tree[level])] == 0:
        return -1
    place = 0
    while level > 0:
        word = tree[np.int64(tree[level]) + place]
        place = place << 6 | (63 - leading_zeros(word))
        level -= 1
    return place
