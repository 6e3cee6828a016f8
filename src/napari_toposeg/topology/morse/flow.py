"""Where edges flow to along the gradient, and so the boundaries of critical squares.

The one idea: an edge flows to nothing, to one critical edge, or to the sum of two or three flows (a
*branch*); each edge is followed once and its end is kept. The boundary of a critical square is the
sum of four ends. This takes most of the time of persistence, so what is done for each edge is kept
free of branches in the other sense, too.

References
----------
Guillou, Vidal, Tierny 2023, arXiv 2206.13932 (Discrete Morse Sandwich).
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.morse.bit_tree import Tree, capacity, empty_tree, greatest, toggle
from napari_toposeg.topology.morse.gradient import Cells, Codes, Gradient, Places, Rows
from napari_toposeg.topology.morse.lower_star import CENTRE, DIMENSION, FACETS, POINTERS, code_of
from napari_toposeg.topology.morse.reduction import Indices, Numbers, grown

UNKNOWN, NOTHING = 0, -1
# Bit 1 + code is set for the codes of squares.
ARE_SQUARES = sum(2 << int(code) for code in np.flatnonzero(DIMENSION == 2))
PLUS = np.array([code_of(axis) for axis in np.eye(3, dtype=np.int64)])


@dataclass(eq=False)
class Flow:
    """Where the edges of a volume flow to, as far as they have been followed.

    Parameters
    ----------
    end
        For each edge, numbered 4 * place of its lower corner + axis: 0 unknown, -1 nothing,
        2 + 2 r critical edge (row) r, 3 + 2 b branch b.
    branches
        Three ends each, one of them perhaps 0 for none; a branch leads to rows and to branches
        made before it.
    count
        Number of branches.
    tree
        Room for a set of branches, empty between columns.
    """

    end: Numbers
    branches: Numbers = field(default_factory=lambda: np.empty(3 << 12, np.int32))
    count: int = 0
    tree: Tree = field(default_factory=lambda: empty_tree(1 << 12))


def start_flow(gradient: Gradient, edges: Cells) -> Flow:
    """Return the flow before any edge was followed; the critical edges are rows 0, 1, ..."""
    end = np.zeros(4 * gradient.index.size, np.int32)
    axis = np.abs(POINTERS).argmax(axis=1)
    lower = np.minimum(POINTERS, 0) @ gradient.strides
    number = 4 * (edges.voxel + lower[edges.code]) + axis[edges.code]
    end[number] = 2 + 2 * np.arange(len(edges))
    return Flow(end)


def sides_of_squares(gradient: Gradient) -> Indices:
    """Return for each square's code the four edges, as numbers to add to 4 * its voxel."""
    strides = gradient.strides
    sides = np.zeros((27, 4), np.int64)
    for code in np.flatnonzero(DIMENSION == 2):
        pointer = POINTERS[code]
        lowest = np.minimum(pointer, 0) @ strides
        one, other = np.flatnonzero(pointer)
        sides[code] = [
            4 * lowest + one,
            4 * lowest + other,
            4 * (lowest + strides[other]) + one,
            4 * (lowest + strides[one]) + other,
        ]
    return sides


def other_sides(gradient: Gradient, sides: Indices) -> Indices:
    """Return the three other edges of a square, in row 27 * code of one edge + code of the square.

    Both codes are those at the voxel that the edge and the square enter with.
    """
    own = 4 * (np.minimum(POINTERS, 0) @ gradient.strides) + np.abs(POINTERS).argmax(axis=1)
    others = np.zeros((27 * 27, 3), np.int64)
    for square in np.flatnonzero(DIMENSION == 2):
        for edge in FACETS[square][:2]:
            others[27 * edge + square] = [side for side in sides[square] if side != own[edge]]
    return others


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def trace(
    voxels: Places,
    codes: Codes,
    index: Places,
    rows: Rows,
    held: Codes,
    strides: Indices,
    plus: Indices,
    sides: Indices,
    others: Indices,
    end: Numbers,
    branches: Numbers,
    count: int,
    tree: Tree,
    odd: NDArray[np.bool_],
    begin: Indices,
    length: Numbers,
    pool: Numbers,
    used: int,
) -> tuple[Numbers, int, Tree, Numbers, int]:
    """Write a column for each square; arrays that may have grown are returned.

    ``held`` is, for each row of the table, which edges the star holds.
    """
    stack = np.empty((1 << 8, 3), np.int64)
    for j in range(len(voxels)):
        voxel = np.int64(voxels[j])
        for side in range(4):
            edge = 4 * voxel + sides[codes[j], side]
            if end[edge] == UNKNOWN:
                branches, count, stack = follow(
                    edge, index, rows, held, strides, plus, others, end, branches, count, stack
                )
        if capacity(tree) < count:
            tree = empty_tree(2 * count)
        begin[j] = used
        for side in range(4):
            edge = 4 * voxel + sides[codes[j], side]
            pool, used = add_end(end[edge], tree, odd, pool, used)
        branch = greatest(tree)
        while branch >= 0:
            toggle(tree, branch)
            for side in range(3):
                pool, used = add_end(branches[3 * branch + side], tree, odd, pool, used)
            branch = greatest(tree)
        used = keep_odd(odd, pool, begin[j], used)
        length[j] = used - begin[j]
    return branches, count, tree, pool, used


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_end(
    end: int, tree: Tree, odd: NDArray[np.bool_], pool: Numbers, used: int
) -> tuple[Numbers, int]:
    """Add an end to the column under way: a branch to the tree, a row to the pool."""
    if end > 0:
        if end & 1:
            toggle(tree, (end - 3) >> 1)
        else:
            row = (end - 2) >> 1
            odd[row] = not odd[row]
            if used == len(pool):
                pool = grown(pool)
            pool[used] = row
            used += 1
    return pool, used


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def keep_odd(odd: NDArray[np.bool_], pool: Numbers, begin: int, used: int) -> int:
    """Keep one of each row that was added an odd number of times, and clear the marks."""
    kept = begin
    for i in range(begin, used):
        if odd[pool[i]]:
            odd[pool[i]] = False
            pool[kept] = pool[i]
            kept += 1
    return kept


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def follow(
    edge: int,
    index: Places,
    rows: Rows,
    held: Codes,
    strides: Indices,
    plus: Indices,
    others: Indices,
    end: Numbers,
    branches: Numbers,
    count: int,
    stack: Indices,
) -> tuple[Numbers, int, Indices]:
    """Find the end of an edge, and of all that it flows through, depth first.

    The stack holds edges that are matched to a square: the edge, 4 * the voxel that both enter
    with, and the row of ``others``.
    """
    depth = visit(edge, UNKNOWN, index, rows, held, strides, plus, end, stack, 0)
    while depth:
        if depth + 3 > len(stack):
            stack = deeper(stack)
        edge, base, row = stack[depth - 1]
        one, two, three = base + others[row, 0], base + others[row, 1], base + others[row, 2]
        a, b, c = np.int64(end[one]), np.int64(end[two]), np.int64(end[three])
        if (a == UNKNOWN) | (b == UNKNOWN) | (c == UNKNOWN):
            before = depth
            depth = visit(one, a, index, rows, held, strides, plus, end, stack, depth)
            depth = visit(two, b, index, rows, held, strides, plus, end, stack, depth)
            depth = visit(three, c, index, rows, held, strides, plus, end, stack, depth)
            if depth > before:
                continue
            a, b, c = np.int64(end[one]), np.int64(end[two]), np.int64(end[three])
        depth -= 1
        if (a > 0) | (b > 0) | (c > 0):
            branches, count, end[edge] = sum_ends(a, b, c, branches, count)
        else:
            end[edge] = NOTHING
    return branches, count, stack


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def visit(
    edge: int,
    known: int,
    index: Places,
    rows: Rows,
    held: Codes,
    strides: Indices,
    plus: Indices,
    end: Numbers,
    stack: Indices,
    depth: int,
) -> int:
    """Put an edge of unknown end on the stack if a square is matched to it.

    If none is, the edge flows to nothing. No branches: what comes is as good as random, and a
    wrong guess of the processor costs more than the writes that prove to be in vain.
    """
    voxel = edge >> 2
    axis = edge - 4 * voxel
    own = np.int64(held[index[voxel]] >> (2 * axis + 1) & 1)
    voxel += (1 - own) * strides[axis]
    code = CENTRE + (2 * own - 1) * (plus[axis] - CENTRE)
    square = np.int64(rows[index[voxel], code])
    unknown = np.int64(known == UNKNOWN)
    flows = ARE_SQUARES >> (square + 1) & unknown
    stack[depth, 0], stack[depth, 1], stack[depth, 2] = edge, 4 * voxel, 27 * code + square
    end[edge] = known - (unknown - flows)
    return int(depth + flows)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def deeper(stack: Indices) -> Indices:
    """Return the stack with room for twice as much."""
    larger = np.empty((2 * len(stack), 3), np.int64)
    larger[: len(stack)] = stack
    return larger


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sum_ends(a: int, b: int, c: int, branches: Numbers, count: int) -> tuple[Numbers, int, int]:
    """Return the sum of three ends over Z/2, making a branch if two or three are left."""
    one, two, three = max(a, 0), max(b, 0), max(c, 0)
    if one == two:
        one, two = 0, 0
    if one == three:
        one, three = 0, 0
    if two == three:
        two, three = 0, 0
    if (one > 0) + (two > 0) + (three > 0) < 2:
        total = max(one, two, three)
        return branches, count, total if total > 0 else NOTHING
    if 3 * count + 3 > len(branches):
        branches = grown(branches)
    branches[3 * count], branches[3 * count + 1], branches[3 * count + 2] = one, two, three
    return branches, count + 1, 2 * count + 3
