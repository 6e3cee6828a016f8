"""Sources: the files of cases, found by name in folders, and how fine they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_toposeg.errors import InvalidConfig, ToposegError
from napari_toposeg.io import list_cases
from napari_toposeg.io.headers import read_extent
from napari_toposeg.learning.dataset import median_spacing
from napari_toposeg.volume import Spacing


@dataclass(frozen=True)
class Source:
    """The files of a case."""

    name: str
    image: Path
    labels: Path | None


def find_sources(places: Sequence[Path], label_folder: Path | None) -> list[Source]:
    """List the cases at some places, sorted by name; with labels those that have any.

    Raises
    ------
    InvalidConfig
        If two folders hold cases of one name, or images and labels share none.
    """
    images: dict[str, Path] = {}
    for place in places:
        for name, path in list_cases(place).items():
            if images.setdefault(name, path) != path:
                raise InvalidConfig(
                    f"{images[name]} and {path} are both case {name!r}; rename one, or prepare "
                    "the two folders into stores of their own"
                )
    if label_folder is None:
        return [Source(name, path, None) for name, path in sorted(images.items())]
    labels = list_cases(label_folder)
    shared = sorted(images.keys() & labels.keys())
    if not shared:
        raise InvalidConfig(
            f"the images and {label_folder} share no case; name image and labels of a case alike"
        )
    return [Source(name, images[name], labels[name]) for name in shared]


def usual_spacing(sources: Sequence[Source]) -> Spacing:
    """Return the median voxel size of the images whose headers can be read."""
    extents, fault = [], ""
    for source in sources:
        try:
            extents.append(read_extent(source.image))
        except ToposegError as error:
            fault = str(error)
    if not extents:
        raise InvalidConfig(f"none of {len(sources)} images can be read; the last: {fault}")
    return median_spacing(extents)
