"""Headers: how large a volume is and how fine, without its voxels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.io import dicom, itk, nifti
from napari_toposeg.io.formats import format_of
from napari_toposeg.io.reading import require_path, require_slices_only
from napari_toposeg.io.slices import arrange, stack_geometry
from napari_toposeg.volume import Spacing, Volume, from_file_order


@dataclass(frozen=True)
class Extent:
    """Size of a volume.

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``.
    spacing
        Voxel size in mm, in the same order.
    """

    shape: tuple[int, int, int]
    spacing: Spacing


def read_extent(path: str | Path) -> Extent:
    """Read how large a volume is, as `read_volume` would give it, from its header alone.

    Raises
    ------
    UnreadableFile
        If there is no such file, or its header is damaged.
    InvalidVolume
        If the header gives no usable geometry.
    ChoiceNeeded
        If it is a folder of several series.
    """
    path = require_path(path)
    match format_of(path):
        case "nifti" | "mgh":
            shape, affine = nifti_grid(path)
        case "itk":
            header = itk.open_header(path)
            shape, affine = header.GetSize(), itk.affine_of(header)
        case "dicom":
            require_slices_only(path)
            shape, affine = dicom_grid(path)
    volume = empty_volume(shape, affine)
    return Extent(volume.shape, volume.spacing)


def nifti_grid(path: Path) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """Return shape and affine of a NIfTI or MGH file, in its own order."""
    image, _ = nifti.load(path)
    scale, _ = nifti.millimetres(image)
    affine = np.diag([scale, scale, scale, 1.0]) @ np.asarray(image.affine, dtype=np.float64)
    return tuple(image.shape), affine


def dicom_grid(path: Path) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """Return shape and affine of a folder of slices, in its own order."""
    stacks, _ = dicom.find_series(path)
    slices = arrange(dicom.choose_series(path, stacks, None))[0]
    columns, rows, frames = slices[0].size
    affine, _ = stack_geometry(slices)
    return (columns, rows, frames * len(slices)), affine


def empty_volume(shape: tuple[int, ...], affine: NDArray[np.float64]) -> Volume:
    """Return a volume of zeros that take no memory, in canonical order."""
    sizes = (*shape[:3], *(1,) * (3 - len(shape)))
    return from_file_order(np.broadcast_to(np.int8(0), sizes), affine)
