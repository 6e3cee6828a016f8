"""A network simplex for pairing: the tree of pairs, and how a new pair changes it.

The one idea: rows and columns of a pairing problem, with the diagonal as the root, have bases in
which every column hangs on the row it is paired with (or on the root), and every paired row on one
more column (or the root). Such a tree never cycles. So a basis is a forest of columns: the *parent*
of a column is that on which its row hangs. The prices of all follow from the tree. A pair that
gains more than its row's value and its column's price together enters it; then either

- the row and all that hangs on it move under the column, and no pair changes; or
- the column lies below the row, or the row has no partner: pairs shift along the path between
  them, which turns upside down.

References
----------
Barr, Glover, Klingman 1977, Mathematical Programming 13, 1-13 (alternating bases of assignments).
Cunningham 1976, Mathematical Programming 11, 105-116 (strongly feasible trees).
Ahuja, Magnanti, Orlin 1993, Network Flows, chapter 11.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from napari_toposeg.topology.pairing.offers import Floats, Indices, Lists

BLOCK = 4  # rows of which the most eager enters: 1 and 16 cost a tenth more
TOLERANCE = 4e-16  # of a point's height: what rounding can feign, at first
PATIENCE = 8  # shifts of pairs, or rounds, per point until the tolerance doubles


class Tree(NamedTuple):
    """A basis. Rows have ``value``, ``mate``, ``hold`` (gain by the column they hang on).

    Columns have ``price``, ``owner`` (row), ``pair`` (gain by it), ``parent``, ``depth``, and for
    lists of siblings ``child``, ``after``, ``before``. -1 is the diagonal, or nothing.
    ``changes`` counts pivots: all, and those that shifted pairs, with a share for each round.
    """

    value: Floats
    mate: Indices
    hold: Floats
    price: Floats
    owner: Indices
    pair: Floats
    parent: Indices
    depth: Indices
    child: Indices
    after: Indices
    before: Indices
    changes: Indices


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def tree_of(mate: Indices, paired: Floats, columns: int) -> Tree:
    """Return the tree in which pairs, whose gains are given, hang on the diagonal."""
    rows = len(mate)
    tree = Tree(
        np.zeros(rows),
        mate,
        np.zeros(rows),
        np.zeros(columns),
        np.full(columns, -1, np.int64),
        np.zeros(columns),
        np.full(columns, -1, np.int64),
        np.zeros(columns, np.int64),
        np.full(columns, -1, np.int64),
        np.full(columns, -1, np.int64),
        np.full(columns, -1, np.int64),
        np.zeros(2, np.int64),
    )
    for i in range(rows):
        if mate[i] >= 0:
            tree.owner[mate[i]] = i
            tree.pair[mate[i]] = tree.price[mate[i]] = paired[i]
    return tree


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def settle(lists: Lists, row_height: Floats, column_height: Floats, tree: Tree) -> None:
    """Let pairs of the lists enter until none would."""
    rows = len(tree.value)
    tolerance = tolerance_of(tree)
    quiet, start = 0, 0
    while quiet < rows:
        stop = min(start + BLOCK, rows)
        row, k = most_eager(start, stop, lists, row_height, tree, tolerance)
        if row >= 0:
            if k < 0:
                enter(row, -1, 0.0, tree)
            else:
                enter(row, lists.column[row, k], lists.gain[row, k], tree)
            quiet = 0
        else:
            quiet += stop - start
        start = stop
        if start == rows:
            start = 0
            for column in range(len(tree.price)):
                if tree.price[column] < -tolerance * column_height[column]:
                    enter(-1, column, 0.0, tree)
                    quiet = 0
            tolerance = tolerance_of(tree)
    # Rounds count too: what rounding feigns may show only in the next.
    tree.changes[1] += rows + len(tree.price)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def tolerance_of(tree: Tree) -> float:
    """Return what share of its height a point must gain by a change.

    Rounding may make pairs change back and forth; that it rises with their number ends this.
    """
    patience = PATIENCE * (len(tree.value) + len(tree.price)) + 1000
    return float(TOLERANCE * 2.0 ** (tree.changes[1] // patience))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def most_eager(
    start: int, stop: int, lists: Lists, height: Floats, tree: Tree, tolerance: float
) -> tuple[int, int]:
    """Return the row that gains most by another column, and its place in the list."""
    row, chosen, most = -1, -1, 0.0
    for i in range(start, stop):
        best, k = 0.0, -1
        for place in range(lists.length[i]):
            offer = lists.gain[i, place] - tree.price[lists.column[i, place]]
            if offer > best:
                best, k = offer, place
        if best - tree.value[i] > most + tolerance * height[i]:
            row, chosen, most = i, k, best - tree.value[i]
    return row, chosen


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def enter(row: int, column: int, gained: float, tree: Tree) -> None:
    """Let a pair enter the tree; -1 is the diagonal."""
    tree.changes[0] += 1
    mine = tree.mate[row] if row >= 0 else -1
    if mine >= 0 and not hangs_on(column, mine, tree):
        unlink(mine, tree)
        tree.hold[row] = gained
        link(mine, column, tree)
        revalue(mine, tree)
    else:
        shift_pairs(row, column, gained, mine, tree)
        revalue(column, tree)
        tree.changes[1] += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def hangs_on(column: int, above: int, tree: Tree) -> bool:
    """Tell whether a column lies below another."""
    while column >= 0 and tree.depth[column] > tree.depth[above]:
        column = tree.parent[column]
    return bool(column == above)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def shift_pairs(row: int, column: int, gained: float, top: int, tree: Tree) -> None:
    """Pair a row and a column; the owner of that takes the next column up, and so on.

    It ends at ``top``, which the row gave up, or where a column is free, or where an owner hangs
    on the diagonal: it takes that.
    """
    above = tree.parent[top] if top >= 0 else -1
    while True:
        owner, parent, pair = tree.owner[column], tree.parent[column], tree.pair[column]
        unlink(column, tree)
        tree.owner[column], tree.pair[column] = row, gained
        link(column, above, tree)
        if row >= 0:
            tree.mate[row] = column
        if owner < 0 or column == top:
            return
        if parent < 0:
            tree.mate[owner], tree.value[owner] = -1, 0.0
            return
        gained, tree.hold[owner] = tree.hold[owner], pair
        row, above, column = owner, column, parent


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def link(column: int, parent: int, tree: Tree) -> None:
    """Hang a column on another."""
    tree.parent[column] = parent
    if parent < 0:
        return
    sibling = tree.child[parent]
    tree.after[column], tree.before[column] = sibling, -1
    if sibling >= 0:
        tree.before[sibling] = column
    tree.child[parent] = column


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def unlink(column: int, tree: Tree) -> None:
    """Take a column from the one it hangs on."""
    before, after = tree.before[column], tree.after[column]
    if tree.parent[column] < 0:
        return
    if before >= 0:
        tree.after[before] = after
    else:
        tree.child[tree.parent[column]] = after
    if after >= 0:
        tree.before[after] = before


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def revalue(top: int, tree: Tree) -> None:
    """Derive values, prices and depths anew from the tree, for a column and all below it.

    Sums along paths, not differences added over time: so rounding does not pile up.
    """
    column = top
    while True:
        owner, parent = tree.owner[column], tree.parent[column]
        above = 0.0
        if parent >= 0:
            above = tree.hold[owner] - tree.price[parent]
            tree.depth[column] = tree.depth[parent] + 1
        else:
            tree.depth[column] = 0
        tree.price[column] = tree.pair[column] - above
        if owner >= 0:
            tree.value[owner] = above
        if tree.child[column] >= 0:
            column = tree.child[column]
            continue
        while column != top and tree.after[column] < 0:
            column = tree.parent[column]
        if column == top:
            return
        column = tree.after[column]
