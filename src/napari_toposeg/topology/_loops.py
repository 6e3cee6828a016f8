"""Loops of a volume: critical edges paired with the critical squares that fill them.

The one idea: an edge flows, along the gradient, to nothing, to one critical edge, or to the sum of
two or three flows (a *branch*); each edge is followed once and its end is kept. The boundary of a
critical square is then the sum of four ends, and a sparse reduction of these few short columns over
Z/2 gives the pairs. Edges that join components and squares that close cavities are known before and
left out on both sides (clearing).

References
----------
Guillou, Vidal, Tierny 2023, arXiv 2206.13932 (Discrete Morse Sandwich).
Chen, Kerber 2011 (clearing).
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology._bit_tree import Tree, capacity, empty_tree, greatest, toggle
from napari_toposeg.topology._gradient import Cells, Codes, Gradient, Places, Rows
from napari_toposeg.topology._lower_star import CENTRE, DIMENSION, EDGE_BITS, POINTERS, code_of
from napari_toposeg.topology._watch import Tell, ahead, silent

Indices = NDArray[np.int64]
Numbers = NDArray[np.int32]

CHUNK = 1 << 12
UNKNOWN, NOTHING = 0, -1
PLUS = np.array([code_of(axis) for axis in np.eye(3, dtype=np.int64)])


@dataclass(eq=False)
class Flow:
    """Where the edges of a volume flow to, as far as they have been followed.

    Parameters
    ----------
    end
        For each edge, numbered 3 * place of its lower corner + axis: 0 unknown, -1 nothing,
        2 + 2 r critical edge (row) r, 3 + 2 b branch b.
    branches
        Three ends each, 0 where there are but two; a branch leads to rows and to earlier branches.
    count
        Number of branches.
    tree
        Room for a set of branches, empty between columns.
    """

    end: Numbers
    branches: Numbers = field(default_factory=lambda: np.empty(3 << 12, np.int32))
    count: int = 0
    tree: Tree = field(default_factory=lambda: empty_tree(1 << 12))


@dataclass(eq=False)
class Columns:
    """Columns of a matrix over Z/2: column j holds ``rows[begin[j] : begin[j] + length[j]]``.

    ``used`` entries of ``rows`` are taken. A column that was traced may hold a row twice, which
    counts as not at all; one that was reduced holds each row once, the last one first.
    """

    begin: Indices
    length: Numbers
    rows: Numbers = field(default_factory=lambda: np.empty(1 << 12, np.int32))
    used: int = 0


def empty_columns(count: int) -> Columns:
    """Return columns without entries."""
    return Columns(np.zeros(count, np.int64), np.zeros(count, np.int32))


def pair_loops(
    gradient: Gradient, edges: Cells, squares: Cells, threads: int = 1, tell: Tell = silent
) -> tuple[Places, Places]:
    """Return the voxels at which each loop is closed and filled.

    Parameters
    ----------
    edges
        Critical edges that join no components, in their order of entry: the rows.
    squares
        Critical squares that close no cavity, in their order of entry: the columns. The two orders
        may come from two images (image persistence), if the gradient is one of both.
    """
    killer = pair_rows(gradient, edges, squares, threads, tell)
    pairs = killer >= 0
    return edges.voxel[pairs], squares.voxel[killer[pairs]]


def pair_rows(
    gradient: Gradient, edges: Cells, squares: Cells, threads: int = 1, tell: Tell = silent
) -> Numbers:
    """Return for each row the column that it is paired with, -1 for none (see `pair_loops`).

    With two threads, one traces the next columns while the other reduces.
    """
    flow = start_flow(gradient, edges)
    reduced = empty_columns(len(squares))
    killer = np.full(len(edges), -1, np.int32)
    tree = empty_tree(len(edges))
    starts = range(0, len(squares), CHUNK)
    traced = (
        trace_columns(gradient, squares, flow, s, min(s + CHUNK, len(squares))) for s in starts
    )
    with ahead(traced, threads) as chunks:
        for start, chunk in zip(starts, chunks, strict=True):
            reduce_columns(chunk, start, reduced, killer, tree)
            tell(start / len(squares))
    return killer


def start_flow(gradient: Gradient, edges: Cells) -> Flow:
    """Return the flow before any edge was followed; the critical edges are rows 0, 1, ..."""
    end = np.zeros(3 * gradient.index.size, np.int32)
    axis = np.abs(POINTERS).argmax(axis=1)
    lower = np.minimum(POINTERS, 0) @ gradient.strides
    number = 3 * (edges.voxel + lower[edges.code]) + axis[edges.code]
    end[number] = 2 + 2 * np.arange(len(edges))
    return Flow(end)


def trace_columns(gradient: Gradient, squares: Cells, flow: Flow, start: int, stop: int) -> Columns:
    """Return the boundaries of squares [start, stop) as columns of rows."""
    columns = empty_columns(stop - start)
    flow.branches, flow.count, flow.tree, columns.rows, columns.used = trace(
        squares.voxel[start:stop],
        squares.code[start:stop],
        gradient.index,
        gradient.rows,
        gradient.strides,
        PLUS,
        sides_of_squares(gradient),
        flow.end,
        flow.branches,
        flow.count,
        flow.tree,
        columns.begin,
        columns.length,
        columns.rows,
    )
    return columns


def reduce_columns(
    traced: Columns, start: int, reduced: Columns, killer: Numbers, tree: Tree
) -> None:
    """Reduce the columns from ``start`` on that were traced, after all earlier ones.

    ``killer[r]`` becomes the column whose last entry is row r; it is -1 before. ``tree`` has room
    for all rows, and is empty before and afterwards.
    """
    reduced.rows, reduced.used = reduce_chunk(
        start,
        traced.begin,
        traced.length,
        traced.rows,
        reduced.begin,
        reduced.length,
        reduced.rows,
        reduced.used,
        killer,
        tree,
    )


def sides_of_squares(gradient: Gradient) -> Indices:
    """Return for each square's code the four edges, as numbers to add to 3 * its voxel."""
    strides = gradient.strides
    sides = np.zeros((27, 4), np.int64)
    for code in np.flatnonzero(DIMENSION == 2):
        pointer = POINTERS[code]
        lowest = np.minimum(pointer, 0) @ strides
        one, other = np.flatnonzero(pointer)
        sides[code] = [
            3 * lowest + one,
            3 * lowest + other,
            3 * (lowest + strides[other]) + one,
            3 * (lowest + strides[one]) + other,
        ]
    return sides


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def trace(
    voxels: Places,
    codes: Codes,
    index: Places,
    rows: Rows,
    strides: Indices,
    plus: Indices,
    sides: Indices,
    end: Numbers,
    branches: Numbers,
    count: int,
    tree: Tree,
    begin: Indices,
    length: Numbers,
    pool: Numbers,
) -> tuple[Numbers, int, Tree, Numbers, int]:
    """See `trace_columns`; arrays that may have grown are returned."""
    stack = np.empty(1 << 10, np.int64)
    used = 0
    for j in range(len(voxels)):
        for side in range(4):
            edge = 3 * np.int64(voxels[j]) + sides[codes[j], side]
            if end[edge] == UNKNOWN:
                branches, count, stack = follow(
                    edge, index, rows, strides, plus, sides, end, branches, count, stack
                )
        if capacity(tree) < count:
            tree = empty_tree(2 * count)
        begin[j] = used
        for side in range(4):
            edge = 3 * np.int64(voxels[j]) + sides[codes[j], side]
            pool, used = add_end(end[edge], tree, pool, used)
        branch = greatest(tree)
        while branch >= 0:
            toggle(tree, branch)
            for side in range(3):
                pool, used = add_end(branches[3 * branch + side], tree, pool, used)
            branch = greatest(tree)
        length[j] = used - begin[j]
    return branches, count, tree, pool, used


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_end(end: int, tree: Tree, pool: Numbers, used: int) -> tuple[Numbers, int]:
    """Add an end to the column under way: a branch to the tree, a row to the pool."""
    if end > 0:
        if end & 1:
            toggle(tree, (end - 3) >> 1)
        else:
            if used == len(pool):
                pool = grown(pool)
            pool[used] = (end - 2) >> 1
            used += 1
    return pool, used


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def grown(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the array with room for twice as much."""
    larger = np.empty(2 * len(array), array.dtype)
    larger[: len(array)] = array
    return larger


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def follow(
    first: int,
    index: Places,
    rows: Rows,
    strides: Indices,
    plus: Indices,
    sides: Indices,
    end: Numbers,
    branches: Numbers,
    count: int,
    stack: Indices,
) -> tuple[Numbers, int, Indices]:
    """Find the end of an edge, and of all that it flows through, depth first."""
    stack[0] = first
    depth = 1
    while depth:
        edge = stack[depth - 1]
        if end[edge] != UNKNOWN:
            depth -= 1
            continue
        voxel, square = square_of(edge, index, rows, strides, plus)
        if square < 0:
            end[edge] = NOTHING
            depth -= 1
            continue
        if depth + 3 > len(stack):
            stack = grown(stack)
        waiting = depth
        for side in range(4):
            other = 3 * voxel + sides[square, side]
            if end[other] == UNKNOWN and other != edge:
                stack[depth] = other
                depth += 1
        if depth > waiting:
            continue
        if 3 * count + 3 > len(branches):
            branches = grown(branches)
        end[edge], count = join_ends(edge, voxel, square, sides, end, branches, count)
        depth -= 1
    return branches, count, stack


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def square_of(
    edge: int, index: Places, rows: Rows, strides: Indices, plus: Indices
) -> tuple[int, int]:
    """Return the square matched to an edge, as voxel and code; code -1 where there is none."""
    voxel = edge // 3
    axis = edge - 3 * voxel
    row = index[voxel]
    code = plus[axis]
    if not rows[row, EDGE_BITS] >> (2 * axis + 1) & 1:
        voxel += strides[axis]
        row = index[voxel]
        code = 26 - code
    square = int(rows[row, code])
    return voxel, -1 if square in (CENTRE, code) else square


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join_ends(
    edge: int,
    voxel: int,
    square: int,
    sides: Indices,
    end: Numbers,
    branches: Numbers,
    count: int,
) -> tuple[int, int]:
    """Return the sum of the ends of the square's other edges, making a branch if need be."""
    one = two = three = 0
    for side in range(4):
        other = 3 * voxel + sides[square, side]
        new = end[other]
        if other == edge or new < 0:
            continue
        # Over Z/2 an end met twice cancels.
        if one == 0:
            one = new
        elif new == one:
            one, two, three = two, three, 0
        elif two == 0:
            two = new
        elif new == two:
            two, three = three, 0
        else:
            three = new
    if one == 0:
        return NOTHING, count
    if two == 0:
        return one, count
    branches[3 * count], branches[3 * count + 1], branches[3 * count + 2] = one, two, three
    return 2 * count + 3, count + 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def reduce_chunk(
    start: int,
    traced_begin: Indices,
    traced_length: Numbers,
    traced_rows: Numbers,
    begin: Indices,
    length: Numbers,
    pool: Numbers,
    used: int,
    killer: Numbers,
    tree: Tree,
) -> tuple[Numbers, int]:
    """See `reduce_columns`; the pool, which may have grown, is returned."""
    for k in range(len(traced_begin)):
        j = start + k
        for i in range(traced_begin[k], traced_begin[k] + traced_length[k]):
            toggle(tree, traced_rows[i])
        pivot = greatest(tree)
        while pivot >= 0 and killer[pivot] >= 0:
            other = killer[pivot]
            for i in range(begin[other], begin[other] + length[other]):
                toggle(tree, pool[i])
            pivot = greatest(tree)
        begin[j] = used
        if pivot >= 0:
            killer[pivot] = j
        while pivot >= 0:
            if used == len(pool):
                pool = grown(pool)
            pool[used] = pivot
            used += 1
            toggle(tree, pivot)
            pivot = greatest(tree)
        length[j] = used - begin[j]
    return pool, used
