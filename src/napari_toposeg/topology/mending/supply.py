"""Give a mask features that it lacks, where the map has them at another threshold.

The one idea: a feature of the map that is not there at the threshold is a bar of its persistence
diagram that lies below it or above. The mask of the bar's own level is thinned by simple points
down to the mask, or grown up to it; what then still differs makes the feature, and is thin. Bars
are tried in the order of price for persistence: how far from the threshold, for how long a life.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.topology.betti import BettiNumbers
from napari_toposeg.topology.grid import Mask, background_connectivity, neighbourhood
from napari_toposeg.topology.mending.growing import deform
from napari_toposeg.topology.mending.task import Pieces, Task

TRIES_FOR_EACH, MOST_TRIES = 12, 48
Wanted = tuple[int, int, int]


@dataclass(frozen=True)
class Feature:
    """A feature that the map has at another level, a margin that is above the threshold or below.

    ``inside`` is a voxel of the component (dimension 0) or of the cavity (dimension 2).
    """

    dimension: int
    level: float
    is_above: bool
    inside: int


def supply(
    task: Task, mask: Mask, wanted: Wanted, dimension: int, heeded: tuple[int, ...] = (0, 1, 2)
) -> Mask:
    """Return the mask with more features of a dimension, as near to the wanted as is found.

    Of the dimensions heeded none must be worse for it: the components as wanted, loops and cavities
    as many or more, for what is too much can be cut later.
    """
    missing = wanted[dimension] - task.count(mask)[dimension]
    if missing <= 0:
        return mask
    tries = min(TRIES_FOR_EACH * missing, MOST_TRIES)
    for feature, _ in zip(features(task, dimension), range(tries), strict=False):
        mask = make(task, mask, feature, wanted, heeded)
        if task.count(mask)[dimension] >= wanted[dimension]:
            break
    return mask


def features(task: Task, dimension: int) -> Iterator[Feature]:
    """Yield features of the map that are not there at the threshold, the likeliest first."""
    diagram = task.diagram.select(dimension)
    below, above = diagram.birth <= 0, diagram.death > 0
    price = np.where(below, -diagram.birth, diagram.death)
    known = np.flatnonzero(below & task.may_add.ravel()[diagram.birth_voxel] | above)
    for bar in known[np.argsort(price[known] / diagram.persistence[known], kind="stable")]:
        is_above = bool(above[bar])
        level = diagram.death[bar] if is_above else diagram.birth[bar]
        inside = diagram.death_voxel[bar] if dimension == 2 else diagram.birth_voxel[bar]
        yield Feature(dimension, float(level), is_above, int(inside))


def make(task: Task, mask: Mask, feature: Feature, wanted: Wanted, heeded: tuple[int, ...]) -> Mask:
    """Flip pieces between the mask and that of the feature's level, as far as they help."""
    if feature.is_above:
        start = mask & (task.margin > feature.level)
        end = deform(start, mask, task.margin, True, task.foreground, task.heed)
    else:
        whole = mask | (task.margin >= feature.level) & task.may_add
        end = deform(whole, whole & ~mask, -task.margin, False, task.foreground, task.heed)
    pieces = task.pieces(mask, end)
    off = shortfall(task.count(mask), wanted, heeded)
    improved = flip_useful(task, mask, pieces, wanted, heeded)
    if shortfall(task.count(improved), wanted, heeded) < off:
        return improved
    # Several pieces may be needed at once: the holes of a shell, the cuts around a component.
    together = mask ^ pieces.union(touching(task, pieces, end, feature))
    return together if shortfall(task.count(together), wanted, heeded) < off else mask


def shortfall(numbers: BettiNumbers, wanted: Wanted, heeded: tuple[int, ...]) -> int:
    """Return how many components are missing or too many, and how many other features missing."""
    missing = [wanted[k] - numbers[k] for k in heeded]
    return sum(abs(n) if k == 0 else max(n, 0) for k, n in zip(heeded, missing, strict=True))


def flip_useful(
    task: Task, mask: Mask, pieces: Pieces, wanted: Wanted, heeded: tuple[int, ...]
) -> Mask:
    """Flip the pieces that bring the numbers nearer to the wanted, the cheapest first.

    As many at once as are needed; half as many where they do not help together.
    """
    numbers = task.count(mask)
    off = shortfall(numbers, wanted, heeded)
    after = [BettiNumbers(*row) for row in (pieces.change + numbers).tolist()]
    gain = np.array([off - shortfall(row, wanted, heeded) for row in after], np.int64)
    useful = np.flatnonzero(gain > 0)
    useful = useful[np.argsort(pieces.cost[useful] / gain[useful], kind="stable")]
    done, size = 0, len(useful)
    while off and done < len(useful):
        needed = 1 + int(np.searchsorted(np.cumsum(gain[useful[done:]]), off))
        size = min(size, needed, len(useful) - done)
        chosen = np.zeros(len(pieces), np.bool_)
        chosen[useful[done : done + size]] = True
        flipped = mask ^ pieces.union(chosen)
        its = shortfall(task.count(flipped), wanted, heeded)
        if its < off and (size == 1 or off - its >= gain[chosen].sum()):
            mask, off, done, size = flipped, its, done + size, 2 * size
        elif size > 1:
            size //= 2
        else:
            done += 1
    return mask


def touching(task: Task, pieces: Pieces, end: Mask, feature: Feature) -> NDArray[np.bool_]:
    """Return which pieces touch the component or the cavity that the feature is."""
    chosen = np.zeros(len(pieces), np.bool_)
    if feature.dimension == 1:
        return chosen
    side = ~end if feature.dimension == 2 else end
    joined = task.foreground
    if feature.dimension == 2:
        joined = background_connectivity(joined)
    label = ndimage.label(side, neighbourhood(joined))[0]
    own = label.ravel()[feature.inside]
    if own:
        near = ndimage.binary_dilation(label == own, np.ones((3,) * end.ndim))
        touched = np.unique(pieces.label[near])
        chosen[touched[touched > 0] - 1] = True
    return chosen
