"""What the Fine-tune tab does, as functions that a notebook can call on a viewer."""

from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer

from napari_toposeg.plugin.canvas.layers import layer_to_volume
from napari_toposeg.plugin.canvas.marks import slice_axis
from napari_toposeg.plugin.finetune.annotate.annotation_layer import (
    annotation_of,
    fill_slice,
    new_annotation,
    set_classes,
)
from napari_toposeg.plugin.finetune.annotate.mask_import import (
    Extent,
    classes_for,
    import_file_run,
    import_run,
)
from napari_toposeg.plugin.finetune.annotate.slice_tools import (
    accept_guess,
    copy_slice,
    guess_slices,
    refuse_guess,
    show_guess,
)
from napari_toposeg.plugin.finetune.annotate.suggesting import go_to_suggestion, suggest_slices
from napari_toposeg.plugin.finetune.teaching import finetune_layer
from napari_toposeg.plugin.finetune.train.exporting import export_with_card
from napari_toposeg.progress import finish

__all__ = [
    "accept_guess",
    "annotation_from_mask",
    "annotation_of",
    "copy_slice",
    "export_with_card",
    "fill_slice",
    "finetune_layer",
    "go_to_suggestion",
    "guess_slices",
    "new_annotation",
    "refuse_guess",
    "set_classes",
    "show_guess",
    "suggest_slices",
]


def annotation_from_mask(
    viewer: ViewerModel,
    image: Layer,
    mask: Any,
    *,
    extent: Extent = "all",
    axis: int | None = None,
) -> Any:
    """Add an annotation of an image that is made of a mask, on whatever grid, and return it.

    Parameters
    ----------
    viewer
        Viewer that gets the layer.
    image
        The scan.
    mask
        A Labels layer, whose names and colours are kept, or the path of a label map.
    extent
        ``"all"``: all voxels of the mask are labelled; ``"slices"``: only those of slices in which
        a class occurs.
    axis
        Axis across which these slices lie; by default that of the view.

    Raises
    ------
    InvalidConfig
        If the mask holds nothing inside of the image, or too many classes.
    """
    axis = slice_axis(viewer) if axis is None else axis
    scan = layer_to_volume(image, read=False)
    if isinstance(mask, str | Path):
        found = finish(import_file_run(Path(mask), scan, extent=extent, axis=axis))
    else:
        volume = layer_to_volume(mask, like=image, read=False)
        known = classes_for(mask, volume)
        found = finish(import_run(volume, scan, known, extent=extent, axis=axis))
    made = new_annotation(viewer, image, found.classes)
    made.data = found.labels
    return made
