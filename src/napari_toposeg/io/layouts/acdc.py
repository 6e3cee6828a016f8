"""ACDC: the Automated Cardiac Diagnosis Challenge, two frames of cine MR a patient.

As humanheart-project.creatis.insa-lyon.fr has it: ``database/training/patient001/`` with
``Info.cfg``, ``patient001_4d.nii.gz``, and for the two frames that ``Info.cfg`` names end-diastole
(ED) and end-systole (ES) ``patient001_frame01.nii.gz`` and ``patient001_frame01_gt.nii.gz``.

A case is a frame. The two of a patient belong on one side of a split.
"""

from pathlib import Path

from napari_toposeg.errors import UnreadableFile
from napari_toposeg.io.layouts.dataset import CaseFiles, Dataset, files_of

PLACES = ("", "training", "database/training", "ACDC/database/training")
LAYOUT = "ACDC"
EXPECTED = (
    "[database/training/]patient001/Info.cfg, patient001_frame01.nii.gz and "
    "patient001_frame01_gt.nii.gz"
)
CLASSES = ("right ventricle", "myocardium", "left ventricle")
PHASES = ("ED", "ES")


def read_acdc(root: Path) -> Dataset | None:
    """List the frames of the training patients that have labels, if a folder has this layout.

    The films ``_4d`` are left out, and so are the patients of ``testing``, kept for testing.

    Raises
    ------
    UnreadableFile
        If a patient lacks one of the frames that ``Info.cfg`` names, or their labels.
    """
    for place in (root / part for part in PLACES):
        patients = sorted(path.parent for path in place.glob("patient*/Info.cfg"))
        if patients:
            cases = [case for patient in patients for case in frames_of(patient)]
            return Dataset(LAYOUT, root, tuple(cases), CLASSES)
    return None


def frames_of(patient: Path) -> list[CaseFiles]:
    """Return end-diastole and end-systole of a patient."""
    files, phases = files_of(patient), read_phases(patient / "Info.cfg")
    names = [f"{patient.name}_frame{number:02d}" for number in sorted(set(phases.values()))]
    for wanted in (each for name in names for each in (name, f"{name}_gt")):
        if wanted not in files:
            raise UnreadableFile(
                f"{patient} has the layout of {LAYOUT} and lacks {wanted}.nii.gz, of a frame that "
                "its Info.cfg names; unpack the dataset again"
            )
    return [CaseFiles(name, (files[name],), files[f"{name}_gt"], modality="MR") for name in names]


def read_phases(path: Path) -> dict[str, int]:
    """Return the numbers of the frames at end-diastole and end-systole.

    Raises
    ------
    UnreadableFile
        If the file does not say them.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    try:
        return {phase: int(said[phase]) for phase in PHASES}
    except (KeyError, ValueError) as error:
        raise UnreadableFile(
            f"{path} must name the frames at end-diastole and end-systole in lines such as "
            "'ED: 1' and 'ES: 12'; unpack the dataset again"
        ) from error
