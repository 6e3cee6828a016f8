"""What the Diagram page does, as functions that a notebook can call on a viewer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from napari_toposeg.plugin.canvas.marks import jump_to
from napari_toposeg.plugin.canvas.regions import Region
from napari_toposeg.plugin.topology.diagram.excerpt import Extent
from napari_toposeg.plugin.topology.diagram.feature_layer import feature_run, show_feature
from napari_toposeg.plugin.topology.diagram.features import Features
from napari_toposeg.plugin.topology.diagram.layer_diagram import Construction
from napari_toposeg.plugin.topology.diagram.looking import features_run
from napari_toposeg.plugin.topology.diagram.marks import mark_features
from napari_toposeg.progress import finish


def diagram_layer(
    layer: Layer,
    *,
    against: Layer | None = None,
    extent: Extent = "whole",
    box: Region | None = None,
    construction: Construction = "T",
    superlevel: bool = True,
) -> Features:
    """Return the features of a layer, or match them with those of a second one.

    Parameters
    ----------
    layer
        Image or Labels layer ``(z, y, x)``; of labels, the foreground is looked at.
    against
        A second layer on the same grid: each feature gets its partner by Betti matching.
    extent
        ``"whole"``, ``"coarse"`` (means of blocks) or ``"drawn"`` (the box).
    box
        Slices along z, y and x.
    construction
        ``"T"``: 26-connected; ``"V"``: 6-connected.
    superlevel
        True for bright objects.

    Raises
    ------
    InvalidVolume
        If a layer is not one 3D scalar array, or the box is missing or empty.
    ShapeMismatch
        If the layers do not lie on one grid.
    """
    layers = (layer,) if against is None else (layer, against)
    run = features_run(
        layers, extent=extent, box=box, construction=construction, superlevel=superlevel
    )
    return finish(run())


def show_features(
    viewer: ViewerModel, layer: Layer, features: Features, rows: Sequence[int]
) -> tuple[Any, Any]:
    """Go to a feature, mark the ends of some and draw their voxels.

    Parameters
    ----------
    viewer
        Viewer that gets the layers.
    layer
        Layer that the features are of.
    features
        What `diagram_layer` gave.
    rows
        Which features, at least one; the view goes to the birth voxel of the first.

    Returns
    -------
    tuple
        The Points layer of births and deaths, and the Labels layer of the features themselves.
    """
    wanted = np.asarray(rows, np.intp)
    jump_to(viewer, layer, features.births[wanted[0]])
    points = mark_features(viewer, layer, features, wanted)
    return points, show_feature(viewer, layer, finish(feature_run(features, wanted)))
