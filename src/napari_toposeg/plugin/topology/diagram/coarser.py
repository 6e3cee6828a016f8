"""Coarser copies: means of blocks, read slab by slab, so that an array on disk stays there.

The one idea: how large the blocks are follows from how many voxels may be left. No Qt here.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.regions import Region

Size3 = tuple[int, int, int]

SLAB = 32
"""Slices that are read at once, about: a chunk of a stored array is not read many times over."""


def block_size(shape: Size3, most: int) -> Size3:
    """Return the smallest blocks, as even as possible, whose number is at most ``most``."""
    step = [1, 1, 1]

    def left() -> list[int]:
        return [-(-whole // edge) for whole, edge in zip(shape, step, strict=True)]

    while math.prod(left()) > most:
        step[int(np.argmax(left()))] += 1
    return size3(step)


def region_size(shape: Size3, most: int) -> Size3:
    """Return the largest region of at most ``most`` voxels, as near to a cube as can be."""
    size = list(shape)
    while math.prod(size) > most:
        size[int(np.argmax(size))] -= 1
    return size3(size)


def block_means(
    voxels: Any,
    step: Size3,
    progress: Callable[[float], object] | None = None,
    box: Region | None = None,
) -> NDArray[np.float32]:
    """Return the mean of each block; blocks that reach over the border repeat the last voxel.

    Parameters
    ----------
    voxels
        Array ``(z, y, x)``, in memory or not: anything that numpy can read slabs of.
    step
        Voxels of a block along ``(z, y, x)``.
    progress
        Told the share that is done, 0 to 1.
    box
        Part of the array; by default all.
    """
    along_z, along_y, along_x = box or tuple(slice(0, edge) for edge in voxels.shape)
    slab = step[0] * max(1, SLAB // step[0])
    means = []
    for start in range(along_z.start, along_z.stop, slab):
        stop = min(start + slab, along_z.stop)
        means.append(_means(np.asarray(voxels[start:stop, along_y, along_x]), step))
        if progress is not None:
            progress((stop - along_z.start) / (along_z.stop - along_z.start))
    return np.concatenate(means)


def _means(slab: NDArray[Any], step: Size3) -> NDArray[np.float32]:
    over = [(0, -whole % edge) for whole, edge in zip(slab.shape, step, strict=True)]
    padded = np.pad(slab, over, mode="edge") if np.any(over) else slab
    z, y, x = (whole // edge for whole, edge in zip(padded.shape, step, strict=True))
    blocks = padded.reshape(z, step[0], y, step[1], x, step[2])
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    return means


def size3(numbers: Any) -> Size3:
    """Return three whole numbers."""
    z, y, x = (int(number) for number in numbers)
    return z, y, x
