"""The core of a mask, grown without loops or cavities, and the pieces off it: the possible cuts.

The one idea: a core is grown from one voxel of each component by simple points. The pieces of the
mask off it do not touch each other, so what they add to the core adds up: every choice of pieces
has exactly the Betti numbers of the core plus what each of its pieces adds (the relative homology
of core and mask is a direct sum over the pieces, and the core has none of its own).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.topology.grid import Mask, neighbourhood
from napari_toposeg.topology.mending.growing import deform, in_space, with_margin
from napari_toposeg.topology.mending.task import Pieces, Task

REGROWTHS = 3


def find_cuts(task: Task, mask: Mask, importance: NDArray[np.floating]) -> tuple[Mask, Pieces]:
    """Return a core of the mask, and the pieces off it.

    What was added to the threshold's mask is grown first: it is there to join or to fill, and a cut
    in it would undo that. Where a voxel that all of a branch hangs on is not simple, the branch
    stays off the core; then it is tried again with these voxels grown first, and ``importance``
    remembers them.
    """
    top = importance.max() + 1
    importance[mask & ~task.mask] = top
    seeds = first_voxels(task, mask, importance)
    task.heed()
    core = grow_cores(task, mask, importance, seeds)
    cuts = task.pieces(core, mask)
    for _ in range(REGROWTHS):
        label = np.pad(in_space(cuts.chosen(cuts.is_critical)), 1)
        hinges = np.zeros(label.shape, np.bool_)
        if not list_hinges(label, with_margin(core), hinges):
            break
        hinges = hinges[1:-1, 1:-1, 1:-1].reshape(mask.shape)
        raised = np.where(hinges, top, importance)
        grown = grow_cores(task, mask, raised, seeds)
        others = task.pieces(grown, mask)
        if lost(others) >= lost(cuts):
            break
        importance[...] = raised
        core, cuts = grown, others
    return core, cuts


def lost(cuts: Pieces) -> float:
    """Return what all cuts cost that are needed to end every loop and cavity."""
    return float(cuts.cost[cuts.is_critical].sum())


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


def grow_cores(
    task: Task,
    mask: Mask,
    importance: NDArray[np.floating],
    seeds: NDArray[np.int64] | None = None,
) -> Mask:
    """Return a part without loops and cavities of each component, grown from a seed in each.

    The seeds are flat indices, by default the most important voxels.
    """
    if seeds is None:
        seeds = first_voxels(task, mask, importance)
    core = np.zeros(mask.shape, np.bool_)
    core.ravel()[seeds] = True
    return deform(core, mask, importance, True, task.foreground, task.heed)


def first_voxels(task: Task, mask: Mask, importance: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the flat index of the most important voxel of each component."""
    label, count = ndimage.label(mask, neighbourhood(task.foreground))
    voxels = np.flatnonzero(mask)
    return np.asarray(greatest(label.ravel(), importance.ravel(), voxels, count))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def greatest(
    label: NDArray[np.int32],
    importance: NDArray[np.floating],
    voxels: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Return the first of the voxels of greatest importance with each label from 1 to ``count``."""
    best = np.full(count, -1, np.int64)
    for voxel in voxels:
        owner = label[voxel] - 1
        if best[owner] < 0 or importance[voxel] > importance[best[owner]]:
            best[owner] = voxel
    return best
