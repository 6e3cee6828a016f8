"""The annotation as a napari layer: made on an image's grid, coloured, filled with background.

The one idea: all that a person can do to an annotation besides painting is a plain function here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import ANNOTATION, ROLE, slice_axis, voxel_at
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND, unlabelled_voxels
from napari_toposeg.plugin.finetune.annotate.classes import (
    Classes,
    PaintedClass,
    as_classes,
    classes_of_layer,
    colormap_of,
    features_of,
)


def new_annotation(
    viewer: ViewerModel, image: Layer, classes: Sequence[str | PaintedClass] = ()
) -> Any:
    """Add an empty annotation layer on an image's grid, ready to be painted, and return it.

    Parameters
    ----------
    viewer
        Viewer that gets the layer.
    image
        Layer whose grid it takes.
    classes
        The classes 1, 2, ..., or only their names.
    """
    known = as_classes(classes)
    layer = viewer.add_labels(
        np.zeros(image.data.shape, np.uint8),
        name=f"{image.name} annotation",
        scale=image.scale,
        translate=image.translate,
        units=image.units,
        axis_labels=image.axis_labels,
        colormap=colormap_of(known),
        features=features_of(known),
        opacity=0.5,
        metadata={ROLE: ANNOTATION},
    )
    layer.selected_label = 1
    layer.brush_size = max(1, max(image.data.shape) // 40)
    viewer.layers.selection.active = layer
    return layer


def annotation_of(viewer: ViewerModel, layer: Any, labels: NDArray[np.integer]) -> Any:
    """Add an annotation whose every voxel is labelled, as a label map has it, and return it.

    Parameters
    ----------
    layer
        Layer on whose grid the labels lie; the names and colours of its classes are kept.
    labels
        Label map ``(z, y, x)``, 0 background, classes up to 254.

    Raises
    ------
    InvalidConfig
        If a class is out of that range.
    """
    if labels.min() < 0 or labels.max() >= BACKGROUND:
        raise InvalidConfig(
            f"the labels run from {labels.min()} to {labels.max()}; an annotation holds the "
            f"classes 1 to {BACKGROUND - 1}, so number them so first"
        )
    made = new_annotation(viewer, layer, classes_of_layer(layer, int(labels.max())))
    made.data = np.where(labels == 0, BACKGROUND, labels).astype(np.uint8)
    return made


def set_classes(layer: Any, classes: Classes) -> None:
    """Give an annotation its classes: their names, colours and wanted topology."""
    layer.features = features_of(classes)
    layer.colormap = colormap_of(classes)


def fill_slice(viewer: ViewerModel, layer: Any) -> int:
    """Paint the unlabelled voxels of the slice in view as background; return how many there were.

    Raises
    ------
    InvalidConfig
        If the viewer shows 3D, where no slice is in view.
    """
    require_slice_view(viewer)
    axis = slice_axis(viewer)
    voxel = voxel_at(viewer, layer, viewer.dims.point)
    voxels = unlabelled_voxels(np.asarray(layer.data), axis, voxel[axis])
    if len(voxels[0]):
        layer.data_setitem(voxels, BACKGROUND)
    return len(voxels[0])


def require_slice_view(viewer: ViewerModel) -> None:
    """Raise InvalidConfig if the viewer shows 3D, where no slice is in view."""
    if viewer.dims.ndisplay != 2:
        raise InvalidConfig("no single slice is shown in 3D; press the 2D / 3D button first")
