"""Dataset: the cases of a public dataset, with the files of each and the names of its classes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_toposeg.errors import InvalidVolume, UnreadableFile
from napari_toposeg.io.formats import stem_of, volume_files
from napari_toposeg.volume import Modality

ABDOMEN = (
    "spleen",
    "right kidney",
    "left kidney",
    "gallbladder",
    "esophagus",
    "liver",
    "stomach",
    "aorta",
    "inferior vena cava",
    "portal vein and splenic vein",
    "pancreas",
    "right adrenal gland",
    "left adrenal gland",
)
"""Labels 1 to 13 of the abdomen challenge "Beyond the Cranial Vault" (BTCV)."""


@dataclass(frozen=True)
class CaseFiles:
    """The files of a case.

    Parameters
    ----------
    images
        One file, or one for each channel of the image.
    framed
        Whether the frames of a file are channels of the image. Else a file with several is refused,
        for they may be points in time as well.
    modality
        What kind of scan it is, where the dataset says so.
    """

    name: str
    images: tuple[Path, ...]
    labels: Path | None = None
    framed: bool = False
    modality: Modality | None = None


@dataclass(frozen=True)
class Dataset:
    """A dataset in its own folders.

    Parameters
    ----------
    layout
        What the folders were recognised as.
    cases
        By name, labelled ones first.
    classes
        Names of the labels 1, 2, ..., where they are known.
    """

    layout: str
    root: Path
    cases: tuple[CaseFiles, ...]
    classes: tuple[str, ...] = ()

    @property
    def labelled(self) -> tuple[CaseFiles, ...]:
        """The cases that have labels."""
        return tuple(case for case in self.cases if case.labels is not None)


def joined(labelled: Sequence[CaseFiles], others: Iterable[CaseFiles]) -> tuple[CaseFiles, ...]:
    """Return labelled cases and others, without those that are labelled under the same name."""
    names = {case.name for case in labelled}
    return (*labelled, *(case for case in others if case.name not in names))


def files_of(folder: Path) -> dict[str, Path]:
    """Return the volumes of a folder by their names without ending; none where it is absent.

    Raises
    ------
    InvalidVolume
        If two files have one name.
    """
    found: dict[str, Path] = {}
    for file in volume_files(folder) if folder.is_dir() else []:
        if found.setdefault(stem_of(file), file) != file:
            raise InvalidVolume(f"{folder} holds {stem_of(file)!r} twice; keep one of the files")
    return found


def require_all(layout: str, folder: Path, lacking: Sequence[str], total: int, what: str) -> None:
    """Raise UnreadableFile if files of some cases are missing, naming the first."""
    if lacking:
        raise UnreadableFile(
            f"{folder} has the layout of {layout}, and {len(lacking)} of {total} cases lack "
            f"{what}, first {lacking[0]}; fetch them, or take those cases away"
        )
