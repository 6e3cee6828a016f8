"""Simple points: voxels whose flip deforms a mask and changes nothing of its topology.

The one idea: a voxel is simple if, among its 26 neighbours, the foreground is one piece and the
background that it touches by a face is one piece. A set that can be flipped voxel by voxel, each of
them simple at its turn, is a deformation; equal Betti numbers alone do not promise that.

References
----------
Bertrand, Malandain 1994, doi:10.1016/0167-8655(94)90046-9.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Connectivity, Mask

Indices = NDArray[np.int64]

OFFSETS = np.array([o for o in np.ndindex(3, 3, 3) if o != (1, 1, 1)]) - 1
EVERY = (1 << 26) - 1


def bits(which: Mask) -> Indices:
    """Pack the last axis, of 26 neighbours, into one number."""
    return np.asarray((which.astype(np.int64) << np.arange(26)).sum(axis=-1))


LENGTH = np.abs(OFFSETS).sum(axis=1)
APART = np.abs(OFFSETS[:, None] - OFFSETS)
BY_FACE = int(bits(LENGTH == 1))
BY_EDGE = int(bits(LENGTH <= 2))
TOUCHES_26 = bits(APART.max(axis=2) == 1)
TOUCHES_6 = bits(APART.sum(axis=2) == 1)


def deforms(
    prediction: Mask, label: NDArray[np.int32], is_extra: Mask, foreground: Connectivity
) -> Mask:
    """Return for each error component whether it can be flipped by simple points alone.

    ``label`` is 1 + its number on an error component and 0 elsewhere. Error components of one sort
    never touch, so all of a sort are flipped at once without seeing each other.
    """
    # A planar mask is one layer between two empty ones: its deformations are the same.
    volume = np.pad(prediction.reshape(-1, *prediction.shape[-2:]), 1)
    owner = np.pad(label.reshape(-1, *label.shape[-2:]), 1)
    steps = OFFSETS @ (np.array(volume.strides) // volume.itemsize)
    certain = np.ones(len(is_extra) + 1, np.bool_)
    for extra in (False, True):
        concerned = np.append(False, is_extra == extra)[owner]
        state = volume.astype(np.uint8).ravel()
        flip_simple(
            state, concerned.ravel(), steps, not extra, foreground in (8, 26), TOUCHES_26, TOUCHES_6
        )
        left = concerned & (state.reshape(volume.shape) == extra)
        certain[np.unique(owner[left])] = False
    return certain[1:]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flip_simple(
    state: NDArray[np.uint8],
    concerned: Mask,
    steps: Indices,
    target: bool,
    closed: bool,
    touches_26: Indices,
    touches_6: Indices,
) -> None:
    """Flip concerned voxels to the target while one of them is simple (in place)."""
    stack = np.flatnonzero(concerned)
    waiting = concerned.copy()
    depth = len(stack)
    while depth:
        depth -= 1
        voxel = stack[depth]
        waiting[voxel] = False
        around = 0
        for i in range(26):
            around |= int(state[voxel + steps[i]]) << i
        # With a 6-connected foreground the two sides change their parts.
        near = around if closed else ~around & EVERY
        far = ~near & BY_EDGE
        first = lowest(near)
        if near == 0 or spread(first, near, touches_26) != near:
            continue
        faces = far & BY_FACE
        if faces == 0 or faces & ~spread(lowest(faces), far, touches_6):
            continue
        state[voxel] = target
        for i in range(26):
            other = voxel + steps[i]
            if concerned[other] and not waiting[other] and state[other] != target:
                waiting[other] = True
                stack[depth] = other
                depth += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def lowest(pattern: int) -> int:
    """Return the lowest bit that is set."""
    return pattern & -pattern


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def spread(seed: int, allowed: int, touches: Indices) -> int:
    """Return the part of the allowed neighbours that is joined to the seed."""
    part = fresh = seed
    while fresh:
        grown = 0
        for i in range(26):
            if fresh >> i & 1:
                grown |= touches[i]
        fresh = grown & allowed & ~part
        part |= fresh
    return part
