"""Give a mask features that it lacks, where the map has them at another threshold.

The one idea: a feature of the map that is not there at the threshold is a bar of its persistence
diagram that lies below it or above. The mask of the bar's own level is thinned by simple points
down to the mask, or grown up to it; what then still differs has the feature, at the least cost. Bars
are tried in the order of price for persistence: how far from the threshold, for how long a life.
"""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from napari_toposeg.topology._growing import deform
from napari_toposeg.topology._task import Task
from napari_toposeg.topology.cubical import persistence
from napari_toposeg.topology.grid import Mask, neighbourhood

TRIES_FOR_EACH = 8
Wanted = tuple[int, int, int]


def supply(task: Task, mask: Mask, wanted: Wanted, dimensions: tuple[int, ...]) -> Mask:
    """Return the mask with more features of the dimensions, as near to the wanted as is found."""
    needed = lacks(task, mask, wanted, dimensions)
    tries = TRIES_FOR_EACH * sum(needed.values())
    for (dimension, level, above), _ in zip(levels(task, dimensions), range(tries), strict=False):
        if not needed.get(dimension):
            if not any(needed.values()):
                break
            continue
        mask = add_pieces(task, mask, level, above, wanted)
        needed = lacks(task, mask, wanted, dimensions)
    return mask


def lacks(
    task: Task, mask: Mask, wanted: Wanted, dimensions: tuple[int, ...]
) -> dict[int, int]:
    """Return how many features of each dimension are missing."""
    numbers = task.count(mask)
    return {k: max(wanted[k] - numbers[k], 0) for k in dimensions}


def levels(task: Task, dimensions: tuple[int, ...]) -> Iterator[tuple[int, float, bool]]:
    """Yield (dimension, margin, whether above it) where the map has features that the mask lacks.

    Voxels that may not be added are put below all others.
    """
    margin = np.where(task.may_add, task.margin, task.margin.min() - 1)
    diagram = persistence(
        margin,
        dimensions=[k for k in dimensions if k < margin.ndim],
        construction="T" if task.foreground in (8, 26) else "V",
        superlevel=True,
    )
    task.heed()
    below, above = diagram.birth <= 0, diagram.death > 0
    price = np.where(below, -diagram.birth, diagram.death)
    known = np.flatnonzero(below & task.may_add.ravel()[diagram.birth_voxel] | above)
    order = known[np.argsort(price[known] / diagram.persistence[known], kind="stable")]
    for bar in order:
        level = diagram.birth[bar] if below[bar] else diagram.death[bar]
        yield int(diagram.dimension[bar]), float(level), bool(above[bar])


def add_pieces(task: Task, mask: Mask, level: float, above: bool, wanted: Wanted) -> Mask:
    """Flip pieces between the mask and that of a level, the cheapest first, as far as they help."""
    if above:
        start = mask & (task.margin > level)
        end = deform(start, mask, task.margin, True, task.foreground, task.heed)
    else:
        level_set = (task.margin >= level) & task.may_add
        whole = mask | level_set
        end = deform(whole, whole & ~mask, -task.margin, False, task.foreground, task.heed)
    pieces = task.pieces(mask, end)
    numbers = task.count(mask)
    missing = np.array(wanted) - numbers
    gain = np.abs(missing).sum() - np.abs(missing - pieces.change).sum(axis=1)
    useful = np.flatnonzero(gain > 0)
    off = np.abs(missing).sum()
    for piece in useful[np.argsort(pieces.cost[useful] / gain[useful], kind="stable")]:
        flipped = mask ^ (pieces.label == piece + 1)
        its = np.abs(np.array(wanted) - task.count(flipped)).sum()
        if its < off:
            mask, off = flipped, its
        if off == 0:
            break
    return mask


def place_apart(task: Task, mask: Mask, wanted: int) -> Mask:
    """Add single voxels that touch nothing, the most probable first, up to a number of components.

    Where there is no room beside the mask, the mask is given up for a lattice of single voxels.
    """
    structure = neighbourhood(task.foreground)
    count = ndimage.label(mask, structure)[1]
    placed = scatter(task, mask, ndimage.binary_dilation(mask, structure), wanted - count)
    if ndimage.label(placed, structure)[1] == wanted:
        return placed
    grids = np.indices(mask.shape)
    apart = grids.sum(axis=0) % 2 if task.foreground in (4, 6) else None
    lattices = []
    for corner in np.ndindex((2,) * mask.ndim):
        if apart is None:
            lattice = np.all([grid % 2 == c for grid, c in zip(grids, corner, strict=True)], axis=0)
        else:
            lattice = apart == corner[0]
        lattices.append(scatter(task, np.zeros_like(mask), ~lattice, wanted))
    return min(lattices, key=lambda found: (abs(int(found.sum()) - wanted), task.cost(found)))


def scatter(task: Task, mask: Mask, taken: Mask, number: int) -> Mask:
    """Add a number of voxels that are not taken, the most probable first, none beside another."""
    placed, taken = mask.copy(), taken | ~task.may_add
    reach = np.argwhere(neighbourhood(task.foreground)) - 1
    order = np.flatnonzero(~taken)
    order = order[np.argsort(-task.margin.ravel()[order], kind="stable")]
    for voxel in order:
        if number <= 0:
            break
        place = np.array(np.unravel_index(voxel, mask.shape))
        if taken[tuple(place)]:
            continue
        around = place + reach
        inside = np.all((around >= 0) & (around < mask.shape), axis=1)
        taken[tuple(around[inside].T)] = True
        placed[tuple(place)] = True
        number -= 1
    return placed
