"""The live preview of a training: what the model as it is now sees where a person looks; no Qt.

The one idea: at a validation the newest checkpoint is on disk, so the preview is a prediction by a
model like any other, made between two steps. It may cost `SHARE` of the time and no more: where it
would, it waits for a later validation.
"""

from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.regions import Region
from napari_toposeg.plugin.finetune.train.part import segment_part
from napari_toposeg.progress import Run, Step
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.normalisation import Normalisation

SHARE = 0.1
"""Share of a training's time that previews may take, after the first."""
LIVE = "live"
"""Name of the labels in the preview of a Step; ``"origin"`` is the index of their first voxel."""


@dataclass
class Look:
    """Where a person looks: set by the window, read by the training between two steps.

    Parameters
    ----------
    region
        Box of the scan that is to be predicted; None for no preview.
    """

    region: Region | None = None


@dataclass
class Budget:
    """How much time went into previews, and whether another may be made."""

    began: float = field(default_factory=perf_counter)
    spent: float = 0.0
    last: float = 0.0

    def allows(self, now: float) -> bool:
        """Tell whether a preview that takes as long as the last one stays within the share."""
        return self.spent + self.last <= SHARE * (now - self.began) or self.spent == 0

    def took(self, seconds: float) -> None:
        """Count the time that a preview took."""
        self.last = seconds
        self.spent += seconds


def with_previews(run: Run[Any], image: Volume, look: Look, last: Path, device: str) -> Run[Any]:
    """Yield the Steps of a training, and after validations Steps with a preview.

    Parameters
    ----------
    run
        The training.
    look
        Where a person looks.
    last
        The training's newest checkpoint.
    """
    budget, scale = Budget(), None
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            return stop.value
        yield step
        region = look.region
        if step.checkpoint is None or region is None or not budget.allows(perf_counter()):
            continue
        began = perf_counter()
        scale = scale or scale_of(image, last)
        yield from preview_of(step, image, region, last, scale, device)
        budget.took(perf_counter() - began)


def scale_of(image: Volume, checkpoint: Path) -> "Normalisation":
    """Return how a scan's intensities are scaled for a model."""
    from napari_toposeg.learning.cards import load_card
    from napari_toposeg.learning.normalisation import normalisation_of

    return normalisation_of(image, load_card(checkpoint).intensity)


def preview_of(
    step: Step, image: Volume, region: Region, last: Path, scale: "Normalisation", device: str
) -> Run[None]:
    """Yield the Steps of one preview; the last one holds it."""
    from napari_toposeg.learning.checkpoints import load_model

    work = segment_part(image, load_model(last, device), region, scale, message="preview")
    while True:
        try:
            next(work)
        except StopIteration as stop:
            labels: NDArray[np.uint8] = stop.value
            break
        yield Step(step.step, step.total, message="Drawing the preview")
    origin = np.array([part.start for part in region])
    yield Step(step.step, step.total, message="training", preview={LIVE: labels, "origin": origin})
