"""Features as marks in the viewer: many at once as points, and the set of voxels at a threshold.

The one idea: the set at a threshold is not computed; it is the same array with a window of grey
values that has no width, so it follows the threshold at once, whatever the size. All of it works on
any viewer, without the dock.
"""

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.colormaps import Colormap

from napari_toposeg.plugin.canvas.marks import (
    CLEAR,
    LEVEL,
    PAIR,
    ROLE,
    SELECTED,
    layer_with,
    points_on,
    show,
    write_on,
)
from napari_toposeg.plugin.topology.diagram.excerpt import Excerpt
from napari_toposeg.plugin.topology.diagram.features import MOST_MARKED, Features, Rows
from napari_toposeg.plugin.topology.diagram.layer_diagram import LayerDiagram
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.plotting import BLUE, DIMENSIONS

SHARP = 1e-5
"""Width of the window at a threshold, in parts of the range of values."""


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
    points = points_on(viewer, layer, PAIR, tr("birth and death"))
    another = len(points.data) != np.count_nonzero(kept)
    points.data = ends[kept]
    words = [tr("birth of b{dimension}").format(dimension=dimension), tr("death")]
    points.features = {"end": np.array(words)[kept]}
    if another:
        points.symbol = np.array(["disc", "cross"])[kept]
        points.face_color = [[CLEAR, "#FFFFFF"][end] for end in np.flatnonzero(kept)]
    write_on(points, "{end}", DIMENSIONS[dimension].colour)
    return points


def mark_features(viewer: ViewerModel, layer: Layer, features: Features, rows: Rows) -> Any:
    """Mark birth (disc) and death (cross) voxels of features in a Points layer, and return it.

    Parameters
    ----------
    viewer
        Viewer that gets the marks.
    layer
        Layer on whose grid the features lie.
    features
        The features.
    rows
        Which of them, the most persistent first; `MOST_MARKED` at most are marked.
    """
    rows = rows[:MOST_MARKED]
    ends = np.concatenate([features.births[rows], features.deaths[rows]])
    there = np.isfinite(ends).all(axis=1)
    dimensions = np.tile(features.dimension[rows], 2)[there]
    dies = np.repeat([False, True], len(rows))[there]
    colours = np.array([style.colour for style in DIMENSIONS])[dimensions]
    points = points_on(viewer, layer, SELECTED, tr("selected features"))
    points.data = ends[there]
    points.size = max(1.5, 0.015 * max(layer.data.shape))
    points.features = {
        "feature": np.tile(rows, 2)[there],
        "dimension": dimensions,
        "end": np.where(dies, tr("death"), tr("birth")),
    }
    points.symbol = np.where(dies, "cross", "disc")
    points.face_color = np.where(dies, "#FFFFFF", CLEAR)
    points.border_color = colours
    points.selected_data = set()
    show(points)
    return points


def show_level(
    viewer: ViewerModel, layer: Layer, excerpt: Excerpt, level: float, *, superlevel: bool
) -> Any:
    """Show the voxels at or beyond a threshold over a layer, and return the Image layer.

    Parameters
    ----------
    viewer
        Viewer that gets the layer.
    layer
        Layer that the excerpt is of.
    excerpt
        What the threshold is a value of.
    level
        The threshold.
    superlevel
        True for the voxels above it, False for those below.
    """
    shown = layer_with(viewer, LEVEL)
    if shown is None:
        active = viewer.layers.selection.active
        shown = viewer.add_image(
            excerpt.voxels.reshape(excerpt.grid),
            name=tr("voxels at the threshold"),
            colormap=Colormap([CLEAR, BLUE] if superlevel else [BLUE, CLEAR], name="level set"),
            contrast_limits=_window(excerpt, level, superlevel),
            scale=np.array(layer.scale) * excerpt.step,
            translate=np.array(
                layer.data_to_world(np.array(excerpt.offset) + (np.array(excerpt.step) - 1) / 2)
            ),
            units=layer.units,
            axis_labels=layer.axis_labels,
            blending="translucent_no_depth",
            opacity=0.6,
            metadata={ROLE: LEVEL},
        )
        viewer.layers.selection.active = active
    shown.contrast_limits = _window(excerpt, level, superlevel)
    return shown


def _window(excerpt: Excerpt, level: float, superlevel: bool) -> tuple[float, float]:
    # The canvas holds values as float32: the window must be wider than its steps there.
    width = max(SHARP, 4 * float(np.finfo(np.float32).eps)) * max(abs(level), 1e-3)
    return (level - width, level) if superlevel else (level, level + width)
