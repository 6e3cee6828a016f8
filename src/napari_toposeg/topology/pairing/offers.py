"""What one diagram's points gain by the points of another, and the best offers to each.

The one idea: pairing two points *gains* the cost of both to the diagonal less their distance, and
only pairs that gain matter. Points lie in layers of like height, sorted along the diagonal, so
those that can gain with a given point are a few runs of neighbours, read at the speed of memory.
Each row remembers its best columns only, so memory is linear in the number of points.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

LAYERS = 16  # of heights, each a quarter of the one before; the last holds all that is lower
SLACK = 1 + 1e-12  # on bounds in the plane, against rounding


class Points(NamedTuple):
    """Points by layer and then along the diagonal; ``start`` bounds layers, ``highest`` heights."""

    along: Floats
    height: Floats
    start: Indices
    highest: Floats


class Lists(NamedTuple):
    """For each row some columns that offer most, with the gain of pairing."""

    gain: Floats
    column: NDArray[np.int32]
    length: Indices


def in_layers(along: Floats, height: Floats) -> tuple[Points, Indices]:
    """Return points sorted by layer and along the diagonal, and where each came from."""
    layer = np.minimum(np.floor(np.log2(height.max() / height) / 2), LAYERS - 1)
    order = np.lexsort((along, layer))
    along, height, layer = along[order], height[order], layer[order]
    start = np.flatnonzero(np.diff(layer, prepend=-1))
    highest = np.maximum.reduceat(height, start)
    return Points(along, height, np.append(start, len(layer)), highest), order


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def every(step: int, points: Points) -> Points:
    """Return every so many points, evenly from all layers."""
    return Points(
        points.along[::step].copy(),
        points.height[::step].copy(),
        (points.start + step - 1) // step,
        points.highest,
    )


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
def gain_of(i: int, rows: Points, j: int, columns: Points, order: float) -> float:
    """Return what is saved by pairing a row with a column."""
    aside = columns.along[j] - rows.along[i]
    return float(gain(aside, rows.height[i], columns.height[j], order))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def window(
    along: float, height: float, points: Points, layer: int, order: float
) -> tuple[int, int]:
    """Return which points of a layer can gain with a point: from, to.

    ``d^q < a^q + b^q`` implies ``d < a + b``, and for q >= 2 also ``d^2 < a^2 + b^2``.
    """
    start, stop = points.start[layer], points.start[layer + 1]
    if start == stop:
        return start, start
    reach = np.sqrt((2.0 if order >= 2.0 else 4.0) * height * points.highest[layer]) * SLACK
    places = points.along[start:stop]
    first = np.searchsorted(places, along - reach)
    last = np.searchsorted(places, along + reach, side="right")
    return start + first, start + last


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def read_offers(
    along: float, height: float, others: Points, first: int, last: int, price: Floats, order: float
) -> Floats:
    """Write gain less price, for a run of points, over the prices; return those."""
    place, high = others.along[first:last], others.height[first:last]
    if order == 2.0:  # written out, so that it becomes vector instructions
        for k in range(len(price)):
            aside = place[k] - along
            price[k] = 2.0 * height * high[k] - aside * aside - price[k]
    else:
        for k in range(len(price)):
            price[k] = gain(place[k] - along, height, high[k], order) - price[k]
    return price


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def best_offer(
    along: float, height: float, others: Points, price: Floats, order: float, room: Floats
) -> float:
    """Return the most that others offer to a point, 0 for the diagonal."""
    best = 0.0
    for layer in range(len(others.highest)):
        first, last = window(along, height, others, layer, order)
        if first == last:
            continue
        offers = room[: last - first]
        offers[:] = price[first:last]
        read_offers(along, height, others, first, last, offers, order)
        better = 0
        for k in range(len(offers)):
            better += offers[k] > best
        if better:
            best = offers.max()
    return float(best)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def best_offers(points: Points, others: Points, price: Floats, order: float) -> Floats:
    """Return the most that others offer to each point: the least prices that suit theirs."""
    best, room = np.empty(len(points.along)), np.empty(len(price))
    for i in range(len(best)):
        best[i] = best_offer(points.along[i], points.height[i], others, price, order, room)
    return best


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_columns(
    i: int,
    like: int,
    rows: Points,
    columns: Points,
    price: Floats,
    order: float,
    lists: Lists,
    room: Floats,
) -> None:
    """List anew the best columns of a row; it is thought to have much the list of ``like``."""
    along, height = rows.along[i], rows.height[i]
    column, net = lists.column[i], lists.gain[i]
    floor = least_of_list(i, like, rows, columns, price, order, lists)
    count = 0
    for layer in range(len(columns.highest)):
        first, last = window(along, height, columns, layer, order)
        if first == last:
            continue
        offers = room[: last - first]
        offers[:] = price[first:last]
        read_offers(along, height, columns, first, last, offers, order)
        middle = start_of_reading(i, along, columns.along[first:last])
        for side in range(2):
            stop, step = (len(offers), 1) if side == 0 else (-1, -1)
            for k in range(middle - side, stop, step):
                if offers[k] <= floor or offers[k] + price[first + k] <= 0:
                    continue
                place = min(count, len(net) - 1)
                while place > 0 and net[place - 1] < offers[k]:
                    net[place], column[place] = net[place - 1], column[place - 1]
                    place -= 1
                net[place], column[place] = offers[k], first + k
                count = min(count + 1, len(net))
                if count == len(net):
                    floor = net[count - 1]
    lists.length[i] = count
    for k in range(count):
        lists.gain[i, k] = gain_of(i, rows, column[k], columns, order)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def start_of_reading(i: int, along: float, places: Floats) -> int:
    """Return the nearest place; equal rows start at different ones of equal places."""
    first = np.searchsorted(places, along)
    last = np.searchsorted(places, along, side="right")
    return int(first + (i % (last - first) if last > first else 0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def least_of_list(
    i: int, like: int, rows: Points, columns: Points, price: Floats, order: float, lists: Lists
) -> float:
    """Return an offer that a full list exceeds throughout: the columns of a like row do."""
    least = np.inf
    if like < 0 or lists.length[like] < lists.column.shape[1]:
        return -np.inf
    for column in lists.column[like]:
        saved = gain_of(i, rows, column, columns, order)
        if saved <= 0:
            return -np.inf
        least = min(least, saved - price[column])
    return float(least - 1e-9 * abs(least))
