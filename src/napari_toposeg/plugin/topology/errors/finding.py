"""Finding and mending errors from a notebook: what the pages Errors and Repair do, as functions.

The one idea: a layer comes in, a layer and a result come out, on any viewer, without the dock.
"""

from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.label_values import class_sizes
from napari_toposeg.plugin.canvas.layers import class_names, layer_to_volume
from napari_toposeg.plugin.canvas.lazy import finest
from napari_toposeg.plugin.topology.errors.applying import apply_edits
from napari_toposeg.plugin.topology.errors.comparison import Against, Comparison
from napari_toposeg.plugin.topology.errors.overlays import show_defects
from napari_toposeg.plugin.topology.errors.reading import (
    Wanted,
    compare_run,
    propose_run,
    still,
)
from napari_toposeg.plugin.topology.errors.repairing import Proposal
from napari_toposeg.progress import finish


def list_classes(layer: Any) -> dict[int, int]:
    """Return how many voxels each class of a Labels layer has, by label.

    Parameters
    ----------
    layer
        Labels layer, in memory or not: it is read slab by slab, and none of it is kept.
    """
    return class_sizes(finest(layer))


def compare_layers(
    viewer: ViewerModel,
    prediction: Layer,
    other: Layer | None = None,
    *,
    wanted: Wanted | None = None,
    against: Against = "truth",
    probability: Layer | None = None,
    connectivity: int = 26,
) -> Comparison:
    """Find what is wrong with a label map, lay it over the viewer, and return it.

    Parameters
    ----------
    viewer
        Viewer that gets the overlay.
    prediction
        Labels layer that is judged.
    other
        Labels layer on the same grid that it is held against.
    wanted
        Betti numbers ``(b0, b1, b2)`` by label, where there is no other layer.
    against
        ``"truth"``, or ``"reference"`` where nobody knows which of the two is right.
    probability
        Image layer of the foreground's probability, in 0..1, which says what errors cost.
    connectivity
        Connectivity of the foreground: 26 or 6.

    Returns
    -------
    Comparison
        ``rows()`` are the errors, ``number_rows()`` the Betti numbers, as plain values.

    Raises
    ------
    InvalidConfig
        If both another layer and wanted numbers are given, if numbers cannot be, or if the
        probability does not lie in 0..1.
    ShapeMismatch
        If the layers differ in shape.
    """
    if other is not None and wanted:
        raise InvalidConfig(
            "both another layer and wanted numbers are given; hold the labels against one of them"
        )
    result, _ = finish(
        compare_run(
            layer_to_volume(prediction, read=False),
            None if other is None else layer_to_volume(other, read=False),
            None if probability is None else layer_to_volume(probability, read=False),
            wanted=wanted,
            connectivity=connectivity,
            names=class_names(prediction),
            against=against,
        )
    )
    if result.defects is not None:
        # Against a truth the outline is seldom of interest; of a repair every edit is.
        shown = None if wanted else result.defects.is_critical
        show_defects(viewer, prediction, result.defects, shown=shown, against=result.against)
    return result


def repair_layer(
    viewer: ViewerModel,
    labels: Any,
    wanted: Wanted,
    probability: Layer | None = None,
    *,
    connectivity: int = 26,
) -> Proposal:
    """Give classes of a Labels layer the Betti numbers wanted, and return what was done.

    It is one stroke, which ``labels.undo()`` takes back. Labels that are not in memory (dask, zarr)
    stay as they are: the repaired label map is added to the viewer, named "... repaired".

    Parameters
    ----------
    viewer
        Viewer that holds the layer.
    labels
        Labels layer that is repaired.
    wanted
        Betti numbers ``(b0, b1, b2)`` by label; other classes keep every voxel.
    probability
        Image layer of the foreground's probability, in 0..1; by default the distance from the
        surface says what an edit costs.
    connectivity
        Connectivity of the foreground: 26 or 6.

    Raises
    ------
    InvalidConfig
        If the layer is not in the viewer, if numbers cannot be, or if the probability does not
        lie in 0..1.
    ShapeMismatch
        If the probability has another shape.
    """
    if labels not in viewer.layers:
        raise InvalidConfig(f"{labels.name} is not in the viewer; add the layer first")
    proposal = finish(
        propose_run(
            still(layer_to_volume(labels, read=False)),
            wanted,
            None if probability is None else layer_to_volume(probability, read=False),
            connectivity=connectivity,
        )
    )
    apply_edits(viewer, labels, proposal)
    return proposal
