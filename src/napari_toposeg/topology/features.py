"""The voxels of one feature of a persistence diagram: the component, loop or cavity itself.

The one idea: a feature is drawn where it is most itself. A component, just before it merges with an
older one; a cavity, just when it has closed; a loop, as the shortest closed path through the voxel
that closed it. All of them follow from the birth or the death voxel by levels and connectivity.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.graph import MCP, MCP_Geometric

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.topology.diagram import PersistenceDiagram
from napari_toposeg.topology.grid import Mask, as_array

FIRST_REACH = 12
"""Voxels around a loop's birth in which its path is looked for first; the reach doubles."""


def feature_voxels(image: NDArray[Any], diagram: PersistenceDiagram, row: int) -> Mask:
    """Return the voxels of a feature.

    Parameters
    ----------
    image
        Image ``(y, x)`` or ``(z, y, x)`` that the diagram is of.
    diagram
        Its persistence diagram.
    row
        Which feature.

    Returns
    -------
    Mask
        Of a component: its voxels just before it merges; of one that never dies, those beyond the
        middle between its birth and the last level. Of a cavity, and of a loop in 2D: what is
        enclosed when it has closed. Of a loop in 3D: a shortest closed path through the voxel that
        closed it, in the set that was there then. Of a cavity that never closes: its birth voxel.

    Raises
    ------
    ShapeMismatch
        If the image is not of the diagram's shape.
    InvalidConfig
        If there is no such row.

    Examples
    --------
    >>> from napari_toposeg.topology import persistence
    >>> row = np.array([[0.1, 0.9, 0.8, 0.2, 0.7, 0.1]])
    >>> found = persistence(row, superlevel=True)
    >>> [feature_voxels(row, found, k).astype(int).tolist() for k in (0, 1)]
    [[[0, 1, 1, 0, 0, 0]], [[0, 0, 0, 0, 1, 0]]]
    """
    image = as_array(image)
    if image.shape != diagram.shape:
        raise ShapeMismatch(
            f"the image has shape {image.shape}, the diagram is of {diagram.shape}; give the image "
            "that it was computed of"
        )
    if not 0 <= row < len(diagram):
        raise InvalidConfig(f"row {row} of a diagram of {len(diagram)} features; count from 0")
    # Rising from here on: what is above a level is there. Whole numbers would wrap around below.
    values = image.astype(np.float64)
    rising = values if diagram.superlevel else -values
    dimension = int(diagram.dimension[row])
    birth, death = (int(ends[row]) for ends in (diagram.birth_voxel, diagram.death_voxel))
    if dimension == 0:
        return component(rising, diagram, birth, death)
    if dimension == image.ndim - 1:
        return enclosed(rising, diagram, birth, death)
    return loop(rising, diagram, birth)


def entered(rising: NDArray[Any], voxel: int) -> Mask:
    """Return the voxels that are there before one is; equal values enter by their index."""
    level = rising.ravel()[voxel]
    equal = rising == level
    equal.ravel()[voxel:] = False
    return np.asarray((rising > level) | equal)


def component(rising: NDArray[Any], diagram: PersistenceDiagram, birth: int, death: int) -> Mask:
    """Return the component of a birth voxel, above the level at which it merges."""
    if death >= 0:
        there = entered(rising, death)
    else:
        values = rising.ravel()
        there = rising >= (values[birth] + values.min()) / 2
    return part_of(there, birth, joined(diagram, background=False))


def enclosed(rising: NDArray[Any], diagram: PersistenceDiagram, birth: int, death: int) -> Mask:
    """Return what is enclosed once the birth voxel has closed it; the death voxel is in it."""
    if death < 0:
        return spots(rising.shape, birth, death)
    left = ~entered(rising, birth)
    left.ravel()[birth] = False
    return part_of(left, death, joined(diagram, background=True))


def loop(rising: NDArray[Any], diagram: PersistenceDiagram, birth: int) -> Mask:
    """Return a shortest closed path through the voxel that closed a loop."""
    place = tuple(int(at) for at in np.unravel_index(birth, rising.shape))
    there = entered(rising, birth)
    reach = FIRST_REACH
    while True:
        low = tuple(max(0, at - reach) for at in place)
        box = tuple(slice(a, at + reach + 1) for a, at in zip(low, place, strict=True))
        inner = tuple(at - a for at, a in zip(place, low, strict=True))
        path = closed_path(there[box], inner, joined(diagram, background=False))
        found = spots(rising.shape, birth)
        if path is not None:
            found[box][tuple(np.transpose(path))] = True
        if path is not None or reach >= max(rising.shape):
            return found
        reach *= 2


def closed_path(
    there: Mask, start: tuple[int, ...], structure: Mask
) -> list[tuple[int, ...]] | None:
    """Return the shortest path from a voxel back to it, by two of its sides that do not touch.

    Sides are the parts into which the neighbours fall without the voxel: the path between two of
    them is what the voxel closed.
    """
    around = np.pad(there, 1)
    box = tuple(slice(at, at + 3) for at in start)
    near = around[box] & structure
    near[(1,) * there.ndim] = False
    sides, count = ndimage.label(near, structure)
    if count < 2:
        return None
    free = np.where(there, 1.0, -1.0)
    free[start] = -1.0
    search = MCP_Geometric if structure.all() else MCP
    best: list[tuple[int, ...]] | None = None
    offsets = np.array(start) - 1
    for side in range(1, count):
        begin, end = (
            [tuple(offsets + at) for at in np.argwhere(chosen)]
            for chosen in (sides == side, sides > side)
        )
        costs, _ = (finder := search(free, fully_connected=bool(structure.all()))).find_costs(
            begin, end, find_all_ends=False
        )
        nearest = min(end, key=lambda voxel: costs[voxel])
        if np.isfinite(costs[nearest]):
            path = [start, *finder.traceback(nearest)]
            best = path if best is None or len(path) < len(best) else best
    return best


def joined(diagram: PersistenceDiagram, *, background: bool) -> Mask:
    """Return which neighbours join the foreground, or the background, of a construction."""
    whole = (diagram.construction == "T") != background
    dimensions = len(diagram.shape)
    structure: Mask = ndimage.generate_binary_structure(dimensions, dimensions if whole else 1)
    return structure


def part_of(mask: Mask, voxel: int, structure: Mask) -> Mask:
    """Return the connected part of a mask that a voxel is in."""
    labels, _ = ndimage.label(mask, structure)
    its = labels.ravel()[voxel]
    return np.asarray(labels == its) if its else spots(mask.shape, voxel, -1)


def spots(shape: tuple[int, ...], *voxels: int) -> Mask:
    """Return a mask of single voxels, those below 0 left out."""
    mask = np.zeros(shape, np.bool_)
    mask.ravel()[[voxel for voxel in voxels if voxel >= 0]] = True
    return mask
