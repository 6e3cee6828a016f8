"""Voxels to and from files slab by slab.

The one idea: a slab of a few megabytes is put into its place while it is still in the processor's
cache, so a volume that has to be flipped costs hardly more than one that has not; and between two
slabs there is room to report how far it is, and to stop.
"""

from typing import Any, BinaryIO

import numpy as np
from nibabel.openers import ImageOpener
from numpy.typing import DTypeLike, NDArray

from napari_toposeg.progress import Report, to_nobody

SLAB_BYTES = 2**22
"""About what a core keeps in its cache."""


def fill(
    stored: NDArray[Any], source: BinaryIO, dtype: np.dtype[Any], report: Report = to_nobody
) -> None:
    """Read voxels, first axis fastest, into an array of three axes.

    Parameters
    ----------
    stored
        Array to be filled, its axes in the file's order, however it lies in memory.
    source
        Open at the first voxel.
    dtype
        Of the voxels in the file.
    report
        Told the share that is there.

    Raises
    ------
    EOFError
        If the file ends before the voxels do.
    """
    columns, rows, slices = stored.shape
    plane = columns * rows
    thick = max(1, SLAB_BYTES // max(1, plane * dtype.itemsize))
    buffer = np.empty(min(thick, slices) * plane, dtype)
    for first in range(0, slices, thick):
        count = min(thick, slices - first)
        slab = buffer[: count * plane]
        read_exactly(source, slab)
        stored[..., first : first + count] = slab.reshape(columns, rows, count, order="F")
        report((first + count) / slices)


def read_exactly(source: BinaryIO, into: NDArray[Any]) -> None:
    """Fill a contiguous array with the next bytes of a file."""
    rest = memoryview(into.view(np.uint8).data)
    while rest:
        # A raw file may give less than is asked for before its end.
        count = source.readinto(rest)  # type: ignore[attr-defined]
        if not count:
            raise EOFError("the file ends before the last voxel")
        rest = rest[count:]


def place(stored: NDArray[Any], voxels: NDArray[Any]) -> None:
    """Copy voxels into an array of the same axes that lies otherwise in memory, slab by slab."""
    slices = stored.shape[-1]
    thick = max(1, SLAB_BYTES * slices // max(1, stored.nbytes))
    for first in range(0, slices, thick):
        stored[..., first : first + thick] = voxels[..., first : first + thick]


def as_laid_out(voxels: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return a copy of another number type that lies in memory as the array does, flips included.

    NumPy's own ``astype`` keeps the order of the axes and turns every flipped one.
    """
    flips = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in voxels.strides)
    copy: NDArray[Any] = voxels[flips].astype(dtype)[flips]
    return copy


def extremes(voxels: NDArray[Any]) -> tuple[Any, Any]:
    """Return the least and the greatest value; NaN where there is one."""
    thick = max(1, SLAB_BYTES * len(voxels) // max(1, voxels.nbytes))
    slabs = [voxels[first : first + thick] for first in range(0, len(voxels), thick)]
    ends = np.array([(slab.min(), slab.max()) for slab in slabs])
    return ends[:, 0].min(), ends[:, 1].max()


class Reporting:
    """A file to write to, which reports the share of the bytes that were written."""

    def __init__(self, target: Any, total: int, report: Report) -> None:
        self._target, self._total, self._report = target, max(total, 1), report
        self._written = 0

    def write(self, data: Any) -> int:
        """Write the next bytes."""
        count: int = self._target.write(data)
        self._written += count
        self._report(min(1.0, self._written / self._total))
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


def write_reporting(image: Any, path: Any, report: Report) -> None:
    """Write one of nibabel's single-file images, compressed where its name says so."""
    with ImageOpener(str(path), "wb") as file:
        image.to_stream(Reporting(file, image.dataobj.nbytes, report))
