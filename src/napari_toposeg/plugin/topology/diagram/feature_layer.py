"""The feature itself as a layer: the component, the closed path or the cavity behind a point.

The one idea: features are found in a thread of their own, so that a click never waits for them, and
are shown as one small layer around them, whatever the size of the scan.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from napari_toposeg.plugin.canvas.marks import (
    CLEAR,
    FEATURE,
    ROLE,
    lay,
    layer_with,
    raised,
)
from napari_toposeg.plugin.job import Job
from napari_toposeg.plugin.topology.diagram.coarser import Size3, size3
from napari_toposeg.plugin.topology.diagram.features import MOST_DRAWN, Features, Rows
from napari_toposeg.plugin.topology.diagram.layer_diagram import LayerDiagram
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS
from napari_toposeg.progress import Run
from napari_toposeg.topology import feature_voxels

NAMES = (mark("component"), mark("loop"), mark("cavity"))

DELAY_MS = 100
"""So long after a click a feature is looked for: the view moves first, and needs Python too."""


class Feature(NamedTuple):
    """One feature or several in a box of the layer.

    Parameters
    ----------
    codes
        ``(z, y, x)``: 0 none, 1 component, 2 loop, 3 cavity; in a coarser copy a voxel is a block
        of the layer's.
    low
        First voxel of the box in the excerpt.
    offset, step
        Where the excerpt lies among the layer's voxels, and how many of them one of its voxels is.
    """

    codes: NDArray[np.uint8]
    low: Size3
    offset: Size3
    step: Size3

    @property
    def first(self) -> NDArray[np.float64]:
        """Place of the first voxel among the layer's, a fraction in a coarser copy."""
        step = np.array(self.step)
        place: NDArray[np.float64] = np.array(self.offset) + self.low * step + (step - 1) / 2
        return place


def find_feature(found: LayerDiagram, row: int) -> Feature:
    """Return the voxels of a feature of a layer's diagram."""
    excerpt = found.excerpt
    mask = feature_voxels(excerpt.voxels, found.diagram, row).reshape(excerpt.grid)
    voxels = np.argwhere(mask)
    low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    codes = mask[box] * np.uint8(found.diagram.dimension[row] + 1)
    return Feature(codes, size3(low), excerpt.offset, excerpt.step)


def overlaid(features: list[Feature]) -> Feature:
    """Return several features of one excerpt in one box, the small ones over the large."""
    low = np.min([each.low for each in features], axis=0)
    high = np.max([np.add(each.low, each.codes.shape) for each in features], axis=0)
    codes = np.zeros(high - low, np.uint8)
    for each in sorted(features, key=lambda each: -np.count_nonzero(each.codes)):
        start = np.array(each.low) - low
        cut = tuple(slice(a, a + n) for a, n in zip(start, each.codes.shape, strict=True))
        codes[cut] = np.where(each.codes > 0, each.codes, codes[cut])
    return Feature(codes, size3(low), features[0].offset, features[0].step)


def feature_run(features: Features, rows: Rows) -> Run[Feature]:
    """Find features in the background, at least one of them."""
    found = []
    for row in rows:
        part, own = features.origin(int(row))
        find = partial(find_feature, features.parts[part], own)
        found.append((yield from wait_for(find, tr("Feature"), seconds=1)))
    return overlaid(found)


def show_feature(viewer: ViewerModel, layer: Layer, feature: Feature) -> Any:
    """Show features over the layer that they belong to, and return their Labels layer."""
    old = layer_with(viewer, FEATURE)
    if old is not None and tuple(old.units) != tuple(layer.units):
        viewer.layers.remove(old)
        old = None
    if old is None:
        return add_feature(viewer, layer, feature)
    # A new layer for each feature would take napari much longer.
    old.data, old.name = feature.codes, name_of(feature)
    lay(old, scale_of(layer, feature), layer.data_to_world(feature.first))
    raised(viewer, old)
    return old


def add_feature(viewer: ViewerModel, layer: Layer, feature: Feature) -> Any:
    """Add a Labels layer of features, and return it."""
    active = viewer.layers.selection.active
    colours = {k + 1: style.colour for k, style in enumerate(DIMENSIONS)}
    shown = viewer.add_labels(
        feature.codes,
        name=name_of(feature),
        scale=scale_of(layer, feature),
        translate=np.array(layer.data_to_world(feature.first)),
        units=layer.units,
        axis_labels=layer.axis_labels,
        colormap=DirectLabelColormap(color_dict={None: CLEAR, 0: CLEAR} | colours),
        features={"index": range(4), "feature": [tr("none"), *map(tr, NAMES)]},
        opacity=0.7,
        metadata={ROLE: FEATURE},
    )
    shown.editable = False
    # The layer that a person works on stays the active one.
    viewer.layers.selection.active = active
    return shown


def scale_of(layer: Layer, feature: Feature) -> NDArray[np.float64]:
    """Return the size of a feature's voxels."""
    scale: NDArray[np.float64] = np.array(layer.scale) * feature.step
    return scale


def name_of(feature: Feature) -> str:
    """Return what the layer of features is called."""
    kinds = np.unique(feature.codes[feature.codes > 0]) - 1
    what = tr(NAMES[kinds[0]]) if len(kinds) == 1 else tr("features")
    return tr("{what} of the diagram").format(what=what)


class FeatureDrawer(QObject):
    """Finds the features that were chosen last, beside whatever job runs, and shows them."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.job: Job | None = None

    def draw(self, layer: Any, features: Features, rows: Rows) -> None:
        """Show features as soon as they are found; those that are still looked for are dropped."""
        self.forget()
        job = Job(partial(feature_run, features, rows[:MOST_DRAWN]), tr("Feature"))
        job.finished.connect(partial(self._show, layer))
        self.job = job
        QTimer.singleShot(DELAY_MS, partial(self._start, job))

    def forget(self) -> None:
        """Drop what is still looked for."""
        if self.job is not None:
            self.job.abandon()
            self.job = None

    def clear(self) -> None:
        """Drop it, and take the layer away."""
        self.forget()
        shown = layer_with(self._viewer, FEATURE)
        if shown is not None:
            self._viewer.layers.remove(shown)

    def _start(self, job: Job) -> None:
        if job is self.job:
            job.start()

    def _show(self, layer: Any, feature: Feature) -> None:
        if layer in self._viewer.layers:
            show_feature(self._viewer, layer, feature)
