"""DiagramPanel: the persistence diagram of a layer, linked both ways with the canvas.

The one idea: a click on a point leads to its voxels, a click on a voxel lights up its nearest
point. The diagram is computed in the background, of an excerpt whose note stands above it.
"""

from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from napari_toposeg.plugin.canvas.layers import is_image
from napari_toposeg.plugin.canvas.marks import jump_to, slice_axis, voxel_at
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.strip import duration
from napari_toposeg.plugin.topology.diagram_features import Features
from napari_toposeg.plugin.topology.diagram_view import DiagramView, value_range
from napari_toposeg.plugin.topology.excerpt import MOST_VOXELS, Extent
from napari_toposeg.plugin.topology.feature_layer import FeatureDrawer
from napari_toposeg.plugin.topology.layer_diagram import (
    LayerDiagram,
    connectivity_of,
    expected_seconds,
    run_diagram,
)
from napari_toposeg.plugin.topology.marking import mark_pair
from napari_toposeg.plugin.widgets.pickers import LayerPicker, narrow
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS

EXTENTS: dict[str, Extent] = {
    "Whole layer": "whole",
    "Coarser copy": "coarse",
    "Region around the current position": "region",
    "Current slice (2D)": "slice",
}
CONSTRUCTIONS = {"T": "T: 26-connected (2D: 8)", "V": "V: 6-connected (2D: 4)"}
NOISE = 0.05
"""Persistence below this part of the range is hidden at first: mostly noise."""


class DiagramPanel(QWidget):
    """Computes the diagram of a layer, filters it, and leads from points to voxels and back."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.found: LayerDiagram | None = None
        self._source: Any = None
        self.row: int | None = None
        self._at_death = False
        self._drawer = FeatureDrawer(session.viewer)
        self._build_form()
        self._build_view()
        self._lay_out()
        self._connect()
        self._on_layer(self.layers.layer)

    def compute(self) -> None:
        """Start the persistence of the chosen layer in the background."""
        layer = self.layers.layer
        volume = self._session.volume_of(layer)
        viewer = self._session.viewer
        make_run = partial(
            run_diagram,
            volume.voxels,
            EXTENTS[self.extent.currentText()],
            centre=voxel_at(viewer, layer, viewer.dims.point),
            axis=slice_axis(viewer),
            construction=self.construction.currentData(),
            superlevel=self.direction.currentIndex() == 0,
        )
        self._session.start(
            make_run,
            title="Persistence diagram",
            on_result=lambda found: self.show_found(found, layer),
        )

    def show_found(self, found: LayerDiagram, layer: Any) -> None:
        """Show a diagram and link it to the layer that it was computed of."""
        self.found, self._source, self.row = found, layer, None
        diagram = found.diagram
        self.view.set_diagram(diagram)
        low, high = value_range(diagram)
        self.persistence.setRange(0.0, high - low)
        self.persistence.setSingleStep((high - low) / 100)
        self.persistence.setValue(NOISE * (high - low))
        direction = "bright first" if diagram.superlevel else "dark first"
        connectivity = connectivity_of(diagram.construction, len(diagram.shape))
        lines = [f"{layer.name}: {connectivity}, {direction}", found.excerpt.note]
        self.note.setText("\n".join(line for line in lines if line))
        self.filter_rows()
        self._session.say(f"{len(diagram):,} features of {layer.name}")

    def filter_rows(self) -> None:
        """Show the features of the ticked dimensions above the persistence of the slider."""
        if self.found is None:
            return
        ticked = [k for k, box in enumerate(self.dimensions) if box.isChecked()]
        self.view.show_rows(ticked, self.persistence.value())
        self._count(ticked)
        self.selection.setText(
            f"{len(self.view.shown):,} of {len(self.found.diagram):,} features shown. "
            "Click one to see its birth voxel; again: its death voxel."
        )
        self.light_up(self.row if self.row in self.view.shown else None)

    def light_up(self, row: int | None) -> None:
        """Ring a feature in the diagram and mark its voxels, without moving the view."""
        self.row = row
        self.view.highlight(row)
        if row is None or self.found is None:
            return
        self.selection.setText(describe_feature(self.found, row))
        if self._source in self._session.viewer.layers:
            mark_pair(self._session.viewer, self._source, self.found, row)
            self._draw()

    def go_to(self, row: int) -> None:
        """Light up a feature and show the slice of its birth voxel, the second time its death's."""
        if self.found is None:
            return
        again = row == self.row and not self._at_death
        self.light_up(row)
        self._at_death = again and self.found.diagram.death_voxel[row] >= 0
        end = (self.found.deaths if self._at_death else self.found.births)[row]
        if self._source in self._session.viewer.layers:
            jump_to(self._session.viewer, self._source, end)

    def light_up_nearest(self, voxel: tuple[int, int, int]) -> None:
        """Light up the shown feature whose birth or death voxel lies nearest to a voxel."""
        if self.found is None:
            return
        spacing = np.abs(np.asarray(self._source.scale))
        row = Features.of(self.found).nearest(np.asarray(voxel, float), spacing, self.view.shown)
        if row is not None:
            self.light_up(row)

    def _build_form(self) -> None:
        self.layers = LayerPicker(self._session, is_image, empty="no image")
        self.layers.setToolTip("Image or probability layer whose features are looked for")
        self.direction = QComboBox()
        self.direction.addItems(["Bright first (superlevel)", "Dark first (sublevel)"])
        self.direction.setToolTip("Whether bright or dark structures are the objects")
        self.construction = QComboBox()
        for value, text in CONSTRUCTIONS.items():
            self.construction.addItem(text, value)
        self.construction.setToolTip(
            "How voxels of an object are joined: T by faces, edges and corners, V by faces only"
        )
        self.extent = QComboBox()
        self.extent.addItems(list(EXTENTS))
        self.extent.setToolTip("What is looked at: a very large scan takes minutes")
        for combo in (self.direction, self.construction, self.extent):
            narrow(combo)
        self.button = QPushButton("Compute the diagram")
        self.cost = QLabel()
        self.cost.setWordWrap(True)

    def _build_view(self) -> None:
        self.note = _text()
        self.view = DiagramView(self._session.viewer.theme)
        self.dimensions = [QCheckBox(_short(k)) for k in range(len(DIMENSIONS))]
        for box, style in zip(self.dimensions, DIMENSIONS, strict=True):
            box.setChecked(True)
            box.setStyleSheet(f"color: {style.colour}")
            box.setToolTip(f"Show {style.name}")
        self.persistence = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.persistence.setToolTip("Hide features that last shorter, in the layer's unit")
        self.selection = _text()
        self.selection.setText("No diagram yet.")
        self.follow = QCheckBox("Clicking a voxel finds its nearest feature")
        self.follow.setChecked(True)
        self.draw = QCheckBox("Draw the chosen feature in the view")
        self.draw.setToolTip(
            "A component just before it merges, a cavity just when it has closed, "
            "a loop as a shortest closed path"
        )
        self.draw.setChecked(True)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("&Layer", self.layers)
        form.addRow("&Objects", self.direction)
        form.addRow("&Joined", self.construction)
        form.addRow("&Of", self.extent)
        boxes = QHBoxLayout()
        for box in self.dimensions:
            boxes.addWidget(box)
        boxes.addStretch(1)
        slider = QFormLayout()
        slider.setContentsMargins(0, 0, 0, 0)
        slider.addRow("&Persistence above", self.persistence)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(form)
        layout.addWidget(self.cost)
        layout.addWidget(self.button)
        layout.addWidget(self.note)
        layout.addWidget(self.view, 1)
        layout.addLayout(boxes)
        layout.addLayout(slider)
        layout.addWidget(self.selection)
        layout.addWidget(self.draw)
        layout.addWidget(self.follow)

    def _connect(self) -> None:
        viewer = self._session.viewer
        self._session.image_layer_changed.connect(self.layers.choose)
        self.layers.layer_chosen.connect(self._on_layer)
        self.extent.currentTextChanged.connect(self._show_cost)
        self.button.clicked.connect(lambda: self._session.attempt(self.compute))
        for box in self.dimensions:
            box.toggled.connect(self.filter_rows)
        self.persistence.valueChanged.connect(self.filter_rows)
        self.view.picked.connect(self.go_to)
        self.draw.toggled.connect(self._draw)
        callback = self._on_mouse
        viewer.mouse_drag_callbacks.append(callback)
        viewer.events.theme.connect(self._on_theme)

        drawer = self._drawer

        def forget() -> None:
            drawer.forget()
            viewer.mouse_drag_callbacks.remove(callback)
            viewer.events.theme.disconnect(self._on_theme)

        self.destroyed.connect(forget)

    def _on_layer(self, layer: Any) -> None:
        self.button.setEnabled(layer is not None)
        if layer is not None:
            whole = int(np.prod(layer.data.shape)) <= MOST_VOXELS
            self.extent.setCurrentIndex(0 if whole else 1)
        self._show_cost()

    def _show_cost(self) -> None:
        layer = self.layers.layer
        if layer is None or EXTENTS[self.extent.currentText()] == "slice":
            self.cost.hide()
            return
        size = int(np.prod(layer.data.shape))
        whole = EXTENTS[self.extent.currentText()] == "whole"
        self.cost.setText(
            f"{' x '.join(map(str, layer.data.shape))}: about "
            f"{duration(expected_seconds(size))}."
            + ("" if whole else f" At most {MOST_VOXELS:,} voxels are looked at.")
        )
        self.cost.setVisible(size > MOST_VOXELS)

    def _count(self, ticked: list[int]) -> None:
        if self.found is None:
            return
        shown = self.found.diagram.dimension[self.view.shown]
        for k, box in enumerate(self.dimensions):
            number = f" {int((shown == k).sum()):,}" if k in ticked else ""
            box.setText(_short(k) + number)

    def _draw(self) -> None:
        """Draw the chosen feature, or take it away."""
        if not self.draw.isChecked():
            self._drawer.clear()
        elif self.found is not None and self.row is not None:
            self._drawer.draw(self._source, self.found, self.row)

    def _on_theme(self) -> None:
        self.view.set_theme(self._session.viewer.theme)

    def _on_mouse(self, viewer: Any, event: Any) -> None:
        """Follow a click in the canvas, unless it paints or the panel is out of sight."""
        if self.found is None or not self.follow.isChecked() or not self.isVisible():
            return
        active = viewer.layers.selection.active
        plain = event.button == 1 and not event.modifiers and viewer.dims.ndisplay == 2
        if plain and getattr(active, "mode", "pan_zoom") == "pan_zoom":
            self.light_up_nearest(voxel_at(viewer, self._source, event.position))


def describe_feature(found: LayerDiagram, row: int) -> str:
    """Say what a feature is, in two lines for a person."""
    diagram = found.diagram
    dimension = int(diagram.dimension[row])
    style = DIMENSIONS[dimension]
    birth = f"born at {diagram.birth[row]:.4g}, voxel {_at(found.births[row])}"
    if diagram.death_voxel[row] < 0:
        return f"{style.glyph} b{dimension}, one of the {style.name}: {birth}; never dies."
    death = f"dies at {diagram.death[row]:.4g}, voxel {_at(found.deaths[row])}"
    length = f"persistence {diagram.persistence[row]:.4g}"
    return f"{style.glyph} b{dimension}, one of the {style.name}: {birth}; {death}; {length}."


def _at(voxel: Any) -> str:
    return "({}, {}, {})".format(*(int(place) for place in voxel))


def _short(dimension: int) -> str:
    return f"{DIMENSIONS[dimension].glyph} b{dimension}"


def _text() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
