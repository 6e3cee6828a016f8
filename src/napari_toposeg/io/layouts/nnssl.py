"""nnSSL: images without labels, such as OpenMind, listed in one file.

``pretrain_data.json`` names datasets, subjects, sessions and the path of each image, absolute,
relative to the file, or beginning with ``$nnssl_raw`` (github.com/MIC-DKFZ/nnssl).
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io.formats import ending_of, stem_of
from napari_toposeg.io.layouts.dataset import CaseFiles, Dataset, require_all

LAYOUT = "nnSSL"
EXPECTED = "pretrain_data.json with the paths of the images"
PREPROCESSED = ".b2nd"


def read_nnssl(root: Path) -> Dataset | None:
    """List the images, if a folder has this layout.

    Raises
    ------
    UnreadableFile
        If images that are listed are not there.
    InvalidConfig
        If the list cannot be read, or is of images that nnSSL has preprocessed.
    """
    lists = sorted(root.glob("pretrain_data*.json"))
    if not lists:
        return None
    try:
        said = json.loads(lists[0].read_text(encoding="utf-8"))
        cases = list(listed(said, root))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidConfig(
            f"{lists[0]} is no list of nnSSL's that can be read ({type(error).__name__}: {error}); "
            "make it anew"
        ) from error
    if any(case.images[0].suffix == PREPROCESSED for case in cases):
        raise InvalidConfig(
            f"{lists[0]} lists images that nnSSL has preprocessed; give the folder of the raw "
            "dataset, and bring them to one grid by napari-toposeg prepare"
        )
    lacking = [str(case.images[0]) for case in cases if not case.images[0].is_file()]
    require_all(LAYOUT, root, lacking, len(cases), "their image")
    return Dataset(LAYOUT, root, tuple(cases))


def listed(collection: dict[str, Any], root: Path) -> Iterator[CaseFiles]:
    """Yield the images of a collection."""
    for dataset, held in collection["datasets"].items():
        for subject, visits in held["subjects"].items():
            for session, visit in visits["sessions"].items():
                for image in visit["images"]:
                    path = resolved(image["image_path"], root)
                    name = f"{dataset}__{subject}__{session}__{without_ending(image['name'])}"
                    yield CaseFiles(name, (path,))


def resolved(said: str, root: Path) -> Path:
    """Return the path of an image; of a variable that is not set, the list's own folder's parent.

    nnSSL keeps a dataset and its list in ``$nnssl_raw/DatasetXXX_NAME``.
    """
    first, _, rest = said.partition("/")
    if first.startswith("$"):
        return Path(os.environ.get(first[1:], root.parent)) / rest
    return root / said


def without_ending(name: str) -> str:
    """Return the name of an image, which may have the ending of a file."""
    path = Path(name)
    return stem_of(path) if ending_of(path) else name
