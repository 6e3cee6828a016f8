"""write_volume: a Volume to a file on its own grid, whole or not at all.

The one idea: only voxels and geometry are written, so nothing of the patient can be; and the file
appears under its name when it is complete, never before.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_toposeg.errors import UnwritableFile
from napari_toposeg.io.formats import WRITABLE, ending_of
from napari_toposeg.io.itk import write_itk
from napari_toposeg.io.nifti import write_nifti
from napari_toposeg.progress import Report, to_nobody
from napari_toposeg.volume import Volume


def write_volume(volume: Volume, path: str | Path, *, report: Report = to_nobody) -> Path:
    """Write a volume in the axis order and with the affine of the file that it came from.

    Truth values are stored as uint8 and half-precision numbers as float32; all other number types
    are kept. Folders are made as needed, and a file of that name is replaced.

    Parameters
    ----------
    volume
        What to write.
    path
        Ends in ``.nii``, ``.nii.gz``, ``.nrrd`` or ``.mha``.
    report
        Told the share that is written, 0 to 1, as far as the format tells it. What it raises ends
        the writing, and no file appears: it is called once more before the file gets its name.

    Raises
    ------
    UnwritableFile
        If the ending is another, or the place cannot be written to.
    """
    path = Path(path).expanduser()
    ending = ending_of(path)
    if ending not in WRITABLE:
        raise UnwritableFile(
            f"{path} ends in {path.suffix or 'nothing'!r}; "
            f"volumes are written as {', '.join(WRITABLE)}: choose one of these endings"
        )
    storable = replace(volume, voxels=volume.voxels.astype(storable_type(volume), copy=False))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The temporary name keeps the ending, by which the writers choose the format.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            temporary = Path(folder) / f"volume{ending}"
            if ending in (".nii", ".nii.gz"):
                write_nifti(storable, temporary, report)
            else:
                write_itk(storable, temporary)
            report(1.0)
            temporary.replace(path)
    except OSError as error:
        raise UnwritableFile.because_of(error, path) from error
    return path


def storable_type(volume: Volume) -> np.dtype[np.generic]:
    """Return the nearest number type, in this machine's byte order, that the formats can hold."""
    dtype = volume.voxels.dtype
    match dtype.kind, dtype.itemsize:
        case "b", _:
            return np.dtype(np.uint8)
        case "f", 2:
            return np.dtype(np.float32)
        case "f", size if size > 8:
            return np.dtype(np.float64)
        case _:
            return dtype.newbyteorder("=")
