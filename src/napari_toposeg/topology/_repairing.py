"""The steps of a repair: components first, then what lacks, then what is too much.

The one idea: each step is exact or leaves the numbers as they were, and the result is counted; so a
repair may fail to reach what is wanted, but never says that it did when it did not.
"""

import numpy as np

from napari_toposeg.topology._cuts import reduce_features
from napari_toposeg.topology._joining import choose_components
from napari_toposeg.topology._scatter import place_apart
from napari_toposeg.topology._supply import Wanted, supply
from napari_toposeg.topology._task import Task
from napari_toposeg.topology.grid import Mask


def repair_mask(task: Task, wanted: Wanted) -> Mask:
    """Return the cheapest mask found that has the wanted Betti numbers, or the nearest to them."""
    if wanted[0] == 0:
        return np.zeros(task.margin.shape, np.bool_)
    best = attempt(task, wanted)
    if wanted[1:] != (0, 0):
        # What was dropped or left open for its small weight may be what has the features.
        for other in (with_features, cavities_first):
            if task.rank(best, wanted)[0] == 0:
                break
            best = min(best, other(task, wanted), key=lambda mask: task.rank(mask, wanted))
    if task.rank(best, wanted)[0] and wanted[1:] == (0, 0):
        best = place_apart(task, best, wanted[0])
    return undo_idle(task, best, wanted)


def attempt(task: Task, wanted: Wanted) -> Mask:
    """Return a mask made for the wanted numbers, which need not have them."""
    return settle(task, set_components(task, task.mask, wanted, False), wanted)


def with_features(task: Task, wanted: Wanted) -> Mask:
    """Return an attempt in which the components with loops and cavities go before the others."""
    return settle(task, set_components(task, task.mask, wanted, True), wanted)


def cavities_first(task: Task, wanted: Wanted) -> Mask:
    """Return an attempt in which cavities are closed whatever else that changes."""
    mask = supply(task, task.mask, wanted, 2, heeded=(2,))
    return settle(task, set_components(task, mask, wanted, True), wanted)


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
    idle = ~edits.change.any(axis=1)
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
