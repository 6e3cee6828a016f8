"""The cheapest way to pair the points of two persistence diagrams, the diagonal taking the rest.

The one idea: pairing i with j *gains* the cost of both to the diagonal less their distance, so
only pairs of positive gain matter, and the best pairing is the one of greatest gain. Rows are
matched one by one along shortest augmenting paths. A row keeps a short list of its columns, best
first by gain less price; prices only rise, so an old list still bounds from above what a column can
offer, and a search reads no further than that bound allows. What is beyond the list is found again
in the plane: columns lie in layers of like height, sorted along the diagonal. So memory is linear
in the number of points, however many pairs there are.

References
----------
Jonker, Volgenant 1987, doi:10.1007/BF02278710 (shortest augmenting paths with prices).
U et al. 2008, doi:10.1145/1376616.1376621 (edges of a spatial assignment found as they are needed).
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

LISTED = 64  # columns a row remembers: 32 costs a third more where diagrams are crowded
LAYERS = 16  # of heights, each a quarter of the one before; the last holds all that is lower
PATIENCE = 20  # columns read in vain before a list is made anew, beside the cost of making it
SLACK = 1 + 1e-12  # on bounds in the plane, against rounding


class Columns(NamedTuple):
    """Points to be chosen from, by layer and then along the diagonal; ``start`` bounds layers."""

    along: Floats
    height: Floats
    price: Floats
    start: Indices
    highest: Floats


class Lists(NamedTuple):
    """For each row its best columns by ``net``, gain less price at the time of listing.

    No column that is not listed offered more than ``floor`` then.
    """

    net: Floats
    column: NDArray[np.int32]
    listed: Indices
    floor: Floats
    wasted: Indices
    patience: Indices


class Search(NamedTuple):
    """A shortest-path search over columns: a heap with places, so that a key can be lowered."""

    distance: Floats
    row_before: Indices
    settled: NDArray[np.bool_]
    heap: Indices
    place: Indices
    reached: Indices
    size: Indices  # (2,): of the heap, of what was reached


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
    sides = [(along[rows], height[rows]), (along[len(a) + columns], height[len(a) + columns])]
    if len(rows) <= len(columns):
        mate = pair_sides(*sides[0], *sides[1], order)
        paired = mate >= 0
        partner[rows[paired]] = columns[mate[paired]]
    else:
        mate = pair_sides(*sides[1], *sides[0], order)
        paired = mate >= 0
        partner[rows[mate[paired]]] = columns[paired]
    return partner


def turned(points: Floats) -> tuple[Floats, Floats]:
    """Return the place along the diagonal and the distance from it, in units of the greatest."""
    halves = points / np.sqrt(2.0)
    along, height = halves.sum(axis=1), np.abs(halves[:, 1] - halves[:, 0])
    if len(points):
        along = along - along.min()
        # The second bound keeps the quotient finite where heights are hardly above 0.
        along, height = (
            x / max(height.max(), along.max() * 1e-150, 1e-300) for x in (along, height)
        )
    return along, height


def pair_sides(
    row_along: Floats,
    row_height: Floats,
    column_along: Floats,
    column_height: Floats,
    order: float,
) -> Indices:
    """Return the column of each row, -1 for none; quickest where rows are the fewer."""
    layer = np.floor(np.log2(column_height.max() / column_height) / 2)
    layer = np.minimum(layer, LAYERS - 1)
    by_layer = np.lexsort((column_along, layer))
    start = np.flatnonzero(np.diff(layer[by_layer], prepend=-1))
    columns = Columns(
        column_along[by_layer],
        column_height[by_layer],
        np.zeros(len(layer)),
        np.append(start, len(layer)),
        np.maximum.reduceat(column_height[by_layer], start),
    )
    # The high ones first: they are the hardest to place once prices have risen.
    first = np.argsort(-row_height, kind="stable")
    mate = np.full(len(first), -1, np.int64)
    mate[first] = pair_rows(row_along[first], row_height[first], columns, float(order))
    return np.where(mate >= 0, by_layer[mate], -1)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def pair_rows(along: Floats, height: Floats, columns: Columns, order: float) -> Indices:
    """Return the column of each row; the duals stay feasible and paired ones tight throughout."""
    n, m = len(along), len(columns.along)
    value = np.zeros(n)  # value[i] + price[j] >= gain[i, j]; 0 where unpaired
    mate, owner = np.full(n, -1, np.int64), np.full(m, -1, np.int64)
    lists = Lists(
        np.empty((n, min(m, LISTED))),
        np.empty((n, min(m, LISTED)), np.int32),
        np.zeros(n, np.int64),
        np.zeros(n),
        np.ones(n, np.int64),
        np.zeros(n, np.int64),
    )
    search = Search(
        np.full(m, np.inf),
        np.full(m, -1, np.int64),
        np.zeros(m, np.bool_),
        np.empty(m, np.int64),
        np.full(m, -1, np.int64),
        np.empty(m, np.int64),
        np.zeros(2, np.int64),
    )
    for row in range(n):
        length, last_row, last_column = find_path(
            row, along, height, columns, value, owner, lists, search, order
        )
        move_duals(length, columns.price, value, owner, search)
        value[row] = -length
        switch_pairs(row, last_row, last_column, mate, owner, search.row_before)
    return mate


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_path(
    start: int,
    along: Floats,
    height: Floats,
    columns: Columns,
    value: Floats,
    owner: Indices,
    lists: Lists,
    search: Search,
    order: float,
) -> tuple[float, int, int]:
    """Return the length of the shortest path from a row to its end, and that end.

    It ends with a row that gives up its column for the diagonal, or at a column that is free (then
    that is not -1).
    """
    length, last_row, last_column = np.inf, -1, -1
    row, base = start, 0.0
    while True:
        far = base + value[row]
        if far < length:
            length, last_row, last_column = far, row, -1
        if lists.wasted[row] > lists.patience[row]:
            list_columns(row, along[row], height[row], columns, lists, order)
        for k in range(lists.listed[row]):
            if far - lists.net[row, k] >= length:
                break
            column = lists.column[row, k]
            there = (
                far
                + columns.price[column]
                - gain(
                    along[row] - columns.along[column], height[row], columns.height[column], order
                )
            )
            if there >= length:
                lists.wasted[row] += 1
            elif owner[column] < 0:
                length, last_column = there, column
                search.row_before[column] = row
            else:
                reach(row, column, there, search)
        if lists.floor[row] > 0 and far - lists.floor[row] < length:
            length, last_column = read_all(
                row, far, along, height, columns, owner, lists, search, order, length, last_column
            )
        if search.size[0] == 0 or search.distance[search.heap[0]] >= length:
            return length, last_row, last_column
        column = take_nearest(search)
        search.settled[column] = True
        row, base = owner[column], search.distance[column]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def read_all(
    row: int,
    far: float,
    along: Floats,
    height: Floats,
    columns: Columns,
    owner: Indices,
    lists: Lists,
    search: Search,
    order: float,
    length: float,
    last_column: int,
) -> tuple[float, int]:
    """Do for every column in the plane what `find_path` does for listed ones."""
    lists.wasted[row] = lists.patience[row] + 1
    for layer in range(len(columns.highest)):
        window = reach_of(height[row], columns.highest[layer], order)
        for column in range(
            first_within(along[row] - window, layer, columns), columns.start[layer + 1]
        ):
            aside = columns.along[column] - along[row]
            if aside > window:
                break
            there = (
                far
                + columns.price[column]
                - gain(aside, height[row], columns.height[column], order)
            )
            if there >= length:
                continue
            if owner[column] < 0:
                length, last_column = there, column
                search.row_before[column] = row
            else:
                reach(row, column, there, search)
    return length, last_column


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_columns(
    row: int, along: float, height: float, columns: Columns, lists: Lists, order: float
) -> None:
    """List anew the best columns of a row at the prices of now."""
    net, column = lists.net[row], lists.column[row]
    room, count, floor, seen = len(net), 0, 0.0, 0
    for layer in range(len(columns.highest)):
        window = reach_of(height, columns.highest[layer], order)
        for j in range(first_within(along - window, layer, columns), columns.start[layer + 1]):
            aside = columns.along[j] - along
            if aside > window:
                break
            seen += 1
            offer = gain(aside, height, columns.height[j], order) - columns.price[j]
            # A column that offers nothing never will again: prices only rise.
            if offer <= floor:
                continue
            k = min(count, room - 1)
            while k > 0 and net[k - 1] < offer:
                net[k], column[k] = net[k - 1], column[k - 1]
                k -= 1
            net[k], column[k] = offer, j
            count = min(count + 1, room)
            if count == room:
                floor = net[room - 1]
    lists.listed[row], lists.floor[row] = count, floor
    lists.wasted[row], lists.patience[row] = 0, seen + PATIENCE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gain(aside: float, a: float, b: float, order: float) -> float:
    """Return what is saved by pairing points of heights a and b that lie ``aside``."""
    if order == 2.0:
        return float(2.0 * a * b - aside * aside)
    distance = np.sqrt(aside * aside + (a - b) * (a - b))
    if order == 1.0:
        return float(a + b - distance)
    return float(a**order + b**order - distance**order)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def reach_of(a: float, b: float, order: float) -> float:
    """How far aside a pair of heights a and b can be and still gain.

    ``d^q < a^q + b^q`` implies ``d < a + b``, and for q >= 2 also ``d^2 < a^2 + b^2``.
    """
    return float(np.sqrt((2.0 if order >= 2.0 else 4.0) * a * b) * SLACK)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def first_within(least: float, layer: int, columns: Columns) -> int:
    """Return the first column of a layer that is not before a place on the diagonal."""
    start, stop = columns.start[layer], columns.start[layer + 1]
    return int(start + np.searchsorted(columns.along[start:stop], least))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def reach(row: int, column: int, there: float, search: Search) -> None:
    """Note a path to a column if it is the shortest so far."""
    if search.settled[column] or there >= search.distance[column]:
        return
    if search.place[column] < 0:
        search.place[column] = search.size[0]
        search.reached[search.size[1]] = column
        search.size[0] += 1
        search.size[1] += 1
    search.distance[column] = there
    search.row_before[column] = row
    k = search.place[column]
    while k > 0 and search.distance[search.heap[(k - 1) >> 1]] > there:
        search.heap[k] = search.heap[(k - 1) >> 1]
        search.place[search.heap[k]] = k
        k = (k - 1) >> 1
    search.heap[k], search.place[column] = column, k


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def take_nearest(search: Search) -> int:
    """Remove the nearest column from the heap."""
    heap, distance = search.heap, search.distance
    nearest = heap[0]
    search.size[0] -= 1
    size = search.size[0]
    moved, k = heap[size], 0
    while 2 * k + 1 < size:
        child = 2 * k + 1
        if child + 1 < size and distance[heap[child + 1]] < distance[heap[child]]:
            child += 1
        if distance[heap[child]] >= distance[moved]:
            break
        heap[k] = heap[child]
        search.place[heap[k]] = k
        k = child
    heap[k], search.place[moved] = moved, k
    return int(nearest)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def move_duals(length: float, price: Floats, value: Floats, owner: Indices, search: Search) -> None:
    """Raise the prices of columns nearer than the path's end, and forget the search."""
    for k in range(search.size[1]):
        column = search.reached[k]
        if search.settled[column]:
            price[column] += length - search.distance[column]
            value[owner[column]] -= length - search.distance[column]
        search.settled[column] = False
        search.distance[column] = np.inf
        search.place[column] = -1
    search.size[:] = 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def switch_pairs(
    start: int, last_row: int, last_column: int, mate: Indices, owner: Indices, row_before: Indices
) -> None:
    """Pair along the path from its end back to the row where it starts."""
    column = last_column
    if column < 0:
        column, mate[last_row] = mate[last_row], -1
    row = last_row if column < 0 else -1
    while row != start:
        row = row_before[column]
        owner[column] = row
        column, mate[row] = mate[row], column
