"""Teaching from a notebook: what Start and *Stop and keep best* do, as one function that waits."""

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_toposeg.config import FinetuneConfig, LossName
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names, layer_to_volume
from napari_toposeg.plugin.finetune.annotate.annotations import read_annotation
from napari_toposeg.plugin.finetune.train.run import (
    finetune_run,
    keep_best,
    require_free_name,
    run_folder,
)
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.progress import finish

if TYPE_CHECKING:
    from napari_toposeg.learning.cards import Card

VALIDATIONS = 10


def finetune_layer(
    image: Any,
    annotation: Any,
    model: str,
    name: str,
    *,
    steps: int = 200,
    loss: LossName = "dice-ce",
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> "Card":
    """Train a model on the painted slices of a scan, keep the best, and return its card.

    Parameters
    ----------
    image
        Image layer.
    annotation
        Labels layer on its grid: 0 unlabelled, 1..K classes, 255 background.
    model
        Name of the model to start from; ``"none"`` for none.
    name
        Name under which the new model is listed.
    steps
        Optimiser steps.
    seed
        Seed of the training and of the choice of the slices to validate on.

    Raises
    ------
    InvalidConfig
        If the slices are too few, or a model has the name already.
    ShapeMismatch
        If image and annotation differ in shape.
    """
    labels = np.array(annotation.data)
    found = read_annotation(labels, seed=seed)
    if found.faults:
        raise InvalidConfig(found.faults[0])
    names = class_names(annotation)
    folder, settings = run_folder(require_free_name(name)), read_settings()
    config = FinetuneConfig.create(
        checkpoint=model,
        output=folder,
        name=name,
        classes=tuple(names.get(k, f"class {k}") for k in range(1, found.classes + 1)),
        loss=loss,
        steps=steps,
        every=max(1, steps // VALIDATIONS),
        learning_rate=learning_rate,
        seed=seed,
        device=settings.device,
        threads=settings.worker_threads,
        previews=False,
    )
    finish(finetune_run(layer_to_volume(image), labels, found, config))
    card = keep_best(folder, name)
    assert card is not None, "a training that ended has a checkpoint"
    return card
