"""Take loops and cavities away from a mask, down to the wanted numbers, by cuts and fills.

The one idea: grown from one voxel by simple points, each component has a core without loops or
cavities. The pieces of the mask off the core do not touch each other, so what they add to the core
adds up: *every* choice of pieces has exactly the Betti numbers of the core plus those of its pieces.
All pieces that add nothing come back, the rest are the cuts. A loop can also be filled, where a
membrane across it costs less than its cut; loops with both are shared out as in Kruskal's greedy
algorithm, which is exact for a matroid (the pieces that a fill touches stand for the cuts that its
rim crosses), and the core is then grown once more in the filled mask, which keeps it exact.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.topology._growing import deform, with_margin
from napari_toposeg.topology._neighbours import count_parts, look_around
from napari_toposeg.topology._task import Pieces, Task
from napari_toposeg.topology.grid import Mask, neighbourhood

# Membranes are sought within so many voxels of a cut.
REACH = 4
REGROWTHS = 3
Wanted = tuple[int, int]


def reduce_features(task: Task, mask: Mask, wanted: Wanted) -> Mask:
    """Return a mask like this one with at most the wanted numbers of loops and cavities."""
    importance = task.margin.copy()
    core, cuts = find_cuts(task, mask, importance)
    best = restore(task, core, mask, cuts, wanted)
    fills = choose_fills(task, mask, cuts, wanted)
    if not fills.any():
        return best
    filled = mask | fills
    core, cuts = find_cuts(task, filled, importance)
    other = restore(task, core, filled, cuts, wanted)
    return other if task.rank(other, wanted) < task.rank(best, wanted) else best


def find_cuts(task: Task, mask: Mask, importance: NDArray[np.floating]) -> tuple[Mask, Pieces]:
    """Return a core of the mask, and the pieces off it.

    What was added to the threshold's mask is grown first: it is there to join or to fill, and a cut
    in it would undo that. Where a voxel that all of a branch hangs on is not simple, the branch
    stays off the core; then it is tried again with these voxels grown first, and ``importance``
    remembers them.
    """
    top = importance.max() + 1
    importance[mask & ~task.mask] = top
    core = grow_cores(task, mask, importance)
    cuts = task.pieces(core, mask)
    for _ in range(REGROWTHS):
        critical = cuts.change.any(axis=1)
        label = mark(critical, cuts.label)
        hinges = np.zeros(label.shape, np.bool_)
        if not list_hinges(label, with_margin(core), hinges):
            break
        hinges = hinges[1:-1, 1:-1, 1:-1].reshape(mask.shape)
        raised = np.where(hinges, top, importance)
        grown = grow_cores(task, mask, raised)
        others = task.pieces(grown, mask)
        if lost(others) >= lost(cuts):
            break
        importance[...] = raised
        core, cuts = grown, others
    return core, cuts


def lost(cuts: Pieces) -> float:
    """Return what all cuts cost that are needed to end every loop and cavity."""
    return float(cuts.cost[cuts.change.any(axis=1)].sum())


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_hinges(
    label: NDArray[np.int32], core: NDArray[np.uint8], hinges: NDArray[np.bool_]
) -> bool:
    """Mark the voxels next to the core in pieces that reach deeper than that; False if none does.

    A cut across a tube is one voxel thick, so all of it touches the core.
    """
    pieces = label.max()
    is_deep = np.zeros(pieces + 1, np.bool_)
    planes, rows, columns = label.shape
    for z in range(1, planes - 1):
        for y in range(1, rows - 1):
            for x in range(1, columns - 1):
                if label[z, y, x]:
                    near = core[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2].any()
                    hinges[z, y, x] = near
                    if not near:
                        is_deep[label[z, y, x]] = True
    for z in range(1, planes - 1):
        for y in range(1, rows - 1):
            for x in range(1, columns - 1):
                if hinges[z, y, x] and not is_deep[label[z, y, x]]:
                    hinges[z, y, x] = False
    return bool(is_deep.any())


def grow_cores(task: Task, mask: Mask, importance: NDArray[np.floating]) -> Mask:
    """Return a part without loops and cavities of each component, grown from its greatest voxel."""
    label, count = ndimage.label(mask, neighbourhood(task.foreground))
    voxels = np.flatnonzero(mask)
    seeds = greatest(label.ravel(), task.margin.ravel(), voxels, count)
    core = np.zeros(mask.shape, np.bool_)
    core.ravel()[seeds] = True
    return deform(core, mask, importance, True, task.foreground, task.heed)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def greatest(
    label: NDArray[np.int32],
    margin: NDArray[np.floating],
    voxels: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Return the first of the voxels of greatest margin with each label from 1 to ``count``."""
    best = np.full(count, -1, np.int64)
    for voxel in voxels:
        owner = label[voxel] - 1
        if best[owner] < 0 or margin[voxel] > margin[best[owner]]:
            best[owner] = voxel
    return best


def restore(task: Task, core: Mask, mask: Mask, cuts: Pieces, wanted: Wanted) -> Mask:
    """Return the core with as many of its pieces as the wanted numbers allow, the dearest first."""
    kept = ~cuts.change.any(axis=1)
    left = np.array(wanted)
    for piece in np.argsort(-cuts.cost, kind="stable"):
        adds = cuts.change[piece, 1:]
        if not kept[piece] and np.all(adds <= left):
            kept[piece] = True
            left -= adds
            if not left.any():
                break
    restored = core | cuts.union(kept)
    for number, parts in ((2, (1, 2)), (1, (2, 1))):
        for _ in range(left[number - 1]):
            grown = add_feature(task, restored, mask, parts, number)
            if grown is None:
                break
            restored = grown
    return restored


def add_feature(
    task: Task, state: Mask, mask: Mask, parts: tuple[int, int], number: int
) -> Mask | None:
    """Add one voxel of the mask that adds one loop or cavity and no more, then grow about it.

    A voxel between two parts of the foreground closes a loop, one between two parts of the
    background a cavity, or else it ends something: what it does is counted.
    """
    before = task.count(state)
    wanted = list(before)
    wanted[number] += 1
    voxels = np.flatnonzero(mask & ~state)
    voxels = voxels[np.argsort(-task.margin.ravel()[voxels], kind="stable")]
    padded = np.pad(state.reshape(-1, *state.shape[-2:]), 1)
    place = np.array(np.unravel_index(voxels, padded_core(padded))).T + 1
    flat = np.ravel_multi_index(place.T, padded.shape)
    closed = task.foreground in (8, 26)
    fits = meeting(padded.view(np.uint8).ravel(), flat, *strides(padded), closed, *parts)
    for voxel in voxels[fits]:
        grown = state.copy()
        grown.ravel()[voxel] = True
        if list(task.count(grown)) == wanted:
            return deform(grown, mask, task.margin, True, task.foreground, task.heed)
    return None


def padded_core(padded: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the shape without the margin."""
    return tuple(side - 2 for side in padded.shape)


def strides(padded: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the steps from a plane to the next and from a row to the next."""
    return padded.shape[1] * padded.shape[2], padded.shape[2]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def meeting(
    state: NDArray[np.uint8],
    voxels: NDArray[np.int64],
    plane: int,
    row: int,
    closed: bool,
    foreground_parts: int,
    background_parts: int,
) -> NDArray[np.bool_]:
    """Return which voxels meet so many parts of foreground and background."""
    fits = np.zeros(len(voxels), np.bool_)
    for i, voxel in enumerate(voxels):
        parts = count_parts(look_around(state, voxel, plane, row), closed)
        fits[i] = parts == (foreground_parts, background_parts)
    return fits


def choose_fills(task: Task, mask: Mask, cuts: Pieces, wanted: Wanted) -> Mask:
    """Return membranes and cavities that are cheaper to fill than the features are to cut."""
    critical = cuts.change.any(axis=1)
    excess = cuts.change[:, 1:].sum(axis=0) - wanted
    none = np.zeros(mask.shape, np.bool_)
    if np.all(excess <= 0):
        return none
    label = mark(critical, cuts.label)
    open_to = with_margin(task.may_add & ~mask)
    margin = np.pad(task.margin.reshape(-1, *mask.shape[-2:]), 1)
    near = np.zeros(label.shape, np.bool_)
    mark_near(label, open_to, margin, np.append(0, cuts.cost), near)
    near = near[1:-1, 1:-1, 1:-1].reshape(mask.shape)
    if not near.any():
        return none
    hull = deform(mask | near, near, -task.margin, False, task.foreground, task.heed)
    fills = task.pieces(mask, hull)
    useful = (fills.change[:, 0] == 0) & np.all(fills.change <= 0, axis=1)
    useful &= fills.change.any(axis=1)
    touched = contacts(mark(useful, fills.label), label, len(cuts))
    return fills.union(cheapest_basis(cuts, fills, useful, touched, excess))


def mark(chosen: Mask, label: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the labels of the chosen pieces alone, as a volume with a margin."""
    number = np.where(chosen, np.arange(1, len(chosen) + 1), 0)
    marked = np.append(0, number).astype(np.int32)[label]
    return np.pad(marked.reshape(-1, *label.shape[-2:]), 1)


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
        cost += [
            (fills.cost[j], 1, j, touched.get(j, frozenset()) & relevant) for j in filling
        ]
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
