"""Suggesting: from a layer or a model to suggested slices, and from a suggestion to its place.

The one idea: a probability that had to be computed is not thrown away: it becomes a layer, by which
the next suggestions are ranked at once. Functions that a notebook can call on a viewer.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import add_volume, layer_to_volume
from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.canvas.marks import CLEAR, jump_to, points_on, slice_axis, write_on
from napari_toposeg.plugin.finetune.annotate.annotations import read_annotation
from napari_toposeg.plugin.finetune.annotate.suggestions import Suggestion, suggest_run
from napari_toposeg.plugin.loading import load_learning
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.plotting import VERMILION
from napari_toposeg.progress import Run, finish
from napari_toposeg.volume import Volume

DOUBTFUL = "doubtful voxels"


def suggest_slices(
    viewer: ViewerModel,
    image: Layer,
    *,
    annotation: Any = None,
    probability: Any = None,
    model: str | None = None,
    axis: int | None = None,
    count: int = 5,
) -> tuple[Suggestion, ...]:
    """Suggest slices of an image to paint next, and wait for them.

    Parameters
    ----------
    viewer
        The viewer.
    image
        The scan.
    annotation
        Annotation layer, whose slices are not suggested again.
    probability
        Layer of probabilities on the image's grid, by which slices are ranked.
    model
        Where there is no such layer: the model that makes one. Without either, the image ranks.
    axis
        Axis across which slices are suggested; by default that of the view.
    count
        Number of slices.

    Raises
    ------
    InvalidConfig
        If the probability lies on another grid.
    """
    axis = slice_axis(viewer) if axis is None else axis
    spacing = tuple(map(float, image.scale))
    painted = (
        () if annotation is None else read_annotation(np.asarray(annotation.data)).across(axis)
    )
    if probability is None and model is not None:
        probability = show_probability(
            viewer, finish(probability_run(layer_to_volume(image), model))
        )
    if probability is None:
        voxels = np.asarray(image.data)
        return finish(suggest_run(painted, axis, spacing, image=voxels, count=count))
    if probability.data.shape != image.data.shape:
        raise InvalidConfig(
            f"{probability.name} {probability.data.shape} and {image.name} {image.data.shape} "
            "differ in shape; choose a probability of this image"
        )
    voxels = np.asarray(probability.data)
    return finish(suggest_run(painted, axis, spacing, probability=voxels, count=count))


def ranking_run(
    volume: Volume,
    painted: Sequence[int],
    axis: int,
    spacing: Sequence[float],
    *,
    is_probability: bool,
) -> Run[tuple[Suggestion, ...]]:
    """Rank slices by a probability or by the image itself, read first; see `suggest_run`."""
    voxels = (yield from load_run(volume)).voxels
    if is_probability:
        return (yield from suggest_run(painted, axis, spacing, probability=voxels))
    return (yield from suggest_run(painted, axis, spacing, image=voxels))


def probability_run(volume: Volume, model: str) -> Run[Volume]:
    """Compute the probability of any class with a segmentation model."""
    volume = yield from load_run(volume)
    yield from load_learning()
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.predict import segment

    settings = read_settings()
    choose_threads(settings.worker_threads)
    found = yield from segment(volume, model, device=settings.device, overlap=settings.overlap)
    return found.probability


def predicted_suggest_run(
    volume: Volume, model: str, painted: Sequence[int], axis: int, spacing: Sequence[float]
) -> Run[tuple[tuple[Suggestion, ...], Volume]]:
    """Compute a probability, and rank the slices by it; see `suggest_run`."""
    probability = yield from probability_run(volume, model)
    found = yield from suggest_run(painted, axis, spacing, probability=probability.voxels)
    return found, probability


def show_probability(viewer: ViewerModel, probability: Volume) -> Any:
    """Add a probability as a hidden layer, and return it."""
    active = viewer.layers.selection.active
    made = add_volume(viewer, probability, "probability", visible=False)
    # The annotation stays in hand.
    viewer.layers.selection.active = active
    return made


def go_to_suggestion(viewer: ViewerModel, layer: Layer, suggestion: Suggestion) -> Any:
    """Show a suggested slice and mark its doubtful voxels; return the Points layer of the marks.

    Parameters
    ----------
    viewer
        Viewer to lead there.
    layer
        A layer on whose grid the slice lies.
    suggestion
        Where to go.
    """
    face_slices(viewer, suggestion.axis)
    points = points_on(viewer, layer, DOUBTFUL, tr("doubtful voxels"))
    points.data = suggestion.voxels.astype(float)
    # One word, at the heaviest: several would cover each other and the voxels.
    words = [tr("in doubt"), *[""] * (len(suggestion.voxels) - 1)]
    points.features = {"what": words[: len(suggestion.voxels)]}
    points.face_color = CLEAR
    write_on(points, "{what}", VERMILION)
    voxel = (np.array(layer.data.shape) - 1) // 2
    voxel[suggestion.axis] = suggestion.index
    if len(suggestion.voxels):
        voxel = suggestion.voxels[0]
    jump_to(viewer, layer, voxel.tolist())
    return points


def face_slices(viewer: ViewerModel, axis: int) -> None:
    """Turn the view so that it shows the slices across an axis ``(z, y, x)``."""
    viewer.dims.ndisplay = 2
    if slice_axis(viewer) != axis:
        first = viewer.dims.ndim - 3
        others = [first + other for other in range(3) if other != axis]
        viewer.dims.order = (*range(first), first + axis, *others)
