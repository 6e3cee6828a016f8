"""Finding and mending errors from a notebook: what the pages Errors and Repair do, as functions.

The one idea: a layer comes in, a layer and a result come out, on any viewer, without the dock.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names, layer_to_volume
from napari_toposeg.plugin.topology.errors.applying import write_edits
from napari_toposeg.plugin.topology.errors.comparison import (
    Against,
    Comparison,
    compare_labels,
    compare_with_wanted,
)
from napari_toposeg.plugin.topology.errors.overlays import show_defects
from napari_toposeg.plugin.topology.errors.repairing import Proposal, propose
from napari_toposeg.progress import finish

Wanted = Mapping[int, Sequence[int]]


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
        If both another layer and wanted numbers are given, or numbers cannot be.
    ShapeMismatch
        If the layers differ in shape.
    """
    if other is not None and wanted:
        raise InvalidConfig(
            "both another layer and wanted numbers are given; hold the labels against one of them"
        )
    volume = layer_to_volume(prediction)
    sure = None if probability is None else layer_to_volume(probability).voxels
    names = class_names(prediction)
    if wanted:
        run = compare_with_wanted(
            volume.voxels,
            wanted,
            connectivity=connectivity,
            names=names,
            probability=sure,
            spacing=volume.spacing,
        )
    else:
        run = compare_labels(
            volume.voxels,
            None if other is None else layer_to_volume(other).voxels,
            connectivity=connectivity,
            names=names,
            probability=sure,
            spacing=volume.spacing,
            against=against,
        )
    result = finish(run)
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

    It is one stroke, which ``labels.undo()`` takes back.

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
        If the layer is not in the viewer, or if numbers cannot be.
    ShapeMismatch
        If the probability has another shape.
    """
    if labels not in viewer.layers:
        raise InvalidConfig(f"{labels.name} is not in the viewer; add the layer first")
    volume = layer_to_volume(labels)
    run = propose(
        volume.voxels.copy(),
        wanted,
        probability=None if probability is None else layer_to_volume(probability).voxels,
        connectivity=connectivity,
        spacing=volume.spacing,
    )
    proposal = finish(run)
    write_edits(labels, proposal)
    return proposal
