"""Features, errors and edits as marks and overlays in the viewer.

The one idea: a mark says what it marks by shape, colour and a word. All of it works on any viewer,
without the dock.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.marks import (
    CLEAR,
    DEFECTS,
    EDITS,
    PAIR,
    mark_here,
    points_on,
    show_codes,
    write_on,
)
from napari_toposeg.plugin.topology.layer_diagram import LayerDiagram
from napari_toposeg.plugin.topology.repairing import Proposal
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS, EDIT_COLOURS, kind_colours
from napari_toposeg.topology import Defects


def mark_pair(viewer: ViewerModel, layer: Layer, found: LayerDiagram, row: int) -> Any:
    """Mark the birth and the death voxel of a feature in a Points layer, and return that layer.

    Parameters
    ----------
    viewer
        Viewer that gets the marks.
    layer
        Layer that the diagram was computed of.
    found
        The diagram.
    row
        Row of the feature.
    """
    ends = np.stack([found.births[row], found.deaths[row]])
    kept = np.isfinite(ends).all(axis=1)
    dimension = int(found.diagram.dimension[row])
    points = points_on(viewer, layer, PAIR, "birth and death")
    points.data = ends[kept]
    words = [f"birth of b{dimension}", "death"]
    points.features = {"end": np.array(words)[kept]}
    points.symbol = np.array(["disc", "cross"])[kept]
    points.face_color = [[CLEAR, "#FFFFFF"][end] for end in np.flatnonzero(kept)]
    write_on(points, "{end}", DIMENSIONS[dimension].colour)
    return points


def mark_defect(viewer: ViewerModel, layer: Layer, defects: Defects, chosen: int) -> Any:
    """Ring the centre of a defect in a Points layer, and return that layer.

    Parameters
    ----------
    viewer
        Viewer that gets the mark.
    layer
        Layer on whose grid the defects lie.
    defects
        All defects.
    chosen
        Id of the defect, from 1.
    """
    return mark_here(
        viewer, layer, defects.centre[chosen - 1], str(defects.kind[chosen - 1]), "current error"
    )


def show_edits(viewer: ViewerModel, layer: Layer, proposal: Proposal) -> Any:
    """Show the edits of a repair as an overlay: what is added, taken away, and left as it was.

    Returns
    -------
    Labels
        The overlay, made if there is none.
    """
    codes = np.zeros(proposal.before.size, np.uint8)
    for each in proposal.edits:
        kind = "refused" if not each.edit.accepted else "adds" if each.edit.adds else "removes"
        codes[each.edit.voxels] = list(EDIT_COLOURS).index(kind) + 1
    return show_codes(
        viewer, layer, EDITS, codes.reshape(proposal.before.shape), dict(EDIT_COLOURS), "edit"
    )


def show_defects(viewer: ViewerModel, layer: Layer, defects: Defects) -> Any:
    """Show defects as an overlay coloured by kind, and return its Labels layer.

    Parameters
    ----------
    viewer
        Viewer that gets the overlay.
    layer
        Layer on whose grid the defects lie.
    defects
        What to show.
    """
    kinds = sorted(set(map(str, defects.kind)))
    codes = kind_codes(defects, kinds)
    return show_codes(viewer, layer, DEFECTS, codes, kind_colours(kinds), "error")


def kind_codes(defects: Defects, kinds: Sequence[str]) -> NDArray[np.uint8]:
    """Return for each voxel the place, from 1, of its defect's kind in a list of kinds, else 0."""
    place = {kind: code for code, kind in enumerate(kinds, start=1)}
    codes = np.array([0, *(place.get(str(kind), 0) for kind in defects.kind)], dtype=np.uint8)
    return codes[defects.labels]
