"""Sources: the files of cases, found by name in folders or in datasets, and how fine they are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from napari_toposeg.errors import InvalidConfig, ToposegError
from napari_toposeg.io import list_cases
from napari_toposeg.io.headers import read_extent
from napari_toposeg.io.layouts import CaseFiles, find_dataset
from napari_toposeg.learning.model_grid import median_spacing
from napari_toposeg.volume import Spacing


def files_at(place: Path) -> list[CaseFiles]:
    """List the cases of a dataset in its own folders, or of a file or folder of volumes."""
    dataset = find_dataset(place)
    if dataset is not None:
        return list(dataset.cases)
    return [CaseFiles(name, (path,)) for name, path in list_cases(place).items()]


def find_sources(places: Sequence[Path], label_folder: Path | None) -> list[CaseFiles]:
    """List the cases at some places, sorted by name; with labels those that have any there.

    Raises
    ------
    InvalidConfig
        If two folders hold cases of one name, or images and labels share none.
    """
    images: dict[str, CaseFiles] = {}
    for place in places:
        for case in files_at(place):
            other = images.setdefault(case.name, case)
            if other.images != case.images:
                raise InvalidConfig(
                    f"{other.images[0]} and {case.images[0]} are both case {case.name!r}; rename "
                    "one, or prepare the two folders into stores of their own"
                )
    unlabelled = [replace(case, labels=None) for _, case in sorted(images.items())]
    if label_folder is None:
        return unlabelled
    labels = list_cases(label_folder)
    shared = [replace(case, labels=labels.get(case.name)) for case in unlabelled]
    if not any(case.labels for case in shared):
        raise InvalidConfig(
            f"the images and {label_folder} share no case; name image and labels of a case alike"
        )
    return [case for case in shared if case.labels]


def usual_spacing(sources: Sequence[CaseFiles]) -> Spacing:
    """Return the median voxel size of the images whose headers can be read."""
    extents, fault = [], ""
    for source in sources:
        try:
            extents.append(read_extent(source.images[0]))
        except ToposegError as error:
            fault = str(error)
    if not extents:
        raise InvalidConfig(f"none of {len(sources)} images can be read; the last: {fault}")
    return median_spacing(extents)
