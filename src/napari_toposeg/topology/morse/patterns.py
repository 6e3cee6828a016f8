"""From an image to the lower-star pattern of each voxel: the one pass that compares values.

The one idea: a slab of the image is copied, in a floating type that holds its values exactly, into
a frame of -inf or +inf, and 26 comparisons a voxel give the pattern. Integers and reversed images
need no copy as a whole, and neither does the direction of the threshold matter behind this point.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.morse.lower_star import EMPTY_SLOT, HASH, SLOTS, matchings
from napari_toposeg.topology.morse.watch import Tell, silent

Floats = NDArray[np.floating]
Words = NDArray[np.uint32]
SLAB_BYTES = 1 << 19
# So many slabs are done before other threads have begun.
FEW_SLABS = 3
EXACT_IN_DOUBLE = 2**53


def comparable(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array, or where no floating type holds its values, their ranks instead."""
    if array.dtype.kind not in "ui" or array.dtype.itemsize < 8:
        return array
    if max(-int(array.min()), int(array.max())) <= EXACT_IN_DOUBLE:
        return array
    ranks = np.unique(array, return_inverse=True)[1]
    return ranks.reshape(array.shape).astype(np.float64)


def working_type(dtype: np.dtype[Any]) -> type[np.floating]:
    """Return the smaller of float32 and float64 that holds every value of a type in use."""
    return np.float32 if np.can_cast(dtype, np.float32) else np.float64


def find_patterns(
    volume: NDArray[Any],
    *,
    negate: bool,
    low_frame: bool,
    planar: bool,
    threads: int = 1,
    tell: Tell = silent,
) -> NDArray[np.uint16]:
    """Return the row of each voxel in `Matchings.rows`, framed by 0 (``ABSENT``).

    Parameters
    ----------
    volume
        ``(z, y, x)`` values, of any strides; voxels enter from the lowest value, ties by index.
    negate
        Whether to let the highest value enter first instead.
    low_frame
        Whether what lies outside is there before the first voxel, or never comes.
    planar
        One image ``(1, y, x)``: nothing lies above or below, not even a frame.

    Returns
    -------
    NDArray
        ``(z + 2, y + 2, x + 2)``, or ``(1, y + 2, x + 2)`` if planar.
    """
    depth, height, width = volume.shape
    rim = 0 if planar else 1
    found = np.zeros((depth + 2 * rim, height + 2, width + 2), np.uint16)
    axis = 1 if planar else 0
    kind = working_type(volume.dtype)
    layer = (height + 2) * (width + 2) if axis == 0 else width + 2
    thick = max(1, SLAB_BYTES // (layer * np.dtype(kind).itemsize))
    starts = range(0, volume.shape[axis], thick)

    def work(start: int) -> None:
        stop = min(start + thick, volume.shape[axis])
        slab = framed(volume, axis, start, stop, rim, kind, negate, low_frame)
        into = found[:, start : stop + 2] if planar else found[start : stop + 2]
        table = matchings()
        look_up_slab(slab, planar, table.keys, table.places, into)

    matchings()
    if threads > 1 and len(starts) > FEW_SLABS:
        with ThreadPoolExecutor(threads) as pool:
            for start, _ in zip(starts, pool.map(work, starts), strict=True):
                tell(start / volume.shape[axis])
    else:
        for start in starts:
            work(start)
            tell(start / volume.shape[axis])
    return found


def framed(
    volume: NDArray[Any],
    axis: int,
    start: int,
    stop: int,
    rim: int,
    kind: type[np.floating],
    negate: bool,
    low_frame: bool,
) -> Floats:
    """Copy the layers [start, stop), with one more on each side, into a frame."""
    shape = list(volume.shape)
    shape[axis] = stop - start
    depth, height, width = shape
    low, high = max(start - 1, 0), min(stop + 1, volume.shape[axis])
    frame = np.full(
        (depth + 2 * rim, height + 2, width + 2), -np.inf if low_frame else np.inf, kind
    )
    inner = [slice(rim, depth + rim), slice(1, height + 1), slice(1, width + 1)]
    inner[axis] = slice(low - start + 1, high - start + 1)
    outer = [slice(None)] * 3
    outer[axis] = slice(low, high)
    target = frame[tuple(inner)]
    if negate:
        np.negative(volume[tuple(outer)].astype(kind, copy=False), out=target)
    else:
        target[...] = volume[tuple(outer)]
    return frame


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def look_up_slab(
    slab: Floats, planar: bool, keys: Words, places: NDArray[np.uint16], found: NDArray[np.uint16]
) -> None:
    """Write the row of each inner voxel of a framed slab."""
    depth, height, width = slab.shape
    pattern = np.empty(width - 2, np.uint32)
    rim = 0 if planar else 1
    for z in range(rim, depth - rim):
        for y in range(1, height - 1):
            centre = slab[z, y, 1:-1]
            pattern[:] = 0
            if not planar:
                compare_ties(slab[z - 1, y - 1], centre, 18, 6, 19, pattern)
                compare_ties(slab[z - 1, y], centre, 10, 0, 11, pattern)
                compare_ties(slab[z - 1, y + 1], centre, 20, 7, 21, pattern)
                compare(slab[z + 1, y - 1], centre, 22, 8, 23, pattern)
                compare(slab[z + 1, y], centre, 12, 1, 13, pattern)
                compare(slab[z + 1, y + 1], centre, 24, 9, 25, pattern)
            compare_ties(slab[z, y - 1], centre, 14, 2, 15, pattern)
            compare_beside(slab[z, y], centre, 4, 5, pattern)
            compare(slab[z, y + 1], centre, 16, 3, 17, pattern)
            close(pattern)
            look_up(pattern, keys, places, found[z, y, 1:-1])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def compare_ties(
    row: Floats, centre: Floats, left: int, middle: int, right: int, pattern: Words
) -> None:
    """Set the three bits where an earlier row's voxels are lower than or level with the centre."""
    for x in range(len(pattern)):
        value = centre[x]
        pattern[x] |= (
            np.uint32(row[x] <= value) << np.uint32(left)
            | np.uint32(row[x + 1] <= value) << np.uint32(middle)
            | np.uint32(row[x + 2] <= value) << np.uint32(right)
        )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def compare(
    row: Floats, centre: Floats, left: int, middle: int, right: int, pattern: Words
) -> None:
    """Set the three bits where a later row's voxels are lower than the centre."""
    for x in range(len(pattern)):
        value = centre[x]
        pattern[x] |= (
            np.uint32(row[x] < value) << np.uint32(left)
            | np.uint32(row[x + 1] < value) << np.uint32(middle)
            | np.uint32(row[x + 2] < value) << np.uint32(right)
        )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def compare_beside(row: Floats, centre: Floats, left: int, right: int, pattern: Words) -> None:
    """Set the bits of the two neighbours in the voxel's own row."""
    for x in range(len(pattern)):
        value = centre[x]
        pattern[x] |= np.uint32(row[x] <= value) << np.uint32(left) | np.uint32(
            row[x + 2] < value
        ) << np.uint32(right)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def close(pattern: Words) -> None:
    """Drop squares and cubes that lack a facet; the bits are those of `lower_star`.

    The same as `allowed_squares` and `allowed_cubes`, in 32-bit steps that vectorise.
    """
    one, two, three, four = np.uint32(1), np.uint32(2), np.uint32(3), np.uint32(4)
    eight, fifteen, low, high = np.uint32(8), np.uint32(15), np.uint32(0b0011), np.uint32(0b1100)
    even, odd = np.uint32(0b0101), np.uint32(0b1010)
    for x in range(len(pattern)):
        bits = pattern[x]
        z = (bits & one) * low | (bits >> one & one) * high
        y = (bits >> two & one) * low | (bits >> three & one) * high
        second_y = (bits >> two & one) * even | (bits >> three & one) * odd
        second_x = (bits >> four & one) * even | (bits >> np.uint32(5) & one) * odd
        zy = bits >> np.uint32(6) & z & second_y
        zx = bits >> np.uint32(10) & z & second_x
        yx = bits >> np.uint32(14) & y & second_x
        by_zy = ((zy & one) | (zy & two) << one | (zy & four) << two | (zy & eight) << three) * low
        by_zx = (zx & three) * even | (zx >> two) * np.uint32(0b1010000)
        cubes = bits >> np.uint32(18) & by_zy & by_zx & (yx * np.uint32(0b10001))
        pattern[x] = (
            bits & np.uint32(63)
            | (zy & fifteen) << np.uint32(6)
            | (zx & fifteen) << np.uint32(10)
            | (yx & fifteen) << np.uint32(14)
            | cubes << np.uint32(18)
        )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def look_up(
    pattern: Words, keys: Words, places: NDArray[np.uint16], found: NDArray[np.uint16]
) -> None:
    """Write the row of each pattern."""
    for x in range(len(pattern)):
        bits = np.int64(pattern[x])
        slot = (bits * HASH & EMPTY_SLOT) >> 16
        while keys[slot] != pattern[x]:
            slot = (slot + 1) & (SLOTS - 1)
        found[x] = places[slot]
