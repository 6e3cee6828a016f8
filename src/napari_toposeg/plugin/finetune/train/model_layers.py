"""Layers of what a model sees: the live preview of a training, and a scan before and after it.

The one idea: each is one small Labels layer, of the part that was predicted, at its place in the
scan, known by its role; a person may rename, move or remove it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.plugin.canvas.marks import ROLE, layer_with, slice_axis
from napari_toposeg.plugin.canvas.regions import Region, box_region
from napari_toposeg.plugin.finetune.train.before_after import BeforeAfter, Side
from napari_toposeg.plugin.segment.actions import class_colormap
from napari_toposeg.plugin.translation import mark, tr

PREVIEW, BEFORE, AFTER = "live preview", "before training", "after training"
WINDOWS = 1.75
"""Edge of what is previewed, in windows of the model: four overlapping windows of a slice."""


def slice_region(viewer: ViewerModel, layer: Layer, window: float) -> Region | None:
    """Return the part of the slice in view about the middle of the view; None outside of a layer.

    Parameters
    ----------
    window
        Edge of a model's window in mm.
    """
    try:
        box = list(box_region(viewer, layer, WINDOWS * window))
    except InvalidVolume:
        return None
    axis = slice_axis(viewer)
    middle = (box[axis].start + box[axis].stop) // 2
    at = float(viewer.dims.point[axis - 3])
    here = round((at - float(layer.translate[axis])) / float(layer.scale[axis]))
    here = here if box[axis].start <= here < box[axis].stop else middle
    box[axis] = slice(here, here + 1)
    z, y, x = box
    return z, y, x


def part_in_view(
    viewer: ViewerModel, layer: Layer, crop: Sequence[int], spacing: Sequence[float]
) -> Region:
    """Return a box about the middle of the view, a few windows of a model wide.

    Parameters
    ----------
    crop, spacing
        Of the model, ``(z, y, x)`` in voxels and in mm.

    Raises
    ------
    InvalidVolume
        If the middle of the view lies outside of the layer.
    """
    edges = [WINDOWS * size * step for size, step in zip(crop, spacing, strict=True)]
    boxes = [box_region(viewer, layer, edge)[axis] for axis, edge in enumerate(edges)]
    return boxes[0], boxes[1], boxes[2]


def show_part(
    viewer: ViewerModel,
    like: Layer,
    labels: NDArray[np.uint8],
    origin: NDArray[np.integer],
    *,
    role: str,
    name: str,
    classes: int,
    contour: int = 0,
) -> Any:
    """Draw labels of a part of a layer, in the layer of a role, and return that.

    Parameters
    ----------
    like
        The layer that they are a part of.
    origin
        Index in it of their first voxel.
    contour
        Thickness of the outlines that are drawn in place of areas; 0: areas.
    """
    place = np.asarray(like.translate) + np.asarray(like.scale) * np.asarray(origin)
    layer = layer_with(viewer, role)
    if layer is None:
        active = viewer.layers.selection.active
        layer = viewer.add_labels(
            labels,
            name=name,
            opacity=0.5,
            scale=like.scale,
            translate=place,
            units=like.units,
            axis_labels=like.axis_labels,
            metadata={ROLE: role},
        )
        # Painting goes on in the layer that was painted.
        viewer.layers.selection.active = active
        layer.editable = False
        layer.contour = contour
    else:
        # Filled anew: napari takes half a second to remove a layer, in which nothing moves.
        layer.data = labels
        layer.scale, layer.translate = like.scale, place
        layer.name = name
    layer.colormap = class_colormap(classes)
    return layer


def show_sides(viewer: ViewerModel, like: Layer, found: BeforeAfter) -> None:
    """Draw what both models see, that of the model after on top and in view."""
    origin = np.array([part.start for part in found.region])

    def draw(side: Side, role: str, name: str) -> Any:
        shown = tr(name).format(model=side.model)
        count = len(side.classes)
        return show_part(viewer, like, side.labels, origin, role=role, name=shown, classes=count)

    draw(found.before, BEFORE, mark("before: {model}")).visible = False
    draw(found.after, AFTER, mark("after: {model}")).visible = True


def flip(viewer: ViewerModel) -> str | None:
    """Show the one of before and after that is hidden, hide the other; return the role shown."""
    before, after = layer_with(viewer, BEFORE), layer_with(viewer, AFTER)
    if before is None or after is None:
        return None
    before.visible, after.visible = after.visible, not after.visible
    return AFTER if after.visible else BEFORE


def hide_preview(viewer: ViewerModel) -> None:
    """Hide the live preview: the model that it showed is no more."""
    layer = layer_with(viewer, PREVIEW)
    if layer is not None:
        layer.visible = False
