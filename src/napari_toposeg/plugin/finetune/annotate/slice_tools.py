"""Slice tools: what helps to paint an annotation, as functions on a viewer.

The one idea: all of them write only where nothing is painted yet, each in one stroke that the layer
can undo; what is guessed is an outline in a layer of its own until a person accepts it.
"""

from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import (
    ROLE,
    layer_with,
    place_of,
    slice_axis,
    voxel_at,
)
from napari_toposeg.plugin.finetune.annotate.annotation_layer import require_slice_view
from napari_toposeg.plugin.finetune.annotate.annotations import read_annotation
from napari_toposeg.plugin.finetune.annotate.between import (
    Between,
    enclosing_slices,
    guess_between,
    nearest_slice,
)
from napari_toposeg.plugin.finetune.annotate.covering import UNLABELLED

GUESS = "guessed annotation"


def slice_in_view(viewer: ViewerModel, layer: Any) -> tuple[int, int]:
    """Return axis and index of the slice of a layer that is in view.

    Raises
    ------
    InvalidConfig
        If the viewer shows 3D.
    """
    require_slice_view(viewer)
    axis = slice_axis(viewer)
    return axis, voxel_at(viewer, layer, viewer.dims.point)[axis]


def copy_slice(viewer: ViewerModel, layer: Any) -> tuple[int, int]:
    """Copy the nearest painted slice into what is unlabelled of the slice in view.

    Returns
    -------
    tuple
        Index of the slice that was copied, and the number of voxels that it gave.

    Raises
    ------
    InvalidConfig
        If the viewer shows 3D, or no other slice of this orientation is painted.
    """
    axis, index = slice_in_view(viewer, layer)
    labels = np.asarray(layer.data)
    source = nearest_slice(read_annotation(labels).across(axis), index)
    given = labels.take(source, axis=axis)
    free = (labels.take(index, axis=axis) == UNLABELLED) & (given != UNLABELLED)
    voxels = list(np.nonzero(free))
    voxels.insert(axis, np.full(len(voxels[0]), index, dtype=np.intp))
    if len(voxels[0]):
        layer.data_setitem(tuple(voxels), given[free])
    return source, len(voxels[0])


def guess_slices(viewer: ViewerModel, layer: Any) -> Between:
    """Guess the slices between the painted ones before and after the slice in view.

    Raises
    ------
    InvalidConfig
        If the viewer shows 3D, or the slice in view does not lie between two painted ones.
    """
    axis, index = slice_in_view(viewer, layer)
    return guess_at(np.asarray(layer.data), axis, index, tuple(map(float, layer.scale)))


def guess_at(labels: Any, axis: int, index: int, spacing: tuple[float, ...]) -> Between:
    """Guess the slices between the painted ones before and after a slice.

    Parameters
    ----------
    labels
        Annotation ``(z, y, x)``.
    axis, index
        The slice.
    spacing
        Voxel size ``(z, y, x)`` in mm.
    """
    slices = read_annotation(labels).across(axis)
    return guess_between(labels, axis, *enclosing_slices(slices, index, axis), spacing)


def show_guess(viewer: ViewerModel, layer: Any, guess: Between) -> Any:
    """Lay a guess over the annotation, as outlines, and return its layer."""
    refuse_guess(viewer)
    active = viewer.layers.selection.active
    shown = viewer.add_labels(
        guess.proposed(np.asarray(layer.data)),
        name=GUESS,
        colormap=layer.colormap,
        metadata={ROLE: GUESS},
        **place_of(layer),
    )
    # Outlines, so that a guess is never taken for what was painted.
    shown.contour = 1
    shown.editable = False
    viewer.layers.selection.active = active
    return shown


def accept_guess(viewer: ViewerModel, layer: Any) -> int:
    """Write the guess that is shown where nothing is painted; return the number of voxels.

    Raises
    ------
    InvalidConfig
        If no guess for this annotation is shown.
    """
    shown = layer_with(viewer, GUESS)
    if shown is None or shown.data.shape != layer.data.shape:
        raise InvalidConfig("there is no guess to accept; press 'Guess between' first")
    guess = np.asarray(shown.data)
    voxels = np.nonzero((guess != UNLABELLED) & (np.asarray(layer.data) == UNLABELLED))
    if len(voxels[0]):
        layer.data_setitem(voxels, guess[voxels])
    viewer.layers.remove(shown)
    return len(voxels[0])


def refuse_guess(viewer: ViewerModel) -> None:
    """Take the guess away that is shown, if there is one."""
    shown = layer_with(viewer, GUESS)
    if shown is not None:
        viewer.layers.remove(shown)
