"""Cases: images with their labels, each on its own grid, read from two folders or from a dataset.

What is read from files is held in memory: right for the few scans of one person. A cohort is
prepared once (see `prepare`), and its examples are read crop by crop.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import list_cases, read_volume
from napari_toposeg.io.channels import read_channels
from napari_toposeg.io.layouts import CaseFiles
from napari_toposeg.learning.places import IGNORED
from napari_toposeg.volume import Volume

BACKGROUND = 255
"""Value that marks background in an annotation, where 0 means unlabelled."""


@dataclass(frozen=True)
class Case:
    """One image with its labels.

    Parameters
    ----------
    labels
        On the image's grid: 0 background, 1..K classes; or, where `annotated`, 0 unlabelled,
        1..K classes and 255 background.
    role
        Whether it trains the model or chooses the best one.
    annotated
        Labels were painted on some slices only.
    further
        The image's other channels, on its grid.
    """

    name: str
    image: Volume
    labels: Volume
    role: Literal["train", "validation"] = "train"
    annotated: bool = False
    further: tuple[Volume, ...] = ()


def target_of(case: Case) -> NDArray[np.int16]:
    """Return class numbers of a case, -1 where it is not labelled."""
    labels = case.labels.voxels.astype(np.int16)
    if not case.annotated:
        return labels
    target = np.where(labels == 0, np.int16(IGNORED), labels)
    target[labels == BACKGROUND] = 0
    return target


def read_labelled(
    images: Path,
    labels: Path,
    names: Sequence[str] | None,
    role: Literal["train", "validation"],
    *,
    without: Sequence[str] = (),
    annotated: bool = False,
) -> list[Case]:
    """Read the labelled cases of two folders whose files share their names.

    Parameters
    ----------
    names
        Cases to read; all that have labels where None.
    without
        Cases to leave out.
    annotated
        Their labels are annotations: see `Case`.

    Raises
    ------
    InvalidConfig
        If a named case lacks its image or its labels, or no case is left.
    """
    image_paths, label_paths = list_cases(images), list_cases(labels)
    known = sorted(image_paths.keys() & label_paths.keys())
    wanted = [name for name in (known if names is None else names) if name not in without]
    require_known(wanted, known)
    if names and not wanted:
        raise InvalidConfig(
            f"all of the {len(names)} named case(s) are for validation; name others to train on"
        )
    if not wanted:
        raise InvalidConfig(
            f"{images} and {labels} share no case; name image and labels of a case alike"
        )
    files = {name: CaseFiles(name, (image_paths[name],), label_paths[name]) for name in wanted}
    return [read_case(files[name], role, annotated=annotated) for name in wanted]


def read_case(
    files: CaseFiles, role: Literal["train", "validation"], *, annotated: bool = False
) -> Case:
    """Read image and labels of a case."""
    assert files.labels is not None
    image, *further = read_channels(files)
    labels = read_volume(files.labels, modality="label")
    return Case(files.name, image, labels, role, annotated, tuple(further))


def require_known(wanted: Iterable[str], known: Container[str]) -> None:
    """Raise InvalidConfig unless every named case has an image and labels."""
    lacking = [name for name in wanted if name not in known]
    if lacking:
        raise InvalidConfig(
            f"{len(lacking)} case(s) lack an image or labels, first {lacking[:3]}; "
            "image and labels of a case must be files of one name in the two folders, and a case "
            "is named by it without its ending, as in case_1 for case_1.nii.gz"
        )


def read_names(path: Path | None) -> list[str] | None:
    """Read case names, one a line, each once; None where there is no file."""
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path} is not a readable list of case names ({error})") from error
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise InvalidConfig(f"{path} names no case; write one case name a line")
    return list(dict.fromkeys(names))
