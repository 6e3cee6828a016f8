"""Which error components can be flipped voxel by voxel without changing the topology on the way.

The one idea: a set that can be flipped by simple points, each simple at its turn, is a deformation;
equal Betti numbers alone do not promise that.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Mask
from napari_toposeg.topology.masks.blocks import grouped
from napari_toposeg.topology.masks.neighbours import is_simple, look_around
from napari_toposeg.topology.masks.runs import Indices, Runs

Flags = NDArray[np.bool_]


def find_harmless(
    prediction: Mask, runs: Runs, error: Indices, is_extra: Flags, doubtful: Flags, wide: bool
) -> Flags:
    """Return which error components can be flipped by simple points alone.

    Parameters
    ----------
    prediction, runs
        A mask without margin, and its runs.
    error, is_extra
        The error component of each run or -1; and which components are false positives.
    doubtful
        Which components to try; the others are taken not to be harmless.
    wide
        Whether the foreground is 26 (8) connected.
    """
    volume = prediction.reshape(-1, *prediction.shape[-2:]).view(np.uint8)
    # A planar mask is one layer between two empty ones: its deformations are the same.
    state = np.zeros([side + 2 for side in volume.shape], np.uint8)
    state[1:-1, 1:-1, 1:-1] = volume
    plane = runs.width * runs.rows_per_layer
    key = np.where(np.append(doubtful, False)[error], error, -1)
    harmless = np.zeros(len(doubtful), np.bool_)
    flip_each(
        state.ravel(),
        runs.start + (plane if prediction.ndim == 2 else 0),
        *grouped(len(doubtful), key),
        is_extra,
        plane,
        runs.width,
        wide,
        harmless,
    )
    return harmless


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flip_each(
    state: NDArray[np.uint8],
    start: Indices,
    first: Indices,
    run_of: Indices,
    is_extra: Flags,
    plane: int,
    row: int,
    wide: bool,
    harmless: Flags,
) -> None:
    """Try to flip each component, whose runs are ``run_of[first[e]:first[e + 1]]``, and undo it."""
    for error in range(len(harmless)):
        own = run_of[first[error] : first[error + 1]]
        waiting = list_voxels(start, own)
        left = len(waiting)
        while left:
            kept = flip_simple(state, waiting[:left], not is_extra[error], plane, row, wide)
            if kept == left:
                break
            left = kept
        harmless[error] = len(own) > 0 and left == 0
        for run in own:
            state[start[run] : start[run + 1]] = is_extra[error]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_voxels(start: Indices, runs: Indices) -> Indices:
    """Return the voxels of some runs."""
    count = 0
    for run in runs:
        count += start[run + 1] - start[run]
    voxels = np.empty(count, np.int64)
    count = 0
    for run in runs:
        for voxel in range(start[run], start[run + 1]):
            voxels[count] = voxel
            count += 1
    return voxels


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flip_simple(
    state: NDArray[np.uint8], waiting: Indices, target: bool, plane: int, row: int, wide: bool
) -> int:
    """Flip the waiting voxels that are simple at their turn; return how many wait on, put in front.

    They are put in reverse order, so that what one pass leaves for want of a neighbour further on
    falls in the next.
    """
    kept = 0
    for voxel in waiting:
        if is_simple(look_around(state, voxel, plane, row), wide):
            state[voxel] = target
        else:
            waiting[kept] = voxel
            kept += 1
    waiting[:kept] = waiting[:kept][::-1].copy()
    return kept
