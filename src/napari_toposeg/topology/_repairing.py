"""The steps of a repair: components first, then what lacks, then what is too much.

The one idea: each step is exact or leaves the numbers as they were, and the result is counted; so a
repair may fail to reach what is wanted, but never says that it did when it did not.
"""

import numpy as np

from napari_toposeg.topology._cuts import reduce_features
from napari_toposeg.topology._joining import choose_components
from napari_toposeg.topology._supply import Wanted, place_apart, supply
from napari_toposeg.topology._task import Task
from napari_toposeg.topology.grid import Mask


def repair_mask(task: Task, wanted: Wanted) -> Mask:
    """Return the cheapest mask found that has the wanted Betti numbers, or the nearest to them."""
    if wanted[0] == 0:
        return np.zeros(task.margin.shape, np.bool_)
    found = [attempt(task, wanted, False)]
    if wanted[1:] != (0, 0) and task.rank(found[0], wanted)[0]:
        # The components dropped for their small weight may be those with the loops.
        found.append(attempt(task, wanted, True))
    best = min(found, key=lambda mask: task.rank(mask, wanted))
    if task.rank(best, wanted)[0] and wanted[1:] == (0, 0):
        best = place_apart(task, best, wanted[0])
    return undo_idle(task, best, wanted)


def attempt(task: Task, wanted: Wanted, keep_featured: bool) -> Mask:
    """Return a mask made for the wanted numbers, which need not have them."""
    mask = task.mask
    components = task.count(mask).b0
    if components < wanted[0]:
        mask = supply(task, mask, (wanted[0], *task.count(mask)[1:]), (0,))
        components = task.count(mask).b0
    if components < wanted[0]:
        mask = place_apart(task, mask, wanted[0])
        components = task.count(mask).b0
    if components > wanted[0]:
        mask = choose_components(task, mask, wanted[0], keep_featured)
    numbers = task.count(mask)
    dimensions = tuple(k for k in (1, 2) if numbers[k] < wanted[k])
    if dimensions and numbers.b0:
        goal = (numbers.b0, max(wanted[1], numbers.b1), max(wanted[2], numbers.b2))
        mask = supply(task, mask, goal, dimensions)
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
