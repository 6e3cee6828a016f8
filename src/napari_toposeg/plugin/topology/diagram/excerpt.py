"""Excerpt: the part of a layer that a persistence diagram is computed of, and the way back.

The one idea: a very large layer is cut or made coarser, openly: the note says what was done and
what was left out, and every feature is led back to voxels of the layer itself. No Qt here.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.plugin.canvas.lazy import WHOLE, is_lazy, load
from napari_toposeg.plugin.canvas.regions import Region
from napari_toposeg.plugin.topology.diagram.coarser import (
    Size3,
    block_means,
    block_size,
    region_size,
    size3,
)
from napari_toposeg.plugin.translation import tr
from napari_toposeg.progress import Report, to_nobody

Extent = Literal["whole", "coarse", "region", "view", "drawn", "slice"]

MOST_VOXELS = 200**3
"""Voxels that take a few seconds; more only when the user asks for the whole layer."""


@dataclass(frozen=True, eq=False)
class Excerpt:
    """A part or a coarser copy of a layer.

    Parameters
    ----------
    voxels
        Array ``(z, y, x)``, or the two axes of a slice.
    offset
        First voxel of the layer that is in it, along ``(z, y, x)``.
    step
        Voxels of the layer along ``(z, y, x)`` that one voxel here is the mean of.
    grid
        Shape ``(z, y, x)`` of the voxels, 1 across a slice.
    note
        What was left out, in a sentence for a person; empty where nothing was.
    """

    voxels: NDArray[Any]
    offset: Size3
    step: Size3
    grid: Size3
    note: str

    def positions(self, flat: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the layer's voxels ``(n, 3)`` at flat indices of the excerpt, NaN where -1."""
        index = np.stack(np.unravel_index(np.maximum(flat, 0), self.grid), axis=-1)
        step = np.array(self.step)
        found = np.array(self.offset) + index * step + (step - 1) // 2
        return np.where(flat[:, None] < 0, np.nan, found)


def take_excerpt(
    voxels: Any,
    extent: Extent,
    *,
    centre: Size3 = (0, 0, 0),
    axis: int = 0,
    box: Region | None = None,
    most: int = MOST_VOXELS,
    progress: Report | None = None,
) -> Excerpt:
    """Cut or coarsen a layer for persistence.

    Parameters
    ----------
    voxels
        Array ``(z, y, x)``, in memory or not (dask, zarr): only what is looked at is read.
    extent
        ``"whole"``, ``"coarse"`` (means of blocks), ``"region"`` (around a voxel), ``"view"`` and
        ``"drawn"`` (a box, made coarser if it is too large), or ``"slice"``.
    centre
        Voxel ``(z, y, x)`` in the middle of the region, or on the slice.
    axis
        Axis across which the slice lies.
    box
        The box of ``"view"`` and ``"drawn"``.
    most
        Largest number of voxels of a coarser copy or of a region.
    progress
        Told the share that is read, 0 to 1.

    Raises
    ------
    InvalidVolume
        If a box is needed and not given, or nothing of the layer lies in it.
    """
    match extent:
        case "whole":
            there = _read(voxels, WHOLE, progress)
            return Excerpt(there, (0, 0, 0), (1, 1, 1), size3(there.shape), "")
        case "coarse":
            z, y, x = (slice(0, edge) for edge in size3(voxels.shape))
            return _box(voxels, (z, y, x), most, progress)
        case "region":
            return _box(voxels, box_around(centre, voxels.shape, most), most, progress)
        case "view" | "drawn":
            return _box(voxels, _require_box(box, extent), most, progress)
        case "slice":
            return _slice(voxels, centre, axis)


def box_around(centre: Size3, shape: tuple[int, ...], most: int) -> Region:
    """Return a box of at most so many voxels about a voxel, moved into the layer."""
    size = region_size(size3(shape), most)
    starts = (
        min(max(middle - edge // 2, 0), whole - edge)
        for middle, edge, whole in zip(centre, size, shape, strict=True)
    )
    z, y, x = (slice(start, start + edge) for start, edge in zip(starts, size, strict=True))
    return z, y, x


def _require_box(box: Region | None, extent: str) -> Region:
    if box is None:
        raise InvalidVolume(f"the extent {extent!r} needs a box; give the slices along z, y and x")
    if any(part.stop <= part.start for part in box):
        raise InvalidVolume(tr("nothing of the layer lies in the region; draw it over the layer"))
    return box


def _box(voxels: Any, box: Region, most: int, progress: Report | None) -> Excerpt:
    """Cut a box out of a layer, made coarser where it has too many voxels."""
    start, size = size3(p.start for p in box), size3(p.stop - p.start for p in box)
    step = block_size(size, most)
    notes = []
    if size != size3(voxels.shape):
        z, y, x = (f"{part.start} - {part.stop - 1}" for part in box)
        text = tr("Region z {z}, y {y}, x {x} of {shape}; the rest was not looked at.")
        notes.append(text.format(z=z, y=y, x=x, shape=by(voxels.shape)))
    if max(step) > 1:
        text = tr(
            "Coarser copy: means of {blocks} voxels (z, y, x). Thinner structures may be lost."
        )
        notes.append(text.format(blocks=by(step)))
        means = block_means(voxels, step, progress, box)
        return Excerpt(means, start, step, size3(means.shape), " ".join(notes))
    return Excerpt(_read(voxels, box, progress), start, step, size, " ".join(notes))


def _read(voxels: Any, box: Region, progress: Report | None) -> NDArray[Any]:
    """Return a box of what is in memory without a copy, of what is not slab by slab."""
    return load(voxels, box, progress or to_nobody) if is_lazy(voxels) else voxels[box]


def _slice(voxels: Any, centre: Size3, axis: int) -> Excerpt:
    offset, grid = [0, 0, 0], list(voxels.shape)
    offset[axis], grid[axis] = centre[axis], 1
    text = tr("Only slice {axis} = {place}, as a 2D image.")
    note = text.format(axis="zyx"[axis], place=centre[axis])
    cut = tuple(centre[k] if k == axis else slice(None) for k in range(3))
    return Excerpt(np.asarray(voxels[cut]), size3(offset), (1, 1, 1), size3(grid), note)


def by(shape: tuple[int, ...]) -> str:
    """Write a shape as ``3 x 4 x 5``."""
    return " x ".join(map(str, shape))
