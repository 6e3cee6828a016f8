"""DiagramPanel: the features of a layer, or of two, linked both ways with the canvas.

The one idea: a click on a point, a bar or a line of the list leads to its voxels, a click on a
voxel lights up its nearest feature. What is computed in the background is said above the diagram.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.diagram.feature_plot import NONE
from napari_toposeg.plugin.topology.diagram.features import Features, Rows
from napari_toposeg.plugin.topology.diagram.filter import DiagramFilter
from napari_toposeg.plugin.topology.diagram.form import DiagramForm
from napari_toposeg.plugin.topology.diagram.layer_diagram import LayerDiagram
from napari_toposeg.plugin.topology.diagram.link import DiagramLink, on_plain_click
from napari_toposeg.plugin.topology.diagram.looking import features_run
from napari_toposeg.plugin.topology.diagram.table import FeatureTable
from napari_toposeg.plugin.topology.diagram.text import (
    describe_feature,
    describe_selection,
    describe_shown,
    headline,
)
from napari_toposeg.plugin.topology.diagram.view import DiagramView
from napari_toposeg.plugin.translation import tr


class DiagramPanel(QWidget):
    """Computes features, filters and selects them, and leads to their voxels and back."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.features: Features | None = None
        self.row: int | None = None
        self.selected = NONE
        self._at_death = False
        self.link = DiagramLink(session.viewer)
        self._build()
        self._lay_out()
        self._connect()
        self._on_form()

    @property
    def found(self) -> LayerDiagram | None:
        """The diagram of the first layer, None before there is one."""
        return None if self.features is None else self.features.parts[0]

    def compute(self) -> None:
        """Look for the features of the chosen layers in the background."""
        layers = tuple(
            layer for layer in (self.form.layers.layer, self.form.second) if layer is not None
        )
        self._session.start(
            features_run(layers, **self.form.how()),
            title=tr("Persistence diagram") if len(layers) == 1 else tr("Matching of features"),
            on_result=partial(self.show_features, layers=layers),
        )

    def compare(self, first: Any, second: Any) -> None:
        """Compare the features of two layers."""
        self.form.choose(first, second)
        self.compute()

    def show_features(self, features: Features, layers: tuple[Any, ...]) -> None:
        """Show features and link them to the layers that they were found in."""
        self.link.follow(features, layers)
        self.features, self.row, self.selected = features, None, NONE
        self.filter.adapt(features)
        self.view.show_features(features, self.filter.rows(features))
        self.note.setText(headline(features, [layer.name for layer in layers]))
        self.filter_rows()
        self._session.say(
            tr("{count:,} features of {name}").format(
                count=len(features), name=" | ".join(layer.name for layer in layers)
            )
        )

    def filter_rows(self) -> None:
        """Show the features of the ticked dimensions above the persistence of the slider."""
        if self.features is None:
            return
        rows = self.filter.rows(self.features)
        self.view.show_rows(rows)
        self.filter.count(self.features, rows)
        kept = self.selected[np.isin(self.selected, rows)]
        if len(kept) < len(self.selected):
            self.select(kept)
        else:
            self._list()
        self.light_up(self.row if self.row is not None and self.row in rows else None)

    def select(self, rows: Rows) -> None:
        """List features, mark their voxels and draw the first of them; none ends the selection."""
        self.selected = rows
        if len(rows):
            self.row = None
            self.view.highlight(None)
        self.view.choose(rows)
        self.link.select(rows)
        self._list()
        self._draw(rows)
        self._describe()

    def light_up(self, row: int | None) -> None:
        """Ring a feature in the diagram and mark its voxels, without moving the view."""
        self.row = row
        self.view.highlight(row)
        self.table.show_row(row)
        self._describe()
        if row is not None:
            self.link.mark(row)
            self._draw(np.array([row]))

    def go_to(self, row: int) -> None:
        """Light up a feature and show the slice of its birth voxel, the second time its death's."""
        if self.features is None:
            return
        again = row == self.row and not self._at_death
        self.light_up(row)
        self._at_death = again and bool(np.isfinite(self.features.deaths[row]).all())
        self.link.go_to(row, death=self._at_death)

    def light_up_nearest(self, world: Any) -> None:
        """Light up the shown feature whose birth or death voxel lies nearest to a place."""
        row = self.link.nearest(world, self.view.shown)
        if row is not None:
            self.light_up(row)

    def rows(self) -> dict[str, NDArray[Any]]:
        """Return what is listed as columns by name, in the order of the list."""
        if self.features is None:
            return {}
        self.table.fill_now()
        return self.features.columns(self.table.features_model.rows)

    def _build(self) -> None:
        viewer = self._session.viewer
        self.form = DiagramForm(self._session)
        self.layers = self.form.layers
        self.button = QPushButton()
        self.button.setToolTip(tr("Looks for components, loops and cavities in the background"))
        self.note, self.selection = _text(), _text()
        self.view = DiagramView(viewer.theme)
        self.filter = DiagramFilter()
        self.selection.setText(tr("No diagram yet."))
        self.table = FeatureTable()
        self.draw = QCheckBox(tr("Draw features"))
        self.draw.setToolTip(
            tr(
                "As voxels in the view: a component just before it merges, a cavity just when it "
                "has closed, a loop as a shortest closed path"
            )
        )
        self.draw.setChecked(True)
        self.follow = QCheckBox(tr("Follow clicks"))
        self.follow.setToolTip(
            tr(
                "A click in the 2D view lights up the feature shown whose birth or death voxel is "
                "nearest; clicks that paint are left alone"
            )
        )
        self.follow.setChecked(True)

    def _lay_out(self) -> None:
        plot = QWidget()
        inner = QVBoxLayout(plot)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(3)
        for widget in (self.view, self.filter, self.selection):
            inner.addWidget(widget, int(widget is self.view))
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(plot)
        self._splitter.addWidget(self.table)
        self._splitter.setStretchFactor(0, 3)
        self._splitter.setStretchFactor(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(3)
        for widget in (self.form, self.button, self.note, self._splitter):
            layout.addWidget(widget, int(widget is self._splitter))
        boxes = QHBoxLayout()
        boxes.addWidget(self.draw)
        boxes.addWidget(self.follow)
        layout.addLayout(boxes)

    def _connect(self) -> None:
        viewer = self._session.viewer
        self.form.changed.connect(self._on_form)
        self.button.clicked.connect(lambda: self._session.attempt(self.compute))
        self.filter.changed.connect(self.filter_rows)
        self.view.picked.connect(self.go_to)
        self.view.chosen.connect(self.select)
        self.view.level_wanted.connect(self.link.show_level)
        self.table.picked.connect(self.go_to)
        self.draw.toggled.connect(lambda: self._draw(self._wanted()))
        callback, drawer = on_plain_click(self._on_canvas), self.link.drawer
        viewer.mouse_drag_callbacks.append(callback)
        viewer.events.theme.connect(self._on_theme)

        def forget() -> None:
            drawer.forget()
            viewer.mouse_drag_callbacks.remove(callback)
            viewer.events.theme.disconnect(self._on_theme)

        self._session.closing.connect(forget)

    def _on_form(self) -> None:
        self.button.setEnabled(self.form.layers.layer is not None)
        compared = self.form.second is not None
        self.button.setText(tr("Compare the features") if compared else tr("Compute the diagram"))

    def _list(self) -> None:
        self.table.list_rows(
            self.features, self.selected if len(self.selected) else self.view.shown
        )

    def _wanted(self) -> Rows:
        return np.array([self.row]) if self.row is not None else self.selected

    def _draw(self, rows: Rows) -> None:
        """Draw features, or take the drawing away."""
        self.link.draw(rows if self.draw.isChecked() else NONE)

    def _describe(self) -> None:
        if self.features is None:
            return
        if self.row is not None:
            text = describe_feature(self.features, self.row)
        elif len(self.selected):
            text = describe_selection(self.features, self.selected)
        else:
            text = describe_shown(self.features, self.view.shown)
        self.selection.setText(text)

    def _on_theme(self) -> None:
        self.view.set_theme(self._session.viewer.theme)

    def _on_canvas(self, world: tuple[float, ...]) -> None:
        """Follow a click in the canvas, unless the panel is out of sight."""
        if self.features is not None and self.follow.isChecked() and self.isVisible():
            self.light_up_nearest(world)


def _text() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
