"""Segmentation of a volume in memory, by one model or by several.

The one idea: each model looks at the scan on its own grid (`sweep`), and only on the scan's grid
are probabilities averaged and labels decided.
"""

# K classes without background

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_toposeg.config import Flips
from napari_toposeg.errors import InvalidCheckpoint, InvalidConfig
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.sweep import Probabilities, Sweep, class_probabilities, on_grid
from napari_toposeg.learning.uncertainty import entropy
from napari_toposeg.progress import Result, Step, retold
from napari_toposeg.volume import Volume


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A segmented volume.

    Parameters
    ----------
    labels
        0 background, 1..K classes, uint8, on the image's own grid.
    probability
        Probability of any class, 1 - P(background), float32.
    class_probabilities
        ``(K + 1, z, y, x)`` float32, background first.
    classes
        Names of the labels 1..K.
    disagreement
        Of several models, ``(z, y, x)`` in 0..1: see `uncertainty`; None of one.
    """

    labels: Volume
    probability: Volume
    class_probabilities: Probabilities
    classes: tuple[str, ...]
    disagreement: Probabilities | None = None


def segment(
    volume: Volume,
    model: str | Path,
    *,
    device: str = "auto",
    overlap: float = 0.25,
    flips: Flips = "",
) -> Generator[Step, None, Segmentation]:
    """Segment a volume, resampled to the model's spacing and back.

    Parameters
    ----------
    model
        Name, run folder or file of a segmentation model.
    overlap
        Overlap of neighbouring windows, 0 to below 1.
    flips
        Axes along which windows are mirrored too; none where classes tell sides apart.
    """
    loaded = load_model(model, device)
    return (yield from segment_together(volume, [loaded], Sweep(overlap, flips)))


def segment_with(
    volume: Volume, model: Model, *, overlap: float = 0.25, further: Sequence[Volume] = ()
) -> Generator[Step, None, Segmentation]:
    """Segment with a model that is loaded already.

    Parameters
    ----------
    further
        The volume's other channels, on its grid.
    """
    return (yield from segment_together(volume, [model], Sweep(overlap), further=further))


def segment_together(
    volume: Volume,
    models: Sequence[Model],
    sweep: Sweep | None = None,
    *,
    further: Sequence[Volume] = (),
) -> Generator[Step, None, Segmentation]:
    """Segment with the mean of what several models say, each on its own grid.

    Parameters
    ----------
    models
        At least one, of the same classes.
    further
        The volume's other channels, on its grid.

    Raises
    ------
    InvalidCheckpoint
        If a model does not segment, or the models differ in their classes.
    """
    sweep = sweep or Sweep()
    require_agreement(models)
    if not 0 <= sweep.overlap < 1:
        raise InvalidConfig(f"overlap must be at least 0 and below 1, got {sweep.overlap}")
    mean: Probabilities | None = None
    alone = np.zeros(volume.shape, np.float32)
    for number, model in enumerate(models):
        run = class_probabilities(volume, model, sweep, further)
        found = yield from as_part(run, number, len(models), "models")
        if len(models) > 1:
            alone += entropy(found) / len(models)
        found /= len(models)
        mean = found if mean is None else np.add(mean, found, out=mean)
    assert mean is not None
    # Tenths and the like do not add up to one exactly.
    np.minimum(mean, 1.0, out=mean)
    disagreement = np.maximum(entropy(mean) - alone, 0.0) if len(models) > 1 else None
    return decided(volume, mean, models[0].card.classes, disagreement)


def require_agreement(models: Sequence[Model]) -> None:
    """Raise InvalidCheckpoint unless all models segment, and into the same classes."""
    for model in models:
        require_segmenter(model)
        if model.card.classes != models[0].card.classes:
            raise InvalidCheckpoint(
                f"{models[0].card.name!r} tells {named(models[0])} apart and "
                f"{model.card.name!r} {named(model)}; only models of the same classes, in the same "
                "order, can be averaged"
            )


def named(model: Model) -> str:
    """Return the classes of a model for a person."""
    return ", ".join(model.card.classes)


def require_segmenter(model: Model) -> None:
    """Raise InvalidCheckpoint unless the model segments."""
    if model.card.task != "segment":
        raise InvalidCheckpoint(
            f"{model.card.name!r} {model.card.does} images and does not segment; "
            "fine-tune it first or pick a segmentation model"
        )


def as_part(
    run: Generator[Step, None, Result], number: int, count: int, what: str
) -> Generator[Step, None, Result]:
    """Tell the windows of one of several runs, over models or cases, as a part of those of all."""
    if count == 1:
        return (yield from run)

    def tell(window: Step) -> Step:
        return Step(
            step=number * window.total + window.step,
            total=count * window.total,
            message=f"{window.message} ({number + 1} of {count} {what})",
        )

    return (yield from retold(run, tell))


def segmentation_on(
    volume: Volume, prepared: Volume, probabilities: Probabilities, classes: tuple[str, ...]
) -> Segmentation:
    """Bring class probabilities from the model's grid to the image's, and decide there."""
    return decided(volume, on_grid(volume, prepared, probabilities), classes)


def decided(
    volume: Volume,
    probabilities: Probabilities,
    classes: tuple[str, ...],
    disagreement: Probabilities | None = None,
) -> Segmentation:
    """Give each voxel of the image its most probable class."""
    labels = probabilities.argmax(0).astype(np.uint8)
    foreground = np.clip(1.0 - probabilities[0], 0.0, 1.0)
    return Segmentation(
        volume.with_voxels(labels, modality="label", name=f"{volume.name} segmentation"),
        volume.with_voxels(foreground, modality="probability", name=f"{volume.name} probability"),
        probabilities,
        classes,
        disagreement,
    )
