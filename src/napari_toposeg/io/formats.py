"""The kinds of file that hold a volume, told by the ending of the name.

The one idea: a name is its stem and one of a few known endings (``.nii.gz`` is one), so that
"which reader", "which case" and "which name for the layer" all ask the same place.
"""

import re
from pathlib import Path
from typing import Literal

from napari_toposeg.errors import UnreadableFile

Format = Literal["nifti", "mgh", "itk", "dicom"]

NIFTI = (".nii", ".nii.gz", ".hdr", ".img")
MGH = (".mgh", ".mgz", ".mgh.gz")
ITK = (".nrrd", ".nhdr", ".mha", ".mhd")
DICOM = (".dcm", ".dicom", ".ima")
WRITABLE = (".nii", ".nii.gz", ".nrrd", ".mha")

READABLE = "NIfTI (.nii, .nii.gz), MGH (.mgh, .mgz), NRRD (.nrrd), MetaImage (.mha, .mhd) or DICOM"


def ending_of(path: Path) -> str:
    """Return the known ending of a file name in lower case, or ``""``."""
    name = path.name.lower()
    known = (ending for ending in NIFTI + MGH + ITK + DICOM if name.endswith(ending))
    return max(known, key=len, default="")


def stem_of(path: Path) -> str:
    """Return the name of a file without its known ending: ``scan.v2.nii.gz`` is ``scan.v2``."""
    return path.name[: len(path.name) - len(ending_of(path))]


def volume_files(folder: Path) -> list[Path]:
    """Return the files of a folder, not of its subfolders, that are a volume each, by name."""
    files = (file for file in folder.iterdir() if file.name[0] != "." and file.is_file())
    return sorted(file for file in files if ending_of(file) in NIFTI + MGH + ITK)


def has_dicom_preamble(path: Path) -> bool:
    """Tell whether a file says of itself that it is DICOM."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def holds_segments(path: Path) -> bool:
    """Tell whether a file is a DICOM segmentation, by the storage class near its beginning."""
    if not path.is_file() or not has_dicom_preamble(path):
        return False
    with path.open("rb") as file:
        head = file.read(1024)
    return re.search(rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.[47][^0-9.]", head) is not None


def format_of(path: Path) -> Format:
    """Tell which reader a file or folder needs.

    Raises
    ------
    UnreadableFile
        If neither the ending nor the first bytes are of a kind that is read here.
    """
    if path.is_dir():
        return "dicom"
    ending = ending_of(path)
    if ending in NIFTI:
        return "nifti"
    if ending in MGH:
        return "mgh"
    if ending in ITK:
        return "itk"
    if ending in DICOM or has_dicom_preamble(path):
        return "dicom"
    raise UnreadableFile(
        f"{path} ends in {path.suffix or 'nothing'!r}, which is no kind of volume read here; "
        f"give {READABLE}, or convert the file to one of them"
    )
