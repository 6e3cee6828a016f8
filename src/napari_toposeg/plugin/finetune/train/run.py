"""Fine-tuning on annotated slices, from the layers to the named model; no Qt here.

The one idea: the run writes into a folder of its own, and a model is registered from the best
checkpoint in it, whether the run ended, was stopped or failed. Only discarding loses it.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.finetune.annotate.annotations import Annotation, split_annotation
from napari_toposeg.plugin.finetune.annotate.kept_annotations import fingerprint
from napari_toposeg.plugin.finetune.train.cut_off import CutOff, cut_off_trainings, note_training
from napari_toposeg.plugin.finetune.train.live import Look, with_previews
from napari_toposeg.plugin.memory import set_apart
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.progress import Run, Step
from napari_toposeg.topology.betti import betti_numbers
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.cards import Card
    from napari_toposeg.learning.cases import Case

BEST, LAST = "best.safetensors", "last.safetensors"

SECONDS_PER_VOXEL = 5e-8
"""Time to bring a scan to the model's grid, for the bar: it does not count what is done."""


def finetune_run(
    image: Volume,
    labels: NDArray[Any],
    annotation: Annotation,
    config: FinetuneConfig,
    *,
    look: Look | None = None,
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
    look
        Where a preview is wanted after validations; None for none.

    Raises
    ------
    ShapeMismatch
        If image and annotation differ in shape.
    InvalidConfig
        If the annotation is not enough to train on.
    """
    # As it is known at the next start, when its voxels are not read yet.
    scan = fingerprint(image)
    image = yield from load_run(image)
    cases = annotated_cases(image, labels, annotation)
    yield Step(0, config.steps, message="Loading the network")
    yield from wait_for(load_finetuning, "Loading the network", seconds=8)
    set_apart()
    if not config.resume:
        note_training(config.output, scan, labels, annotation, config)
    run = unfinished_where_best(prepared_run(cases, config), config.output / BEST)
    if look is not None:
        run = with_previews(run, image, look, config.output / LAST, config.device)
    return (yield from run)


def load_finetuning() -> None:
    """Import what a fine-tuning needs, seconds long the first time."""
    import napari_toposeg.learning.finetune
    import napari_toposeg.learning.predict  # noqa: F401

    # The kernels, too, take seconds to load where they are first called.
    betti_numbers(np.eye(2, dtype=bool))


def prepared_run(cases: "Sequence[Case]", config: FinetuneConfig) -> Run[Any]:
    """Yield the Steps of a fine-tuning; what comes before the first can be cancelled at once.

    Resampling a scan and building a network take seconds without a Step, so they are waited for.
    """
    from napari_toposeg.learning.devices import choose_threads, memory_errors_explained
    from napari_toposeg.learning.finetune import finetune

    def first() -> Step:
        with memory_errors_explained():
            return next(run)

    choose_threads(config.threads)
    run = finetune(config, cases)
    seconds = SECONDS_PER_VOXEL * sum(case.image.voxels.size for case in cases)
    yield (yield from wait_for(first, "Preparing the scan", seconds=seconds))
    return (yield from run)


class Dropped(Exception):
    """Nobody goes on with the run: thrown into it in place of closing it."""


def unfinished_where_best(run: Run[Any], best: Path) -> Run[Any]:
    """Yield the Steps of a training; closed, it keeps its last step only while none is best yet.

    What is stopped here is not gone on with: the best model is kept, and the folder goes.

    Parameters
    ----------
    best
        Where the best model is written.
    """
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            return stop.value
        try:
            yield step
        except GeneratorExit:
            if best.is_file():
                with suppress(Dropped):
                    run.throw(Dropped())
            raise


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
    from napari_toposeg.learning.cards import list_models
    from napari_toposeg.learning.model_store import require_name

    require_name(name)
    if name in {card.name for card in list_models()}:
        raise InvalidConfig(f"there is a model {name!r} already; choose another name")
    return name


def free_name(base: str) -> str:
    """Return the base, or the base with a number, so that no model has it yet.

    A name that was numbered so before is counted on: after ``lung-2`` comes ``lung-3``.
    """
    from napari_toposeg.learning.cards import list_models

    taken = {card.name for card in list_models()}
    if base not in taken:
        return base
    stem, _, number = base.rpartition("-")
    stem = stem if number.isdecimal() and stem in taken else base
    names = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in names if name not in taken)


def run_folder(name: str) -> Path:
    """Return a new folder, beside the store of models, for a run's checkpoints."""
    from napari_toposeg.learning.cards import models_folder

    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    return models_folder().parent / "runs" / f"{name}-{now}"


def cut_off_runs() -> tuple[CutOff, ...]:
    """Return the trainings beside the store of models that were cut off, newest first."""
    from napari_toposeg.learning.cards import models_folder

    return cut_off_trainings(models_folder().parent / "runs")


def keep_best(folder: Path, name: str) -> "Card | None":
    """Register the best checkpoint of a run, the last one where none was best, and drop the folder.

    Returns
    -------
    Card or None
        Card of the model; None where the run wrote no checkpoint yet.
    """
    from napari_toposeg.learning.model_store import move_model

    there = [folder / file for file in (BEST, LAST) if (folder / file).is_file()]
    # Another window may have made a model of this name meanwhile.
    card = move_model(there[0], free_name(name)) if there else None
    discard(folder)
    return card


def discard(folder: Path) -> None:
    """Delete a run's folder with its checkpoints."""
    shutil.rmtree(folder, ignore_errors=True)
