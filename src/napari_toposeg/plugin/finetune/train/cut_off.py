"""Trainings that were cut off: found in their folders at the next start, kept, or gone on with.

The one idea: a training writes into its folder, before its first step, all that it was begun with:
the labels that it learns from, how they are split, which scan they belong to, and whose process it
is. So what a killed program leaves behind can be gone on with to the same numbers. Nothing in it is
of the patient: the scan is known by a fingerprint of its voxels.
"""

import io
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from napari_toposeg.config import FinetuneConfig, write_atomically
from napari_toposeg.errors import InvalidCheckpoint, ShapeMismatch
from napari_toposeg.plugin.finetune.annotate.annotations import Annotation
from napari_toposeg.plugin.finetune.annotate.kept_annotations import fingerprint
from napari_toposeg.volume import Volume

FACTS, LABELS, SETTINGS = "training.json", "labels.npz", "config.toml"
CHECKPOINTS = ("best.safetensors", "last.safetensors")


@dataclass(frozen=True)
class CutOff:
    """A training that was cut off.

    Parameters
    ----------
    folder
        Its folder, with a checkpoint.
    name
        Name that its model was to have.
    step, steps
        Where its newest checkpoint is, and how many steps were wanted.
    scan
        Fingerprint of the scan that it was trained on.
    began
        When it was begun.
    """

    folder: Path
    name: str
    step: int
    steps: int
    scan: str
    began: datetime


def note_training(
    folder: Path,
    scan: str,
    labels: NDArray[np.integer],
    annotation: Annotation,
    config: FinetuneConfig,
) -> None:
    """Write into a run's folder what it is begun with; the scan as its fingerprint."""
    facts = {
        "name": config.name,
        "steps": config.steps,
        "scan": scan,
        "axis": annotation.axis,
        "train": annotation.train,
        "validation": annotation.validation,
        "began": datetime.now(UTC).isoformat(),
        "process": os.getpid(),
        "process_began": psutil.Process().create_time(),
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, labels=labels)
    write_atomically(folder / LABELS, packed.getvalue())
    write_atomically(folder / FACTS, json.dumps(facts, indent=2).encode())


def cut_off_trainings(runs: Path) -> tuple[CutOff, ...]:
    """Return the trainings in a folder of runs that no process works on any more, newest first.

    Those of other programs, damaged ones and those without a checkpoint are left out.
    """
    found = (cut_off(folder) for folder in sorted(runs.glob("*"), reverse=True) if folder.is_dir())
    return tuple(sorted(filter(None, found), key=lambda each: each.began, reverse=True))


def cut_off(folder: Path) -> CutOff | None:
    """Return the training in a folder if it was cut off, else None."""
    from napari_toposeg.learning.cards import read_header

    newest = next((folder / n for n in reversed(CHECKPOINTS) if (folder / n).is_file()), None)
    if newest is None:
        return None
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if is_alive(int(facts["process"]), float(facts["process_began"])):
            return None
        return CutOff(
            folder,
            str(facts["name"]),
            int(read_header(newest).get("step", 0)),
            int(facts["steps"]),
            str(facts["scan"]),
            datetime.fromisoformat(facts["began"]).astimezone(),
        )
    except (OSError, ValueError, KeyError, TypeError, InvalidCheckpoint):
        return None


def is_alive(process: int, began: float) -> bool:
    """Tell whether a process still runs; a number is given anew, a time of birth is not."""
    try:
        return bool(abs(psutil.Process(process).create_time() - began) < 1.0)
    except psutil.Error:
        return False


def training_of(
    training: CutOff, image: Volume
) -> tuple[NDArray[np.uint8], Annotation, FinetuneConfig]:
    """Return labels, split and settings with which a training goes on to the same numbers.

    Raises
    ------
    ShapeMismatch
        If the image is not the scan that it was begun on.
    InvalidCheckpoint
        If its folder is damaged.
    """
    if fingerprint(image) != training.scan:
        raise ShapeMismatch(
            f"the training of {training.name} was begun on another scan than {image.name}; open "
            "that scan and choose it at the top of the dock, or keep its best model as it is"
        )
    try:
        facts = json.loads((training.folder / FACTS).read_text(encoding="utf-8"))
        with np.load(training.folder / LABELS, allow_pickle=False) as packed:
            labels = np.asarray(packed["labels"], np.uint8)
        annotation = split_of(labels, facts)
    except (OSError, ValueError, KeyError) as error:
        raise InvalidCheckpoint(
            f"{training.folder} is damaged ({error}); keep its best model as it is, or discard it"
        ) from error
    config = FinetuneConfig.from_toml(training.folder / SETTINGS, resume=True)
    return labels, annotation, config.model_copy(update={"output": training.folder})


def split_of(labels: NDArray[np.uint8], facts: dict[str, list[int]]) -> Annotation:
    """Return an annotation with the slices split as they were."""
    values, counts = np.unique(labels, return_counts=True)
    painted = {int(value): int(count) for value, count in zip(values, counts, strict=True)}
    background = painted.pop(255, 0)
    painted.pop(0, None)
    return Annotation(
        axis=int(facts["axis"]),  # type: ignore[call-overload]
        train=tuple(facts["train"]),
        validation=tuple(facts["validation"]),
        complete=(),
        voxels=painted,
        background=background,
    )
