"""Components where the map has none: single voxels that touch nothing.

The one idea: a voxel without neighbours in the mask adds one component and nothing else; where
there is no room for enough of them beside the mask, a lattice of single voxels has the most.
"""

import numpy as np
from scipy import ndimage

from napari_toposeg.topology.grid import Mask, neighbourhood
from napari_toposeg.topology.mending.task import Task


def place_apart(task: Task, mask: Mask, wanted: int) -> Mask:
    """Return the mask with single voxels added up to a number of components, or a lattice."""
    structure = neighbourhood(task.foreground)
    count = ndimage.label(mask, structure)[1]
    taken = ndimage.binary_dilation(mask, structure)
    placed = scatter(task, mask, taken, wanted - count)
    if ndimage.label(placed, structure)[1] == wanted:
        return placed
    grids = np.indices(mask.shape)
    if task.foreground in (4, 6):
        corners = [grids.sum(axis=0) % 2 == parity for parity in (0, 1)]
    else:
        corners = [
            np.all([grid % 2 == c for grid, c in zip(grids, corner, strict=True)], axis=0)
            for corner in np.ndindex((2,) * mask.ndim)
        ]
    lattices = [scatter(task, np.zeros_like(mask), ~corner, wanted) for corner in corners]
    return min(lattices, key=lambda lattice: (wanted - lattice.sum(), task.cost(lattice)))


def scatter(task: Task, mask: Mask, taken: Mask, number: int) -> Mask:
    """Add at most a number of voxels that are not taken, the greatest first, none beside another.

    Returns
    -------
    Mask
        The mask with those voxels, fewer where there is no room.
    """
    placed, taken = mask.copy(), taken | ~task.may_add
    steps = np.argwhere(neighbourhood(task.foreground)) - 1
    free = np.flatnonzero(~taken)
    for voxel in free[np.argsort(-task.margin.ravel()[free], kind="stable")]:
        if number <= 0:
            break
        place = np.array(np.unravel_index(voxel, mask.shape))
        if taken[tuple(place)]:
            continue
        around = place + steps
        inside = np.all((around >= 0) & (around < mask.shape), axis=1)
        taken[tuple(around[inside].T)] = True
        placed[tuple(place)] = True
        number -= 1
    return placed
