"""Fine-tuning on annotated slices, from the layers to the named model; no Qt here.

The one idea: the run writes into a folder of its own, and a model is registered from the best
checkpoint in it, whether the run ended, was stopped or failed. Only discarding loses it.
"""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.plugin.finetune.annotations import Annotation, split_annotation
from napari_toposeg.progress import Run, Step
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.cards import Card
    from napari_toposeg.learning.cases import Case

BEST, LAST = "best.safetensors", "last.safetensors"


def finetune_run(
    image: Volume, labels: NDArray[Any], annotation: Annotation, config: FinetuneConfig
) -> Run[Any]:
    """Train a segmentation model on the annotated slices of one scan.

    Parameters
    ----------
    image
        The scan.
    labels
        Annotation on its grid, ``(z, y, x)``: 0 unlabelled, 1..K classes, 255 background.
    annotation
        What was found in it: its slices and their split.
    config
        The run; its images and labels are not read.

    Raises
    ------
    ShapeMismatch
        If image and annotation differ in shape.
    InvalidConfig
        If the annotation is not enough to train on.
    """
    cases = annotated_cases(image, labels, annotation)
    yield Step(0, config.steps, message="Loading the network")
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.finetune import finetune

    choose_threads(config.threads)
    return (yield from finetune(config, cases))


def annotated_cases(
    image: Volume, labels: NDArray[Any], annotation: Annotation
) -> "Sequence[Case]":
    """Return the training case and, where slices were kept for it, the validation case."""
    if image.shape != labels.shape:
        raise ShapeMismatch(
            f"image {image.shape} and annotation {labels.shape} differ in shape; "
            "make a new annotation layer on the image's grid"
        )
    if annotation.faults:
        raise InvalidConfig(" ".join(annotation.faults))
    from napari_toposeg.learning.cases import Case

    parts = split_annotation(labels, annotation.validation, annotation.axis)
    train, kept = (image.with_voxels(part, modality="label") for part in parts)
    cases = [Case(f"{image.name} training", image, train, "train", annotated=True)]
    if annotation.validation:
        name = f"{image.name} validation"
        cases.append(Case(name, image, kept, "validation", annotated=True))
    return cases


def require_free_name(name: str) -> str:
    """Return a name under which a new model can be kept.

    Raises
    ------
    InvalidCheckpoint
        If it cannot name a model.
    InvalidConfig
        If a model has it already.
    """
    from napari_toposeg.learning.cards import list_models, require_name

    require_name(name)
    if name in {card.name for card in list_models()}:
        raise InvalidConfig(f"there is a model {name!r} already; choose another name")
    return name


def free_name(base: str) -> str:
    """Return the base, or the base with a number, so that no model has it yet."""
    from napari_toposeg.learning.cards import list_models

    taken = {card.name for card in list_models()}
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 3))
    return next(name for name in names if name not in taken)


def run_folder(name: str) -> Path:
    """Return a new folder, beside the store of models, for a run's checkpoints."""
    from napari_toposeg.learning.cards import models_folder

    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    return models_folder().parent / "runs" / f"{name}-{now}"


def keep_best(folder: Path, name: str) -> "Card | None":
    """Register the best checkpoint of a run, the last one where none was best, and drop the folder.

    Returns
    -------
    Card or None
        Card of the model; None where the run wrote no checkpoint yet.
    """
    from napari_toposeg.learning.cards import register_model

    there = [folder / file for file in (BEST, LAST) if (folder / file).is_file()]
    card = register_model(there[0], name) if there else None
    discard(folder)
    return card


def discard(folder: Path) -> None:
    """Delete a run's folder with its checkpoints."""
    shutil.rmtree(folder, ignore_errors=True)


def preview_slices(
    preview: dict[str, Any],
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Return one slice of a Step's preview: image, truth (-1 unlabelled) and prediction.

    Of a 3D preview the slice with the most labelled foreground is taken, else the middle one.
    """
    image, truth, prediction = (np.asarray(preview[k]) for k in ("image", "truth", "prediction"))
    if image.ndim == 3:
        labelled = (truth > 0).sum(axis=(1, 2))
        known = (truth >= 0).sum(axis=(1, 2))
        score = labelled * truth[0].size + known
        best = int(np.argmax(score)) if score.any() else image.shape[0] // 2
        image, truth, prediction = image[best], truth[best], prediction[best]
    return image, truth.astype(np.int64), prediction.astype(np.int64)
