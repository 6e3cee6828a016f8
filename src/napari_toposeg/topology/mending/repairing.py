"""The steps of a repair: components first, then what lacks, then what is too much.

The one idea: each step is exact or leaves the numbers as they were, and the result is counted; so a
repair may fail to reach what is wanted, but never says that it did when it did not.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Mask
from napari_toposeg.topology.mending.cuts import reduce_features
from napari_toposeg.topology.mending.growing import flip_simple
from napari_toposeg.topology.mending.joining import choose_components
from napari_toposeg.topology.mending.scatter import place_apart
from napari_toposeg.topology.mending.supply import Wanted, supply
from napari_toposeg.topology.mending.task import Task

# So many other thresholds are tried where the wanted was not reached.
LEVELS = 4


def repair_mask(task: Task, wanted: Wanted) -> Mask:
    """Return the cheapest mask found that has the wanted Betti numbers, or the nearest to them."""
    if wanted[0] == 0:
        return np.zeros(task.margin.shape, np.bool_)
    has_features = wanted[1:] != (0, 0)
    task.told.keep_for_later(0.5 if task.count(task.mask).b0 < wanted[0] else 0.2 * has_features)
    best = attempt(task, wanted)
    rank = task.rank(best, wanted)
    for other in others(task, wanted, rank[0] == 0):
        its = task.rank(other, wanted)
        if its < rank:
            best, rank = other, its
        if rank[0] == 0:
            break
    task.told.keep_for_later(0.0)
    task.told.enter(0.6)
    return give_back(task, undo_idle(task, best, wanted))


def attempt(task: Task, wanted: Wanted) -> Mask:
    """Return a mask made for the wanted numbers, which need not have them."""
    task.told.enter(0.15)
    return settle(task, set_components(task, task.mask, wanted, False), wanted)


def others(task: Task, wanted: Wanted, reached: bool) -> Iterator[Mask]:
    """Yield masks made in other ways, which are tried where the first fails or may be too dear."""
    if task.count(task.mask).b0 < wanted[0]:
        begin_another(task)
        yield settle(task, place_apart(task, task.mask, wanted[0]), wanted)
    if reached or wanted[1:] == (0, 0):
        return
    # What was dropped or left open for its small weight may be what has the features.
    begin_another(task)
    yield settle(task, set_components(task, task.mask, wanted, True), wanted)
    begin_another(task)
    closed = supply(task, task.mask, wanted, 2, heeded=(2,))
    yield settle(task, set_components(task, closed, wanted, True), wanted)
    for level in rich_levels(task, wanted):
        begin_another(task)
        shifted = replace(task, margin=task.margin.astype(np.float64) - level)
        yield settle(shifted, set_components(shifted, shifted.mask, wanted, True), wanted)


def begin_another(task: Task) -> None:
    """Tell that one more way is tried, and perhaps others after it."""
    task.told.keep_for_later(0.5)
    task.told.enter(0.05)


def rich_levels(task: Task, wanted: Wanted) -> NDArray[np.float64]:
    """Return the margins nearest to 0 at which the map has enough loops and cavities at once."""
    diagram = task.diagram
    values = np.unique(np.concatenate([diagram.birth, diagram.death[~diagram.is_essential]]))
    levels = (values[1:] + values[:-1]) / 2
    is_rich = np.ones(len(levels), np.bool_)
    for dimension in (1, 2):
        bars = diagram.select(dimension)
        born = len(bars) - np.searchsorted(np.sort(bars.birth), levels)
        dead = len(bars) - np.searchsorted(np.sort(bars.death), levels)
        is_rich &= born - dead >= wanted[dimension]
    levels = levels[is_rich]
    return np.asarray(levels[np.argsort(np.abs(levels), kind="stable")][:LEVELS])


def set_components(task: Task, mask: Mask, wanted: Wanted, keep_featured: bool) -> Mask:
    """Return a mask of the wanted number of components."""
    goal = (wanted[0], 0, 0)
    mask = supply(task, mask, goal, 0)
    if task.count(mask).b0 < wanted[0]:
        mask = place_apart(task, mask, wanted[0])
    if task.count(mask).b0 > wanted[0]:
        mask = choose_components(task, mask, wanted[0], keep_featured)
    return mask


def settle(task: Task, mask: Mask, wanted: Wanted) -> Mask:
    """Return the mask with its loops and cavities made up or cut down to the wanted."""
    task.told.enter(0.05)
    # Closing a cavity fills loops on the way, making a loop opens no cavity.
    for dimension in (2, 1):
        mask = supply(task, mask, wanted, dimension)
    numbers = task.count(mask)
    if numbers.b1 > wanted[1] or numbers.b2 > wanted[2]:
        mask = reduce_features(task, mask, wanted[1:])
    return mask


def undo_idle(task: Task, mask: Mask, wanted: Wanted) -> Mask:
    """Take back the edits that nothing depends on."""
    edits = task.pieces(mask, task.mask)
    idle = ~edits.is_critical
    off = task.rank(mask, wanted)[0]
    while idle.any():
        undone = mask ^ edits.union(idle)
        if task.rank(undone, wanted)[0] <= off:
            return undone
        # Two of them may do together what neither does alone; the dearer half is tried.
        order = np.flatnonzero(idle)
        order = order[np.argsort(edits.cost[order], kind="stable")]
        idle[order[: (len(order) + 1) // 2]] = False
    return mask


def give_back(task: Task, mask: Mask) -> Mask:
    """Return the mask without the flipped voxels that can go, the dearest first.

    They go by simple points, so the topology stays as it is; of those that are left none is simple.
    """
    flipped = mask != task.mask
    return flip_simple(mask, flipped, np.abs(task.margin), task.foreground, task.heed)
