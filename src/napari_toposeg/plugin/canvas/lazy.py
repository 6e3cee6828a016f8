"""Layers whose voxels are not in memory: dask and zarr arrays, HDF5 datasets.

The one idea: a Volume of such a layer has its shape, type and geometry, and its voxels unread. They
are read in the background, slab by slab along z as the chunks lie, and a part costs only the chunks
that it touches.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.regions import Region
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Report, Run, to_nobody
from napari_toposeg.volume import Volume

WHOLE: Region = (slice(None), slice(None), slice(None))
SLAB_BYTES = 2**26
"""Read at a time at most, if the chunks are not thicker: what a cancelled reading still takes."""


def is_lazy(data: Any) -> bool:
    """Tell whether the voxels of an array are anywhere but in memory."""
    return not isinstance(data, np.ndarray)


def finest(layer: Any) -> Any:
    """Return the array of a layer, of a multiscale layer the one of the finest level; unread."""
    return layer.data[0] if getattr(layer, "multiscale", False) else layer.data


def load_run(volume: Volume) -> Run[Volume]:
    """Return a Volume whose voxels are in memory; a run begins with it where it needs them all.

    ``volume = yield from load_run(volume)`` takes no Step where they are in memory already.
    """
    if not is_lazy(volume.voxels):
        return volume
    message = tr("Reading {name}").format(name=volume.name)
    voxels = yield from follow(partial(load, volume.voxels, WHOLE), message)
    return replace(volume, voxels=voxels)


def in_memory(volume: Volume) -> Volume:
    """Return a Volume whose voxels are read, if they were not."""
    if not is_lazy(volume.voxels):
        return volume
    return replace(volume, voxels=load(volume.voxels, WHOLE))


def glance(data: Any) -> NDArray[Any]:
    """Return the voxels where they are in memory, else those of the middle slice alone."""
    if not is_lazy(data):
        return np.asarray(data)
    middle = int(data.shape[0]) // 2
    return np.asarray(data[middle : middle + 1])


def load(data: Any, region: Region, report: Report = to_nobody) -> NDArray[Any]:
    """Return a copy of a part of an array of three axes.

    Parameters
    ----------
    data
        Array ``(z, y, x)`` that gives a part when it is sliced.
    region
        Which part.
    report
        Told the share that is there.
    """
    starts, stops, _ = zip(
        *(axis.indices(size) for axis, size in zip(region, data.shape, strict=True)), strict=True
    )
    shape = tuple(stop - start for start, stop in zip(starts, stops, strict=True))
    voxels = np.empty(shape, data.dtype)
    for first, last in slabs(data, starts[0], stops[0]):
        voxels[first - starts[0] : last - starts[0]] = data[first:last, region[1], region[2]]
        report((last - starts[0]) / shape[0])
    return voxels


def slabs(data: Any, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield ``(first, last)`` along z from start to stop; no slab ends within a chunk."""
    plane = int(np.prod(data.shape[1:])) * np.dtype(data.dtype).itemsize
    thick = max(1, SLAB_BYTES // max(1, plane))
    ends = [end for end in chunk_ends(data) if start < end < stop] + [stop]
    first = start
    for end, following in pairwise([*ends, np.inf]):
        if following - first > thick:
            yield first, int(end)
            first = int(end)


def chunk_ends(data: Any) -> Iterable[int]:
    """Return where the chunks of an array end along z; every slice where it has none."""
    chunks = getattr(data, "chunks", None)
    if not chunks:
        return range(1, int(data.shape[0]) + 1)
    # dask gives the size of each chunk, zarr and HDF5 one size for all.
    along = chunks[0]
    return range(along, int(data.shape[0]), along) if isinstance(along, int) else accumulate(along)
