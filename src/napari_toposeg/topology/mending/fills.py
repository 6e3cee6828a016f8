"""Membranes that end a loop or fill a cavity at less than its cut costs.

The one idea: a loop can be cut or filled. About each cut, voxels cheaper than all of it are taken
as foreground and peeled off again by simple points; what stays are membranes, and what each ends
is known exactly. Which of them to take is Kruskal's greedy choice, exact for a matroid: over Z/2 a
cut is a unit vector and a membrane the sum of the cuts that it spares. Those are taken to be the
cuts that it touches; were that wrong, the mask would cost more than need be, but it is cut anew.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Mask
from napari_toposeg.topology.mending.growing import deform, in_space, with_margin
from napari_toposeg.topology.mending.task import Pieces, Task

# Membranes are sought within so many voxels of a cut.
REACH = 4
# More fills than half of the useful ones were never the cheapest on trees, noise and smooth maps.
SHARES = (0.25, 0.5)
Wanted = tuple[int, int]


def propose_fills(
    task: Task, mask: Mask, cuts: Pieces, wanted: Wanted, search: bool
) -> Iterator[Mask]:
    """Yield sets of membranes and filled cavities that may be cheaper than the cuts they spare.

    The first is Kruskal's; in a search there follow the cheapest for what they end, more and more.
    """
    excess = cuts.change[:, 1:].sum(axis=0) - wanted
    if np.all(excess <= 0):
        return
    label = np.pad(in_space(cuts.chosen(cuts.is_critical)), 1)
    open_to = with_margin(task.may_add & ~mask)
    margin = np.pad(in_space(task.margin), 1)
    near = np.zeros(label.shape, np.bool_)
    mark_near(label, open_to, margin, np.append(0, cuts.cost), near)
    task.heed()
    near = near[1:-1, 1:-1, 1:-1].reshape(mask.shape)
    if not near.any():
        return
    hull = deform(mask | near, near, -task.margin, False, task.foreground, task.heed)
    fills = task.pieces(mask, hull)
    useful = fills.is_critical & (fills.change[:, 0] == 0) & np.all(fills.change <= 0, axis=1)
    touched = contacts(np.pad(in_space(fills.chosen(useful)), 1), label, len(cuts))
    chosen = cheapest_basis(cuts, fills, useful, touched, excess)
    if chosen.any():
        yield fills.union(chosen)
    order = np.flatnonzero(useful)
    price = fills.cost[order] / -fills.change[order].sum(axis=1)
    order = order[np.argsort(price, kind="stable")]
    for share in SHARES if search else ():
        chosen = np.zeros(len(fills), np.bool_)
        chosen[order[: int(np.ceil(share * len(order)))]] = True
        if chosen.any():
            yield fills.union(chosen)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mark_near(
    label: NDArray[np.int32],
    open_to: NDArray[np.uint8],
    margin: NDArray[np.floating],
    cost: NDArray[np.float64],
    near: NDArray[np.bool_],
) -> None:
    """Mark voxels about each piece that are open and cost less than all of the piece."""
    planes, rows, columns = label.shape
    for z in range(1, planes - 1):
        for y in range(1, rows - 1):
            for x in range(1, columns - 1):
                if label[z, y, x] == 0:
                    continue
                most = cost[label[z, y, x]]
                for k in range(max(1, z - REACH), min(planes - 1, z + REACH + 1)):
                    for j in range(max(1, y - REACH), min(rows - 1, y + REACH + 1)):
                        for i in range(max(1, x - REACH), min(columns - 1, x + REACH + 1)):
                            if open_to[k, j, i] and -margin[k, j, i] < most:
                                near[k, j, i] = True


def contacts(
    fill: NDArray[np.int32], cut: NDArray[np.int32], cuts: int
) -> dict[int, frozenset[int]]:
    """Return for each fill the cuts that it touches, both numbered from 0."""
    pairs = list_contacts(fill, cut)
    touched: dict[int, set[int]] = {}
    for key in np.unique(pairs[:, 0].astype(np.int64) * (cuts + 1) + pairs[:, 1]).tolist():
        touched.setdefault(key // (cuts + 1) - 1, set()).add(key % (cuts + 1) - 1)
    return {number: frozenset(others) for number, others in touched.items()}


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_contacts(fill: NDArray[np.int32], cut: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return pairs of labels of fills and cuts that touch, with repeats."""
    pairs = []
    planes, rows, columns = fill.shape
    for z in range(1, planes - 1):
        for y in range(1, rows - 1):
            for x in range(1, columns - 1):
                if fill[z, y, x] == 0:
                    continue
                for k in range(z - 1, z + 2):
                    for j in range(y - 1, y + 2):
                        for i in range(x - 1, x + 2):
                            if cut[k, j, i]:
                                pairs.append((fill[z, y, x], cut[k, j, i]))
    found = np.empty((len(pairs), 2), np.int32)
    for number, pair in enumerate(pairs):
        found[number, 0], found[number, 1] = pair
    return found


def cheapest_basis(
    cuts: Pieces,
    fills: Pieces,
    useful: Mask,
    touched: dict[int, frozenset[int]],
    excess: NDArray[np.int64],
) -> Mask:
    """Choose among cuts and fills the cheapest that end the excess; return which fills they are.

    Over Z/2 a cut is a unit vector and a fill the sum of the cuts that it spares.
    """
    chosen = np.zeros(len(fills), np.bool_)
    for dimension in (1, 2):
        cutting = np.flatnonzero(cuts.change[:, dimension] > 0)
        cost = [(cuts.cost[i], 0, i, frozenset((i,))) for i in cutting.tolist()]
        relevant = set(cutting.tolist())
        filling = np.flatnonzero(useful & (fills.change[:, dimension] < 0)).tolist()
        cost += [(fills.cost[j], 1, j, touched.get(j, frozenset()) & relevant) for j in filling]
        basis: dict[int, frozenset[int]] = {}
        left = excess[dimension - 1]
        for _, is_fill, number, vector in sorted(cost, key=lambda entry: entry[:3]):
            if left <= 0:
                break
            while vector and min(vector) in basis:
                vector = vector ^ basis[min(vector)]
            if not vector:
                continue
            basis[min(vector)] = vector
            gained = fills.change[number] if is_fill else -cuts.change[number]
            left += gained[dimension]
            if is_fill:
                chosen[number] = True
    return chosen
