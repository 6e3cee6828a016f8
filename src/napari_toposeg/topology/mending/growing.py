"""Grow and shrink a mask by simple points, the most important voxel first.

The one idea: a voxel is flipped only while it is simple, so the mask keeps its homotopy type all
the way, and taking voxels in order of importance leaves what cannot be flipped, the cuts and the
membranes, where it matters least. A voxel that is not simple waits until a neighbour is flipped.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.compiling import announce_compiling
from napari_toposeg.topology.grid import Connectivity, Mask
from napari_toposeg.topology.masks.neighbours import is_simple, look_around
from napari_toposeg.topology.mending.queue import Rows, Words, full_queue, put, take_least

Indices = NDArray[np.int64]
COMPILING_SECONDS = 10
STEPS_BETWEEN_CALLS = 500_000


def deform(
    mask: Mask,
    allowed: Mask,
    importance: NDArray[Any] | None,
    target: bool,
    foreground: Connectivity,
    heed: Callable[[], object] | None = None,
) -> Mask:
    """Flip allowed voxels to the target for as long as one of them is simple; return the new mask.

    Arguments as for `flip_simple`.
    """
    return flip_simple(mask, allowed & (mask != target), importance, foreground, heed)


def flip_simple(
    mask: Mask,
    chosen: Mask,
    importance: NDArray[Any] | None,
    foreground: Connectivity,
    heed: Callable[[], object] | None = None,
) -> Mask:
    """Flip chosen voxels, each at most once, for as long as one is simple; return the new mask.

    ``importance``, on the grid of the mask, is greatest for those that go first; ties, and all
    where there is none, go by voxel index. ``heed`` is called now and then, and may raise.
    """
    state = with_margin(mask)
    voxels = np.flatnonzero(with_margin(chosen))
    if importance is not None:
        value = importance[chosen]
        # Reversed twice: unsigned values cannot be negated, and ties must go by index.
        order = len(value) - 1 - np.argsort(value[::-1], kind="stable")[::-1]
        voxels = voxels[order]
    if heed is not None:
        # To sort a large grid takes as long as many steps.
        heed()
    rank = np.full(state.size, -1, np.int32)
    rank[voxels] = np.arange(len(voxels))
    words, begins = full_queue(len(voxels))
    plane, row = state.shape[1] * state.shape[2], state.shape[2]
    closed = foreground in (8, 26)
    announce_compiling(flip_in_order, "the repair of masks", COMPILING_SECONDS)
    while flip_in_order(
        state.ravel(), rank, voxels, words, begins, plane, row, closed, STEPS_BETWEEN_CALLS
    ):
        if heed is not None:
            heed()
    return state[1:-1, 1:-1, 1:-1].reshape(mask.shape).astype(np.bool_)


def with_margin(mask: Mask) -> NDArray[np.uint8]:
    """Return a 2D or 3D mask as a 3D one with an empty margin.

    A planar mask is one layer between two empty ones: its deformations are the same.
    """
    return np.pad(in_space(mask.view(np.uint8)), 1)


def in_space(array: NDArray[Any]) -> NDArray[Any]:
    """Return a 2D array as one layer of a 3D one."""
    return array.reshape(-1, *array.shape[-2:])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flip_in_order(
    state: NDArray[np.uint8],
    rank: NDArray[np.int32],
    voxels: Indices,
    words: Words,
    begins: Rows,
    plane: int,
    row: int,
    closed: bool,
    steps: int,
) -> bool:
    """Take at most so many voxels from the queue and flip the simple ones; False when it is empty.

    ``rank`` is the place of a voxel in ``voxels``, -1 on those that must stay or were flipped.
    """
    for _ in range(steps):
        first = take_least(words, begins)
        if first < 0:
            return False
        voxel = voxels[first]
        if not is_simple(look_around(state, voxel, plane, row), closed):
            continue
        state[voxel] ^= 1
        rank[voxel] = -1
        for dz in (-plane, 0, plane):
            for dy in (-row, 0, row):
                for other in range(voxel + dz + dy - 1, voxel + dz + dy + 2):
                    if rank[other] >= 0:
                        put(words, begins, rank[other])
    return True
