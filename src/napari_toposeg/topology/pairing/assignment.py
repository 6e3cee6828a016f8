"""The cheapest way to pair the points of two persistence diagrams, the diagonal taking the rest.

The one idea: pairing i with j *gains* the cost of both to the diagonal less their distance, and the
best pairing is the one of greatest gain. A network simplex finds it among the best few columns of
each row at the prices of now; where a column that is not listed offers more at the new prices, the
row gets a new list; until none does, which proves the pairing best. It starts near the end: prices
come from an eighth of the points, and a pairing from an auction at those prices.

References
----------
Ahuja, Magnanti, Orlin 1993, Network Flows, chapter 11 (network simplex).
Dantzig, Wolfe 1960, doi:10.1287/opre.8.1.101 (columns generated where prices show a gain).
Bertsekas 1988, doi:10.1007/BF02186476 (auction).
"""

import numpy as np
from numba import njit

from napari_toposeg.topology.pairing.alternating_tree import Tree, settle, tolerance_of, tree_of
from napari_toposeg.topology.pairing.offers import (
    Floats,
    Indices,
    Lists,
    Points,
    best_offer,
    best_offers,
    every,
    gain_of,
    in_layers,
    list_columns,
)

LISTED = 32  # columns a row remembers: with 16, crowded diagrams need twice as many rounds
SAMPLE = 8  # one point of so many gives the first prices
FEW = 512  # rows from which on that pays
SPARE = 1.2  # columns per row from which on prices are low
BIDS = 20  # per row at most, in an auction that need not end
RAISE = 0.3  # of the mean difference between a row's two best offers, added to each bid


def cheapest_pairs(a: Floats, b: Floats, order: float) -> Indices:
    """Return for each point of ``a`` its partner in ``b``, or -1 for the diagonal.

    Parameters
    ----------
    a, b
        ``(n, 2)`` and ``(m, 2)`` finite births and deaths, on one side of the diagonal.
    order
        q >= 1: the sum of Euclidean distances to the power q is the least possible.
    """
    partner = np.full(len(a), -1, np.int64)
    along, height = turned(np.concatenate([a, b]))
    off = height > 0
    rows, columns = np.flatnonzero(off[: len(a)]), np.flatnonzero(off[len(a) :])
    if not len(rows) or not len(columns):
        return partner
    row_points, row = in_layers(along[rows], height[rows])
    column_points, column = in_layers(along[len(a) + columns], height[len(a) + columns])
    rows, columns = rows[row], columns[column]
    if len(rows) <= len(columns):
        mate = best_mates(row_points, column_points, float(order))
        paired = mate >= 0
        partner[rows[paired]] = columns[mate[paired]]
    else:
        mate = best_mates(column_points, row_points, float(order))
        paired = mate >= 0
        partner[rows[mate[paired]]] = columns[paired]
    return partner


def turned(points: Floats) -> tuple[Floats, Floats]:
    """Return the place along the diagonal and the distance from it, in units of the greatest."""
    halves = points / np.sqrt(2.0)
    along, height = halves[:, 0] + halves[:, 1], np.abs(halves[:, 1] - halves[:, 0])
    if len(points):
        along = along - along.min()
        # The second bound keeps the quotient finite where heights are hardly above 0.
        unit = max(height.max(), along.max() * 1e-150, 1e-300)
        along, height = along / unit, height / unit
    return along, height


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def best_mates(rows: Points, columns: Points, order: float) -> Indices:
    """Return the column of each row, -1 for none; quickest where rows are the fewer."""
    spare = len(columns.along) > SPARE * len(rows.along)
    guess = first_guess(columns, order, spare)
    if len(rows.along) >= FEW:
        some_rows, some_columns = every(SAMPLE, rows), every(SAMPLE, columns)
        own = first_guess(some_columns, order, spare)
        tree = paired_on_lists(some_rows, some_columns, own, order, spare)[0]
        learnt = best_offers(columns, some_rows, tree.value, order)
        # A sample errs where it is thin: where sides are alike, the mean errs less than either.
        guess = learnt if spare else (learnt + guess) / 2
    tree, lists = paired_on_lists(rows, columns, guess, order, spare)
    changes = -1
    while tree.changes[0] > changes and list_again(rows, columns, order, tree, lists):
        changes = tree.changes[0]
        settle(lists, rows.height, columns.height, tree)
    mate: Indices = tree.mate
    return mate


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def first_guess(columns: Points, order: float, spare: bool) -> Floats:
    """Return prices: nothing where columns are to spare, else what leaves both sides half."""
    return np.zeros(len(columns.height)) if spare else columns.height**order


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def paired_on_lists(
    rows: Points, columns: Points, guess: Floats, order: float, spare: bool
) -> tuple[Tree, Lists]:
    """Return the best pairing along lists made at guessed prices."""
    n, m = len(rows.along), len(columns.along)
    listed = min(m, LISTED)
    lists = Lists(np.empty((n, listed)), np.empty((n, listed), np.int32), np.zeros(n, np.int64))
    room = np.empty(m)
    for i in range(n):
        list_columns(i, i - 1, rows, columns, guess, order, lists, room)
    # What is to spare must end at price 0, so there bidding starts from nothing.
    mate = auctioned(lists, guess, np.zeros(m) if spare else guess.copy())
    paired = np.zeros(n)
    for i in range(n):
        if mate[i] >= 0:
            paired[i] = gain_of(i, rows, mate[i], columns, order)
    tree = tree_of(mate, paired, m)
    settle(lists, rows.height, columns.height, tree)
    return tree, lists


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_again(rows: Points, columns: Points, order: float, tree: Tree, lists: Lists) -> int:
    """Make new lists for rows to which any column offers more than they have; return how many."""
    room, found, tolerance = np.empty(len(tree.price)), 0, tolerance_of(tree)
    for i in range(len(tree.value)):
        offer = best_offer(rows.along[i], rows.height[i], columns, tree.price, order, room)
        if offer > tree.value[i] + tolerance * rows.height[i]:
            list_columns(i, i, rows, columns, tree.price, order, lists, room)
            found += 1
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def auctioned(lists: Lists, guess: Floats, price: Floats) -> Indices:
    """Return a good pairing: each row bids for its best column what it is worth more than the next.

    Prices are raised in place.
    """
    n = len(lists.length)
    mate, owner = np.full(n, -1, np.int64), np.full(len(price), -1, np.int64)
    differences = 0.0
    for i in range(n):
        _, best, second = two_best(i, lists, guess)
        differences += best - second
    least = RAISE * differences / n
    waiting, size = np.arange(n)[::-1].copy(), n
    for _ in range(BIDS * n):
        if size == 0:
            break
        row = waiting[size - 1]
        size -= 1
        column, best, second = two_best(row, lists, price)
        if column < 0:
            continue
        if owner[column] >= 0:
            mate[owner[column]] = -1
            waiting[size] = owner[column]
            size += 1
        owner[column], mate[row] = row, column
        price[column] += best - second + least
    return mate


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def two_best(row: int, lists: Lists, price: Floats) -> tuple[int, float, float]:
    """Return the column that offers most, its offer and the next, 0 for the diagonal."""
    column, best, second = -1, 0.0, 0.0
    for k in range(lists.length[row]):
        offer = lists.gain[row, k] - price[lists.column[row, k]]
        if offer > best:
            column, best, second = lists.column[row, k], offer, best
        elif offer > second:
            second = offer
    return column, best, second
