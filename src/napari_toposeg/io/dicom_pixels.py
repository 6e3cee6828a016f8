"""Pixels of DICOM slices: read some at a time, each thread straight into its place in the stack.

The one idea: ITK lets go of Python while it decodes, and so does NumPy while it copies; so threads
do both. What the numbers are is known once the first slices are read; where later ones need more
bits, the stack is widened at the end.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from napari_toposeg.io.itk import pixels_of, reading
from napari_toposeg.io.slabs import as_laid_out
from napari_toposeg.io.slices import Slice
from napari_toposeg.progress import Report, to_nobody
from napari_toposeg.volume import empty_in_file_order

THREADS = min(4, os.cpu_count() or 1)
"""Files that are read at once."""

GROUP = 8
"""Slices that one thread reads at a time; so many have to end before reading can be stopped."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Piece = tuple[int, NDArray[Any]]
"""First slice, and the planes ``(slices, rows, columns)`` from there."""


def read_pixels(
    slices: Sequence[Slice], affine: NDArray[np.float64], report: Report = to_nobody
) -> NDArray[Any]:
    """Read and stack pixels ``(x, y, slice)``, in the unit of the scan (HU for CT).

    Each slice has its own rescale slope and intercept applied, as PET needs it.

    Parameters
    ----------
    slices
        In order of position.
    affine
        Of the stack: its memory is laid out in canonical order.
    """
    alike = all(one.values == slices[0].values and one.size[2] == 1 for one in slices)
    size = GROUP if alike else 1
    columns, rows, frames = slices[0].size
    shape = (columns, rows, frames * len(slices))
    first, *rest = range(0, len(slices), size)
    planes = read_group(slices[first : first + size])
    stored = empty_in_file_order(shape, affine, type_of(planes))
    put(stored, (0, planes))
    report(1 / (1 + len(rest)))

    def read_into_place(start: int) -> Piece | None:
        piece = start * frames, read_group(slices[start : start + size])
        if needs_wider(stored, piece):
            return piece
        put(stored, piece)
        return None

    left = []
    for number, piece in enumerate(in_threads(read_into_place, rest), start=2):
        left += [piece] if piece is not None else []
        report(number / (1 + len(rest)))
    if left:
        types = [type_of(planes) for _, planes in left]
        stored = as_laid_out(stored, np.result_type(stored, *types))
    for piece in left:
        put(stored, piece)
    return stored


def needs_wider(stored: NDArray[Any], piece: Piece) -> bool:
    """Tell whether a stack cannot hold the numbers of some planes."""
    return bool(np.result_type(stored, type_of(piece[1])) != stored.dtype)


def put(stored: NDArray[Any], piece: Piece) -> None:
    """Copy planes to their place in a stack ``(x, y, slice)``, of its type as they go."""
    start, planes = piece
    stored[..., start : start + len(planes)] = planes.T


def in_threads(call: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Call a function for each item, some at a time; yield the results in order."""
    pool = ThreadPoolExecutor(THREADS)
    try:
        yield from pool.map(call, items)
    finally:
        pool.shutdown(cancel_futures=True)


def read_group(slices: Sequence[Slice]) -> NDArray[Any]:
    """Read the pixels of files that are rescaled alike, ``(slices, rows, columns)``."""
    paths = [str(one.path) for one in slices]
    with reading(slices[0].path if len(slices) == 1 else slices[0].path.parent):
        if len(paths) == 1:
            return pixels_of(sitk.ReadImage(paths[0], imageIO="GDCMImageIO"))
        reader = sitk.ImageSeriesReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileNames(paths)
        return pixels_of(reader.Execute())


def type_of(planes: NDArray[Any]) -> np.dtype[Any]:
    """Return the type that planes are stored as: what ITK widened is undone.

    It widens 16 bits with an intercept to 32, and with a broken slope to float64; they go back to
    16 where they fit, and to float32, whose 24 bits exceed them.
    """
    if planes.dtype == np.int32 and planes.min() >= -(2**15) and planes.max() < 2**15:
        return np.dtype(np.int16)
    return np.dtype(np.float32) if planes.dtype == np.float64 else planes.dtype
