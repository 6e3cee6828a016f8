"""The feature itself as a layer: the component, the closed path or the cavity behind a point.

The one idea: a feature is found in a thread of its own, so that a click never waits for it, and is
shown as a small layer around it, whatever the size of the scan.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_toposeg.plugin.canvas.marks import CLEAR, FEATURE, ROLE, layer_with
from napari_toposeg.plugin.job import Job
from napari_toposeg.plugin.topology.layer_diagram import LayerDiagram
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS
from napari_toposeg.progress import Run
from napari_toposeg.topology import feature_voxels

NAMES = ("component", "loop", "cavity")


class Feature(NamedTuple):
    """A feature's voxels in a box of the layer.

    Parameters
    ----------
    mask
        ``(z, y, x)``, True on the feature; in a coarser copy a voxel is a block of the layer's.
    first
        Place of the mask's first voxel among the layer's voxels, a fraction in a coarser copy.
    step
        Voxels of the layer along ``(z, y, x)`` that one voxel of the mask is.
    dimension
        0 component, 1 loop, 2 cavity.
    """

    mask: NDArray[np.bool_]
    first: NDArray[np.float64]
    step: tuple[int, int, int]
    dimension: int


def find_feature(found: LayerDiagram, row: int) -> Feature:
    """Return the voxels of a feature of a layer's diagram."""
    excerpt = found.excerpt
    mask = feature_voxels(excerpt.voxels, found.diagram, row).reshape(excerpt.grid)
    low, high = (np.argwhere(mask).min(axis=0), np.argwhere(mask).max(axis=0))
    box = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
    step = np.array(excerpt.step)
    first = np.array(excerpt.offset) + low * step + (step - 1) / 2
    return Feature(mask[box], first, excerpt.step, int(found.diagram.dimension[row]))


def feature_run(found: LayerDiagram, row: int) -> Run[Feature]:
    """Find a feature in the background."""
    return (yield from wait_for(partial(find_feature, found, row), "Feature", seconds=1))


def show_feature(viewer: ViewerModel, layer: Layer, feature: Feature) -> Any:
    """Show a feature over the layer that it belongs to, and return its Labels layer."""
    old = layer_with(viewer, FEATURE)
    visible = True if old is None else old.visible
    if old is not None:
        viewer.layers.remove(old)
    active = viewer.layers.selection.active
    style = DIMENSIONS[feature.dimension]
    shown = viewer.add_labels(
        feature.mask.astype(np.uint8),
        name=f"{NAMES[feature.dimension]} of the diagram",
        scale=np.array(layer.scale) * feature.step,
        translate=np.array(layer.data_to_world(feature.first)),
        units=layer.units,
        axis_labels=layer.axis_labels,
        colormap=DirectLabelColormap(color_dict={None: CLEAR, 0: CLEAR, 1: style.colour}),
        opacity=0.7,
        metadata={ROLE: FEATURE},
        visible=visible,
    )
    shown.editable = False
    # The layer that a person works on stays the active one.
    viewer.layers.selection.active = active
    return shown


class FeatureDrawer(QObject):
    """Finds the feature that was chosen last, beside whatever job runs, and shows it."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.job: Job | None = None

    def draw(self, layer: Any, found: LayerDiagram, row: int) -> None:
        """Show a feature as soon as it is found; one that is still looked for is dropped."""
        self.forget()
        job = Job(partial(feature_run, found, row), "Feature")
        job.finished.connect(partial(self._show, layer))
        self.job = job
        job.start()

    def forget(self) -> None:
        """Drop the feature that is still looked for."""
        if self.job is not None:
            self.job.abandon()
            self.job = None

    def clear(self) -> None:
        """Drop it, and take the layer away."""
        self.forget()
        shown = layer_with(self._viewer, FEATURE)
        if shown is not None:
            self._viewer.layers.remove(shown)

    def _show(self, layer: Any, feature: Feature) -> None:
        if layer in self._viewer.layers:
            show_feature(self._viewer, layer, feature)
