"""read_volume: any file or folder of scans to one Volume, or one clear error.

The one idea: the formats differ only in how they find voxels and affine; what is asked of every
volume (it exists, is finite, has a modality, is contiguous) is asked here once.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume, UnreadableFile
from napari_toposeg.io import dicom, dicom_seg, itk, nifti
from napari_toposeg.io.formats import format_of, holds_segments, volume_files
from napari_toposeg.io.frames import frame_choices
from napari_toposeg.io.modality import guess_modality
from napari_toposeg.io.slabs import extremes
from napari_toposeg.progress import Report, to_nobody
from napari_toposeg.volume import Modality, Volume


def read_volume(
    path: str | Path,
    *,
    frame: int | None = None,
    series: str | None = None,
    nan: float | None = None,
    modality: Modality | None = None,
    report: Report = to_nobody,
) -> Volume:
    """Read one volume.

    Parameters
    ----------
    path
        A NIfTI, MGH, NRRD, MetaImage or DICOM file, or a folder of DICOM slices.
    frame
        Which volume of a 4D file, from 0.
    series
        Which DICOM series of a folder: one of `list_choices`, or the number it begins with.
    nan
        Value that takes the place of NaN and infinity; without it they are an error.
    modality
        What the numbers are; guessed where neither this nor the file says it.
    report
        Told the share that is read, 0 to 1, as far as the format tells it; what it raises ends the
        reading.

    Raises
    ------
    UnreadableFile
        If there is no such file, or it is damaged or of an unknown kind.
    InvalidVolume
        If it holds no 3D volume of finite grey values on an even grid.
    ChoiceNeeded
        If it holds several frames or series and none is named.
    """
    path = require_path(path)
    # Numbers too large for their type become infinite, and those are found below.
    with np.errstate(over="ignore", invalid="ignore"):
        volume = read_any(path, frame, series, report)
    voxels, notes = finite(path, np.ascontiguousarray(volume.voxels), nan)
    if modality is None:
        modality = volume.modality
        modality = guess_modality(voxels, volume.name) if modality == "unknown" else modality
    return replace(volume, voxels=voxels, modality=modality, notes=volume.notes + notes)


def read_any(
    path: Path, frame: int | None, series: str | None, report: Report = to_nobody
) -> Volume:
    """Read with the reader that the path needs."""
    match format_of(path):
        case "nifti" | "mgh":
            return nifti.read_nifti(path, frame, report)
        case "itk":
            return itk.read_itk(path, frame)
        case "dicom" if holds_segments(path):
            return dicom_seg.read_dicom_seg(path)[0]
        case "dicom":
            require_slices_only(path)
            return dicom.read_dicom(path, series, frame, report)


def list_choices(path: str | Path, *, series: str | None = None) -> tuple[str, ...]:
    """Return what can be chosen in a file or folder: series or frames, none if it holds one volume.

    Raises
    ------
    UnreadableFile
        If there is no such file, or it is damaged or of an unknown kind.
    """
    path = require_path(path)
    match format_of(path):
        case "nifti" | "mgh":
            return frame_choices(nifti.count_frames(path))
        case "itk":
            return frame_choices(itk.count_frames(path))
        case "dicom":
            require_slices_only(path)
            return dicom.dicom_choices(path, series)


def require_path(path: str | Path) -> Path:
    """Return the path of something that exists and is not empty."""
    path = Path(path).expanduser()
    if not path.exists():
        raise UnreadableFile(f"{path} does not exist; check the path")
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise UnreadableFile(f"{path} may not be read; ask its owner for permission")
    if path.is_file() and path.stat().st_size == 0:
        raise UnreadableFile(f"{path} is an empty file; fetch or export it again")
    return path


def require_slices_only(path: Path) -> None:
    """Raise InvalidVolume on a folder with volume files: each of those is a volume of its own."""
    files = volume_files(path) if path.is_dir() else []
    if files:
        raise InvalidVolume(
            f"{path} holds {len(files)} volume files ({files[0].name} ...), and a folder "
            "is read as DICOM slices: give one of the files, or a folder that has DICOM files alone"
        )


def finite(
    path: Path, voxels: NDArray[Any], nan: float | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return voxels without NaN and infinity, and a note of what was replaced."""
    # The extremes find every NaN and infinity without a mask of the volume's size.
    if voxels.dtype.kind != "f" or np.isfinite(extremes(voxels)).all():
        return voxels, ()
    wrong = ~np.isfinite(voxels)
    count = int(wrong.sum())
    if nan is None:
        raise InvalidVolume(
            f"{path} has {count} of {voxels.size} voxels that are NaN or infinite; "
            "write it anew with a number in their place, such as 0, or -1024 for CT (in Python, "
            "read_volume(path, nan=-1024) reads it so)"
        )
    return np.where(wrong, voxels.dtype.type(nan), voxels), (
        f"{count} NaN or infinite voxels replaced by {nan:g}",
    )
