"""Cases: the volumes that a path stands for, by name.

The one idea: image, label map and prediction of one case share the file name without its ending.
"""

from pathlib import Path

from napari_toposeg.errors import InvalidVolume, UnreadableFile
from napari_toposeg.io.dicom import case_name, dicom_files, is_dicom
from napari_toposeg.io.formats import READABLE, format_of, stem_of, volume_files
from napari_toposeg.io.reading import require_path
from napari_toposeg.io.slices import read_slice


def list_cases(path: str | Path) -> dict[str, Path]:
    """Return the cases at a path, name to file or folder, sorted by name.

    Parameters
    ----------
    path
        A folder of NIfTI, MGH, NRRD or MetaImage files (many cases), a folder of DICOM slices (one
        case), a folder of such folders (a case each), or one file.

    Raises
    ------
    UnreadableFile
        If there is nothing that can be read.
    InvalidVolume
        If two files have the same case name, or volumes and DICOM slices lie side by side.
    """
    path = require_path(path)
    if path.is_file():
        return {case_name(path, path) if format_of(path) == "dicom" else stem_of(path): path}
    volumes = volume_files(path)
    slices = [file for file in path.iterdir() if file.is_file() and is_dicom(file)]
    if volumes and slices:
        raise InvalidVolume(
            f"{path} holds {len(volumes)} volume files and {len(slices)} DICOM files side by side; "
            "put them into folders of their own"
        )
    if volumes:
        return named_by_stem(volumes)
    if slices:
        return {case_name(path, first_scan(path, slices)): path}
    return folders_of_slices(path)


def named_by_stem(files: list[Path]) -> dict[str, Path]:
    """Return files by the name of their case, sorted.

    Raises
    ------
    InvalidVolume
        If two files are of one case.
    """
    cases: dict[str, Path] = {}
    for file in files:
        other = cases.setdefault(stem_of(file), file)
        if other != file:
            raise InvalidVolume(
                f"{other.name} and {file.name} in {file.parent} are both case {stem_of(file)!r}; "
                "keep one of them"
            )
    return dict(sorted(cases.items()))


def first_scan(folder: Path, files: list[Path]) -> Path:
    """Return the first DICOM file that is a scan.

    Raises
    ------
    UnreadableFile
        If none is, or the first is damaged.
    """
    for file in sorted(files):
        if read_slice(file) is not None:
            return file
    raise UnreadableFile(
        f"{folder} holds {len(files)} DICOM files, none of them a scan; give the folder of a scan"
    )


def folders_of_slices(path: Path) -> dict[str, Path]:
    """Return the subfolders that hold DICOM slices, at any depth, by name.

    Raises
    ------
    UnreadableFile
        If there is none.
    """
    cases: dict[str, Path] = {}
    for folder in sorted(folder for folder in path.iterdir() if folder.is_dir()):
        slices = dicom_files(folder)
        if not slices:
            continue
        name = case_name(folder, first_scan(folder, slices))
        # Folders named after patients are all called alike here; a number tells them apart.
        count = sum(case.partition("-")[0] == name for case in cases)
        cases[f"{name}-{count + 1}" if name in cases else name] = folder
    if not cases:
        raise UnreadableFile(f"{path} holds no volume; give a file or folder of {READABLE}")
    return dict(sorted(cases.items()))
