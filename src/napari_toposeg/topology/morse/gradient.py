"""The discrete gradient of an image, its critical cells, and their order.

The one idea: a gradient is an index into a table of matchings for each voxel of the framed image
(`lower_star`, `patterns`). All that comes later walks along it; values serve once more, to put
the few critical voxels in order.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.morse.bit_tree import leading_zeros
from napari_toposeg.topology.morse.lower_star import DIMENSION, POINTERS

OF_DIMENSION = [sum(1 << int(c) for c in np.flatnonzero(k == DIMENSION)) for k in range(4)]

Places = NDArray[np.integer]
Codes = NDArray[np.int8]
Rows = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Gradient:
    """A matching of the cells of a framed image.

    Parameters
    ----------
    index
        ``(n,)`` row of `rows` of each place of the framed image, flat in C order; 0 on the frame.
    rows
        ``(m, 32)``: see `Matchings.rows`; rows may be appended to the table of lower stars.
    critical
        ``(m,)`` number of critical cells of each row.
    shape
        ``(z, y, x)`` of the framed image; z is 1, without a frame above and below, if planar.
    """

    index: NDArray[np.integer]
    rows: Rows
    critical: NDArray[np.uint8]
    shape: tuple[int, int, int]

    @property
    def planar(self) -> bool:
        """Whether the cells are those of a 2D image."""
        return self.shape[0] == 1

    @property
    def top(self) -> int:
        """Dimension of the image."""
        return 2 if self.planar else 3

    @property
    def strides(self) -> NDArray[np.int64]:
        """Steps in flat places along z, y and x."""
        _, height, width = self.shape
        return np.array([height * width, width, 1])

    @property
    def steps(self) -> NDArray[np.int64]:
        """``(27,)`` step from a voxel to the corner that a code points to."""
        steps: NDArray[np.int64] = POINTERS @ self.strides
        return steps


@dataclass(frozen=True, eq=False)
class Cells:
    """Critical cells of one dimension, in the order in which they enter.

    ``(n,)`` each: the flat place of the voxel that a cell enters with, and its code there.
    """

    voxel: Places
    code: Codes

    def __len__(self) -> int:
        return len(self.voxel)

    def rows(self, which: NDArray[np.bool_]) -> "Cells":
        """Return the cells picked by a mask."""
        return Cells(self.voxel[which], self.code[which])

    def backwards(self) -> "Cells":
        """Return the cells from the last one to the first."""
        return Cells(self.voxel[::-1].copy(), self.code[::-1].copy())


def critical_voxels(gradient: Gradient) -> Places:
    """Return the places of all voxels with a critical cell, by rising index."""
    count = int(count_critical(gradient.index, gradient.critical))
    voxels: Places = np.empty(count, np.int32 if gradient.index.size < 2**31 else np.int64)
    list_critical(gradient.index, gradient.critical, voxels)
    return voxels


def critical_cells(gradient: Gradient, ordered: Places) -> list[Cells]:
    """Return the critical cells of each dimension, given their voxels in order of entry."""
    marks = mark_cells(gradient.rows, gradient.critical)[gradient.index[ordered]]
    count = [count_marks(marks & np.uint32(of)) for of in OF_DIMENSION]
    cells = [Cells(np.empty(n, ordered.dtype), np.empty(n, np.int8)) for n in count]
    for of, found in zip(OF_DIMENSION, cells, strict=True):
        list_cells(marks & np.uint32(of), ordered, found.voxel, found.code)
    return cells[: gradient.top + 1]


def to_image(places: Places, shape: tuple[int, int, int], *, flipped: bool) -> NDArray[np.int64]:
    """Turn flat places of the framed image into flat indices of the image."""
    flat = np.empty(len(places), np.int64)
    take_frame_off(places, *shape, flipped, flat)
    return flat


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def take_frame_off(
    places: Places, depth: int, height: int, width: int, flipped: bool, flat: NDArray[np.int64]
) -> None:
    """Write the flat indices of places of a framed image, a planar one having one layer."""
    rim = 0 if depth == 1 else 1
    size = (depth - 2 * rim) * (height - 2) * (width - 2)
    for i in range(len(places)):
        row, x = divmod(places[i], width)
        z, y = divmod(row, height)
        inner = ((z - rim) * (height - 2) + y - 1) * (width - 2) + x - 1
        flat[i] = size - 1 - inner if flipped else inner


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_critical(index: NDArray[np.integer], critical: NDArray[np.uint8]) -> int:
    """Return how many voxels have a critical cell."""
    count = 0
    for place in range(len(index)):
        count += critical[index[place]] > 0
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_critical(index: NDArray[np.integer], critical: NDArray[np.uint8], voxels: Places) -> None:
    """Write the places of the voxels with a critical cell."""
    found = 0
    for place in range(len(index)):
        if critical[index[place]]:
            voxels[found] = place
            found += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mark_cells(rows: Rows, critical: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return for each row of a table the codes of its critical cells, as bits."""
    marks = np.zeros(len(rows), np.uint32)
    for row in range(len(rows)):
        if critical[row]:
            for code in range(27):
                marks[row] |= np.uint32(rows[row, code] == code) << np.uint32(code)
    return marks


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_marks(marks: NDArray[np.uint32]) -> int:
    """Return the number of bits set."""
    count = 0
    for mark in marks:
        left = np.int64(mark)
        while left:
            left &= left - 1
            count += 1
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_cells(marks: NDArray[np.uint32], ordered: Places, voxels: Places, codes: Codes) -> None:
    """Write the cells marked, by their voxels and then by code."""
    found = 0
    for i in range(len(marks)):
        left = np.int64(marks[i])
        while left:
            lowest = left & -left
            voxels[found] = ordered[i]
            codes[found] = 63 - leading_zeros(np.uint64(lowest))
            found += 1
            left ^= lowest
