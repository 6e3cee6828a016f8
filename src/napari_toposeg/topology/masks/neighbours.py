"""The 26 neighbours of a voxel as one number, and how many parts they fall into.

The one idea: a 3 x 3 x 3 block is 27 bits, so that all bits spread to their neighbours at once by a
few shifts. The parts of the foreground and of the background about a voxel (its topological
numbers) tell what flipping it does: one part of each, and nothing changes.

References
----------
Bertrand, Malandain 1994, doi:10.1016/0167-8655(94)90046-9.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def pack(which: NDArray[np.bool_]) -> int:
    """Return the number whose bit 9 (dz + 1) + 3 (dy + 1) + (dx + 1) tells of an offset."""
    return sum(1 << i for i, on in enumerate(which.ravel()) if on)


OFFSETS = np.array(list(np.ndindex(3, 3, 3))) - 1
REACH = np.abs(OFFSETS).sum(axis=1)
EVERY = pack(REACH > 0)
BY_EDGE = pack((REACH > 0) & (REACH < 3))
BY_FACE = pack(REACH == 1)
# A bit on one of these faces of the block must not spread further along that axis.
NOT_FIRST_Y, NOT_FIRST_X = (pack(OFFSETS[:, axis] >= 0) for axis in (1, 2))
NOT_LAST_Z, NOT_LAST_Y, NOT_LAST_X = (pack(OFFSETS[:, axis] <= 0) for axis in range(3))


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def look_around(state: NDArray[np.uint8], voxel: int, plane: int, row: int) -> int:
    """Return the neighbours of a voxel of a flat volume with a margin; strides of z and y."""
    around = 0
    for dz in range(3):
        for dy in range(3):
            first = voxel + (dz - 1) * plane + (dy - 1) * row - 1
            three = state[first] | state[first + 1] << 1 | state[first + 2] << 2
            around |= int(three) << (9 * dz + 3 * dy)
    return around & EVERY


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def spread_wide(seed: int, allowed: int) -> int:
    """Return the part of the allowed bits that is 26-connected to the seed."""
    part, before = seed, 0
    while part != before:
        before = part
        part |= (part & NOT_LAST_X) << 1 | (part & NOT_FIRST_X) >> 1
        part |= (part & NOT_LAST_Y) << 3 | (part & NOT_FIRST_Y) >> 3
        part |= (part & NOT_LAST_Z) << 9 | part >> 9
        part = part & allowed | before
    return part


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def spread_narrow(seed: int, allowed: int) -> int:
    """Return the part of the allowed bits that is 6-connected to the seed."""
    part, before = seed, 0
    while part != before:
        before = part
        spread = (part & NOT_LAST_X) << 1 | (part & NOT_FIRST_X) >> 1
        spread |= (part & NOT_LAST_Y) << 3 | (part & NOT_FIRST_Y) >> 3
        spread |= (part & NOT_LAST_Z) << 9 | part >> 9
        part |= spread & allowed
    return part


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_simple(around: int, closed: bool) -> bool:
    """Whether flipping the voxel changes no topology; ``closed`` is a 26-connected foreground.

    That side must be one part among the 26 neighbours, and the other side one 6-connected part
    among those of its 18 neighbours that can be reached from a face.
    """
    wide = around if closed else ~around & EVERY
    if wide == 0 or spread_wide(wide & -wide, wide) != wide:
        return False
    narrow = ~wide & BY_EDGE
    faces = narrow & BY_FACE
    return faces != 0 and faces & ~spread_narrow(faces & -faces, narrow) == 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_parts(around: int, closed: bool) -> tuple[int, int]:
    """Return in how many parts foreground and background meet the voxel."""
    wide = around if closed else ~around & EVERY
    narrow = ~wide & BY_EDGE
    wide_parts = narrow_parts = 0
    while wide:
        wide &= ~spread_wide(wide & -wide, wide)
        wide_parts += 1
    faces = narrow & BY_FACE
    while faces:
        faces &= ~spread_narrow(faces & -faces, narrow)
        narrow_parts += 1
    return (wide_parts, narrow_parts) if closed else (narrow_parts, wide_parts)
