"""Cases: the volumes that a path stands for, by name.

The one idea: image, label map and prediction of one case share the file name without its ending.
"""

from pathlib import Path

from napari_toposeg.errors import InvalidVolume, UnreadableFile
from napari_toposeg.io.formats import DICOM, ending_of, has_dicom_preamble, stem_of
from napari_toposeg.io.reading import require_path


def list_cases(path: str | Path) -> dict[str, Path]:
    """Return the cases at a path, name to file or folder, sorted by name.

    Parameters
    ----------
    path
        A folder of NIfTI, MGH, NRRD or MetaImage files (many cases), a folder of DICOM slices (one
        case), or one file.

    Raises
    ------
    UnreadableFile
        If there is nothing that can be read.
    InvalidVolume
        If two files have the same case name, or volumes and DICOM slices lie side by side.
    """
    path = require_path(path)
    if path.is_file():
        return {stem_of(path): path}
    files = sorted(file for file in path.iterdir() if file.is_file() and file.name[0] != ".")
    volumes = [file for file in files if ending_of(file) and ending_of(file) not in DICOM]
    slices = [f for f in files if f not in volumes and (ending_of(f) or has_dicom_preamble(f))]
    if volumes and slices:
        raise InvalidVolume(
            f"{path} holds {len(volumes)} volume files and {len(slices)} DICOM files side by side; "
            "put them into folders of their own"
        )
    if slices:
        return {path.resolve().name: path}
    if not volumes:
        raise UnreadableFile(f"{path} holds no volume among its {len(files)} files")
    cases: dict[str, Path] = {}
    for file in volumes:
        if stem_of(file) in cases:
            raise InvalidVolume(
                f"{file.name} and {cases[stem_of(file)].name} in {path} are both case {stem_of(file)!r}; "
                "keep one of them"
            )
        cases[stem_of(file)] = file
    return dict(sorted(cases.items()))
