"""Features as marks in the viewer.

The one idea: a mark says what it marks by shape, colour and a word. It works on any viewer, without
the dock.
"""

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from napari_toposeg.plugin.canvas.marks import CLEAR, PAIR, points_on, write_on
from napari_toposeg.plugin.topology.diagram.layer_diagram import LayerDiagram
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS


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
