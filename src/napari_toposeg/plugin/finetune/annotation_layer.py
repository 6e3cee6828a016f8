"""The annotation as a napari layer: made on an image's grid, coloured, filled with background.

The one idea: all that a person can do to an annotation besides painting is a plain function here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.canvas.marks import ANNOTATION, ROLE, slice_axis, voxel_at
from napari_toposeg.plugin.finetune.annotations import BACKGROUND, unlabelled_voxels
from napari_toposeg.plugin.widgets.plotting import CLASS_COLOURS


def new_annotation(viewer: ViewerModel, image: Layer, classes: Sequence[str] = ()) -> Any:
    """Add an empty annotation layer on an image's grid, ready to be painted, and return it.

    Parameters
    ----------
    viewer
        Viewer that gets the layer.
    image
        Layer whose grid it takes.
    classes
        Names of the labels 1, 2, ...
    """
    layer = viewer.add_labels(
        np.zeros(image.data.shape, np.uint8),
        name=f"{image.name} annotation",
        scale=image.scale,
        translate=image.translate,
        units=image.units,
        axis_labels=image.axis_labels,
        colormap=annotation_colormap(),
        features=annotation_features(classes),
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
        Layer on whose grid the labels lie; the names of its classes are kept.
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
    names = class_names(layer)
    classes = [names.get(number, f"class {number}") for number in range(1, labels.max() + 1)]
    made = new_annotation(viewer, layer, classes)
    made.data = np.where(labels == 0, BACKGROUND, labels).astype(np.uint8)
    return made


def annotation_colormap() -> DirectLabelColormap:
    """Return the colours of an annotation: none for 0, grey for background, one for each class."""
    classes = {
        number: CLASS_COLOURS[(number - 1) % len(CLASS_COLOURS)] for number in range(1, BACKGROUND)
    }
    clear = "#00000000"
    return DirectLabelColormap(color_dict={None: clear, 0: clear, BACKGROUND: "#808080"} | classes)


def annotation_features(classes: Sequence[str]) -> dict[str, list[Any]]:
    """Return the names that napari shows for the labels under the cursor."""
    numbers = [0, *range(1, len(classes) + 1), BACKGROUND]
    return {"index": numbers, "class": ["unlabelled", *classes, "background"]}


def fill_slice(viewer: ViewerModel, layer: Any) -> int:
    """Paint the unlabelled voxels of the slice in view as background; return how many there were.

    Raises
    ------
    InvalidConfig
        If the viewer shows 3D, where no slice is in view.
    """
    if viewer.dims.ndisplay != 2:
        raise InvalidConfig("no single slice is shown in 3D; press the 2D / 3D button first")
    axis = slice_axis(viewer)
    voxel = voxel_at(viewer, layer, viewer.dims.point)
    voxels = unlabelled_voxels(np.asarray(layer.data), axis, voxel[axis])
    if len(voxels[0]):
        layer.data_setitem(voxels, BACKGROUND)
    return len(voxels[0])
