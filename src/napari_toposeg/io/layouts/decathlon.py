"""Decathlon: the folders of the Medical Segmentation Decathlon, which nnU-Net and others took over.

``imagesTr/NAME.nii.gz`` and ``labelsTr/NAME.nii.gz``, images without labels in ``imagesTs``, and
``dataset.json`` with the names of labels and channels. Channels are the frames of a 4D file
(medicaldecathlon.com), or files ``NAME_0000``, ``NAME_0001`` (nnU-Net's raw data). nnFormer and
UNETR++ keep Synapse so, whose labels may be called ``label0001`` beside ``img0001``.
"""

import json
import re
from collections import defaultdict
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io.layouts.dataset import CaseFiles, Dataset, files_of, joined, require_all
from napari_toposeg.volume import Modality

TASKS = ("Task[0-9]*", "Dataset[0-9]*", "unetr_pp_raw/unetr_pp_raw_data/Task[0-9]*")
"""Folders under the root that may be the dataset's own."""

LAYOUT = "the Medical Segmentation Decathlon or nnU-Net"
EXPECTED = "dataset.json, imagesTr/NAME[_0000].nii.gz and labelsTr/NAME.nii.gz"
CHANNEL = re.compile(r"(.+)_(\d{4})")
MR = {"MRI", "MR", "FLAIR", "T1", "T1W", "T1GD", "T1CE", "T2", "T2W", "ADC", "CINE-MRI"}


def read_decathlon(root: Path) -> Dataset | None:
    """List the cases, if a folder has this layout.

    Raises
    ------
    UnreadableFile
        If labels of images, or images of labels, are missing.
    InvalidConfig
        If ``dataset.json`` cannot be read, or there are several tasks.
    """
    place = root if (root / "imagesTr").is_dir() else task_in(root)
    if place is None:
        return None
    said = read_description(place / "dataset.json")
    channels = channel_names(said)
    labels = files_of(place / "labelsTr")
    images = grouped(files_of(place / "imagesTr"), labels)
    # An image whose labels are to be sought under one name has them under another in Synapse.
    named = {name: label_name(name, labels) for name in images}
    lacking = [name for name, label in named.items() if label not in labels]
    if labels:
        require_all(LAYOUT, place, lacking, len(images), "their labels in labelsTr")
    lacking = sorted(labels.keys() - set(named.values()))
    require_all(LAYOUT, place, lacking, len(labels), "their images in imagesTr")
    modality = modality_of(channels)
    cases = [
        CaseFiles(name, paths, labels.get(named[name]), len(paths) == 1, modality)
        for name, paths in images.items()
    ]
    tests = grouped(files_of(place / "imagesTs"), images)
    others = [CaseFiles(n, paths, None, len(paths) == 1, modality) for n, paths in tests.items()]
    return Dataset(LAYOUT, root, joined(cases, others), class_names(said))


def task_in(root: Path) -> Path | None:
    """Return the folder of the one task under a root, if there is any.

    Raises
    ------
    InvalidConfig
        If there are several.
    """
    found = sorted(
        task for pattern in TASKS for task in root.glob(pattern) if (task / "imagesTr").is_dir()
    )
    if len(found) > 1:
        raise InvalidConfig(
            f"{root} holds {len(found)} tasks ({', '.join(task.name for task in found[:3])} ...); "
            "give the folder of one"
        )
    return found[0] if found else None


def grouped(files: Mapping[str, Path], known: Container[str]) -> dict[str, tuple[Path, ...]]:
    """Put the files of a case's channels together.

    Parameters
    ----------
    known
        Names of cases. A name that ends in four digits is a case of its own where it is among them.
    """
    parts: dict[str, list[Path]] = defaultdict(list)
    for name, path in files.items():
        numbered = None if name in known else CHANNEL.fullmatch(name)
        first = f"{numbered[1]}_0000" if numbered else ""
        parts[numbered[1] if numbered and first in files else name].append(path)
    return {name: tuple(sorted(paths)) for name, paths in sorted(parts.items())}


def label_name(name: str, labels: Mapping[str, Path]) -> str:
    """Return the name of a case's labels."""
    return name if name in labels else name.replace("img", "label", 1)


def read_description(path: Path) -> dict[str, Any]:
    """Read ``dataset.json``; where there is none, nothing is known."""
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"{path} cannot be read ({error}); unpack the dataset again") from error
    return said if isinstance(said, dict) else {}


def channel_names(said: Mapping[str, Any]) -> list[str]:
    """Return the names of the channels, as the Decathlon or nnU-Net's second version has them."""
    named = said.get("channel_names", said.get("modality", {}))
    return [str(name) for _, name in sorted(named.items())] if isinstance(named, dict) else []


def modality_of(channels: list[str]) -> Modality | None:
    """Return what kind of scans these are, where their channels say it."""
    if channels and all(name.upper() == "CT" for name in channels):
        return "CT"
    return "MR" if channels and all(name.upper() in MR for name in channels) else None


def class_names(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the labels 1, 2, ... in order; none where they are not so numbered.

    The Decathlon writes ``"1": "spleen"``, nnU-Net's second version ``"spleen": 1``.
    """
    labels = said.get("labels", {})
    if not isinstance(labels, dict):
        return ()
    pairs = [(key, value) if key.isdigit() else (value, key) for key, value in labels.items()]
    try:
        # BraTS has "NCR/NET", and files are named by their class.
        by_number = {int(number): str(name).replace("/", "-") for number, name in pairs}
    except (TypeError, ValueError):
        # Regions, which are lists of labels that may overlap, are no classes.
        return ()
    numbers = sorted(number for number in by_number if number > 0)
    return (
        tuple(by_number[n] for n in numbers) if numbers == list(range(1, len(numbers) + 1)) else ()
    )
