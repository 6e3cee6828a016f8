"""DiagramForm: of which layer, or of which two, features are looked for, in which part and how.

The one idea: it is said beforehand what a choice costs and what it leaves out.
"""

from typing import Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.canvas.marks import REGION, layer_with, slice_axis, voxel_at
from napari_toposeg.plugin.canvas.regions import draw_region, drawn_region, view_region
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.strip import duration
from napari_toposeg.plugin.topology.diagram.excerpt import MOST_VOXELS, Extent, by
from napari_toposeg.plugin.topology.diagram.layer_diagram import expected_seconds
from napari_toposeg.plugin.topology.diagram.source import has_features
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.pickers import LayerPicker, narrow

EXTENTS: dict[Extent, str] = {
    "whole": mark("Whole layer"),
    "coarse": mark("Coarser copy"),
    "region": mark("Region around the current position"),
    "view": mark("What the view shows"),
    "drawn": mark("Region that you draw"),
    "slice": mark("Current slice (2D)"),
}
CONSTRUCTIONS = {"T": mark("26 / 8"), "V": mark("6 / 4")}
AROUND = 16
"""Slices on either side of a rectangle that bounds a region, at first."""


class DiagramForm(QWidget):
    """What is to be computed."""

    changed = Signal()
    """Another layer or another part was chosen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.layers = LayerPicker(session, has_features, empty=tr("no image"))
        self.others = LayerPicker(session, has_features, empty=tr("nothing"), optional=True)
        self.direction = _combo((True, tr("Bright")), (False, tr("Dark")))
        self.construction = _combo(*((key, tr(text)) for key, text in CONSTRUCTIONS.items()))
        self.extent = _combo(*((key, tr(text)) for key, text in EXTENTS.items()))
        self.draw_button = QPushButton(tr("Draw"))
        self.around = QSpinBox()
        self.around.setRange(0, 9_999)
        self.around.setValue(AROUND)
        self.cost = QLabel()
        self.cost.setWordWrap(True)
        self._set_tips()
        self._lay_out()
        session.image_layer_changed.connect(self.layers.choose)
        self.layers.layer_chosen.connect(self._on_layer)
        self.others.layer_chosen.connect(self._show_cost)
        self.extent.currentIndexChanged.connect(self._show_cost)
        self.draw_button.clicked.connect(lambda: draw_region(session.viewer, self.layers.layer))
        self._on_layer(self.layers.layer)

    @property
    def second(self) -> Any:
        """The layer to compare with, None where there is none."""
        return None if self.others.layer == self.layers.layer else self.others.layer

    def how(self) -> dict[str, Any]:
        """Return the extent, the place and the conventions, as `run_diagram` takes them.

        Raises
        ------
        InvalidVolume
            If the region is to be drawn and is not.
        """
        layer, viewer = self.layers.layer, self._session.viewer
        box = None
        match self.extent.currentData():
            case "view":
                box = view_region(viewer, layer)
            case "drawn":
                box = drawn_region(viewer, layer, self.around.value())
                # The next click in the view shall lead to a feature and draw no more.
                layer_with(viewer, REGION).mode = "pan_zoom"
                viewer.layers.selection.active = layer
        return {
            "extent": self.extent.currentData(),
            "centre": voxel_at(viewer, layer, viewer.dims.point),
            "axis": slice_axis(viewer),
            "box": box,
            "construction": self.construction.currentData(),
            "superlevel": self.direction.currentData(),
        }

    def choose(self, first: Any, second: Any) -> None:
        """Choose two layers, the second may be None."""
        self.layers.choose(first)
        if second is None:
            self.others.setCurrentIndex(0)
        else:
            self.others.choose(second)

    def _set_tips(self) -> None:
        for field, tip in (
            (self.layers, tr("Image, probability or label map whose features are looked for")),
            (
                self.others,
                tr("A second layer on the same grid: its features are matched with the first's"),
            ),
            (self.direction, tr("Objects are bright (superlevel sets) or dark (sublevel sets)")),
            (
                self.construction,
                tr("Neighbours of a voxel, 3D / 2D: 26 / 8 with edges and corners, 6 / 4 by faces"),
            ),
            (self.extent, tr("What is looked at: a very large scan takes minutes")),
            (self.draw_button, tr("Draw a rectangle over the layer; what it bounds is looked at")),
            (
                self.around,
                tr("Slices on either side; rectangles on two slices bound the region themselves"),
            ),
        ):
            field.setToolTip(tip)

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setVerticalSpacing(3)
        self._form.addRow(tr("&Layer"), self.layers)
        self._form.addRow(tr("&Against"), self.others)
        line = QHBoxLayout()
        line.setSpacing(2)
        line.addWidget(self.direction, 1)
        joined = QLabel(tr("&Joined"))
        joined.setBuddy(self.construction)
        line.addWidget(joined)
        line.addWidget(self.construction, 1)
        objects = QLabel(tr("&Objects"))
        objects.setBuddy(self.direction)
        self._form.addRow(objects, line)
        self._form.addRow(tr("&Of"), self.extent)
        self._region = QWidget()
        line = QHBoxLayout(self._region)
        line.setContentsMargins(0, 0, 0, 0)
        label = QLabel(tr("± &slices"))
        label.setBuddy(self.around)
        for field in (self.draw_button, label, self.around):
            line.addWidget(field)
        line.addStretch(1)
        self._form.addRow(self._region)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(self._form)
        layout.addWidget(self.cost)

    def _on_layer(self, layer: Any) -> None:
        if layer is not None:
            whole = int(np.prod(layer.data.shape)) <= MOST_VOXELS
            self.extent.setCurrentIndex(self.extent.findData("whole" if whole else "coarse"))
        self._show_cost()

    def _show_cost(self, _: object = None) -> None:
        self._region.setVisible(self.extent.currentData() == "drawn")
        text = cost_text(self.layers.layer, self.extent.currentData())
        self.cost.setText(text)
        self.cost.setVisible(bool(text))
        self.changed.emit()


def cost_text(layer: Any, extent: Extent) -> str:
    """Say how long a large layer takes, or how many of its voxels are looked at."""
    shape = () if layer is None else tuple(layer.data.shape)
    size = int(np.prod(shape)) if shape else 0
    if size <= MOST_VOXELS or extent == "slice":
        return ""
    if extent == "whole":
        text = tr("{shape}: about {time}.")
        return text.format(shape=by(shape), time=duration(expected_seconds(size)))
    text = tr("{shape}: at most {most:,} voxels are looked at, else a coarser copy of them.")
    return text.format(shape=by(shape), most=MOST_VOXELS)


def _combo(*entries: tuple[Any, str]) -> QComboBox:
    combo = QComboBox()
    for value, text in entries:
        combo.addItem(text, value)
    narrow(combo)
    combo.setMinimumContentsLength(2)
    return combo
