"""DiagramView: a persistence diagram to look at and to click.

The one idea: the view shows rows of a diagram and says which row was clicked; it knows nothing of
layers. Features that never die lie on a dashed line beyond the finite ones.
"""

from collections.abc import Collection

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from pyqtgraph.GraphicsScene.mouseEvents import MouseClickEvent
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_toposeg.plugin.widgets.plotting import DIMENSIONS, apply_theme
from napari_toposeg.topology import PersistenceDiagram

MOST_POINTS = 20_000
"""Points drawn at most, the most persistent first; zooming stays quick."""

REACH = 12.0
"""Distance in pixels from which a click still finds a point."""

BEYOND = 0.06
"""Place of the line of endless features outside of the finite ones, in parts of the range."""


class DiagramView(QWidget):
    """A persistence diagram, birth to the right and death upwards."""

    picked = Signal(int)
    """Row of the diagram whose point was clicked."""

    def __init__(self, theme: str = "dark", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.diagram: PersistenceDiagram | None = None
        self.shown: NDArray[np.intp] = np.empty(0, np.intp)
        self.plot = pg.PlotWidget(self)
        self.plot.setMinimumHeight(190)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setLabels(bottom="birth", left="death")
        self.set_theme(theme)
        line = pg.mkPen("#888888", style=Qt.PenStyle.DashLine)
        self._diagonal = pg.PlotDataItem(pen=pg.mkPen("#888888"))
        self._endless = pg.InfiniteLine(angle=0, pen=line, label="never dies")
        self._endless.label.setPosition(0.85)
        self._points = [_scatter(style.symbol, style.colour) for style in DIMENSIONS]
        self._ring = pg.ScatterPlotItem(size=18, pen=pg.mkPen("#FFFFFF", width=2), brush=None)
        for item in (self._diagonal, self._endless, *self._points, self._ring):
            self.plot.addItem(item)
        self._endless.hide()
        self.plot.scene().sigMouseClicked.connect(self._clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def set_theme(self, theme: str) -> None:
        """Take the colours of a napari theme."""
        apply_theme(self.plot, theme)

    def set_diagram(self, diagram: PersistenceDiagram | None, unit: str = "") -> None:
        """Show another diagram, or none."""
        self.diagram = diagram
        self.highlight(None)
        self._endless.setVisible(diagram is not None)
        self._draw_frame()
        self.plot.setLabels(bottom=_label("birth", unit), left=_label("death", unit))
        self.show_rows(range(3), 0.0)
        self.plot.autoRange()

    def show_rows(self, dimensions: Collection[int], min_persistence: float) -> None:
        """Draw only the features of some dimensions that last longer than a bound."""
        if self.diagram is None:
            self.shown = np.empty(0, np.intp)
        else:
            self.shown = shown_rows(self.diagram, dimensions, min_persistence)
        for dimension, item in enumerate(self._points):
            rows = self._rows_of(dimension)
            birth, death = self._places(rows)
            item.setData(x=birth, y=death)

    def highlight(self, row: int | None) -> None:
        """Draw a ring around a feature, or around none."""
        if row is None:
            self._ring.setData(x=[], y=[])
            return
        birth, death = self._places(np.array([row]))
        self._ring.setData(x=birth, y=death)

    def row_at(self, x: float, y: float) -> int | None:
        """Return the row drawn nearest to a place of the scene in pixels, None if none is near."""
        if not len(self.shown):
            return None
        box = self.plot.getViewBox()
        width, height = box.viewPixelSize()
        here = box.mapSceneToView(pg.Point(x, y))
        birth, death = self._places(self.shown)
        distance = np.hypot((birth - here.x()) / width, (death - here.y()) / height)
        nearest = int(np.argmin(distance))
        return int(self.shown[nearest]) if distance[nearest] <= REACH else None

    def _rows_of(self, dimension: int) -> NDArray[np.intp]:
        if self.diagram is None:
            return self.shown
        rows: NDArray[np.intp] = self.shown[self.diagram.dimension[self.shown] == dimension]
        return rows

    def _places(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self.diagram is None:
            return np.empty(0), np.empty(0)
        death = self.diagram.death[rows]
        return self.diagram.birth[rows], np.where(np.isfinite(death), death, self._endless.value())

    def _draw_frame(self) -> None:
        if self.diagram is None:
            self._diagonal.setData([], [])
            return
        low, high = value_range(self.diagram)
        self._diagonal.setData([low, high], [low, high])
        beyond = BEYOND * (high - low)
        self._endless.setValue(low - beyond if self.diagram.superlevel else high + beyond)

    def _clicked(self, event: MouseClickEvent) -> None:
        place = event.scenePos()
        row = self.row_at(place.x(), place.y())
        if row is not None:
            self.picked.emit(row)


def shown_rows(
    diagram: PersistenceDiagram, dimensions: Collection[int], min_persistence: float
) -> NDArray[np.intp]:
    """Return the rows to draw, the most persistent first, `MOST_POINTS` at most."""
    kept = diagram.persistence > min_persistence
    kept &= np.isin(diagram.dimension, list(dimensions))
    rows = np.flatnonzero(kept)
    order = np.argsort(-diagram.persistence[rows], kind="stable")
    return rows[order][:MOST_POINTS]


def value_range(diagram: PersistenceDiagram) -> tuple[float, float]:
    """Return the least and greatest finite value of a diagram, apart even if all are equal."""
    values = np.concatenate([diagram.birth, diagram.death])
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return low, high if high > low else low + 1.0


def _scatter(symbol: str, colour: str) -> pg.ScatterPlotItem:
    # An outline in black keeps the symbols apart where they lie upon one another.
    return pg.ScatterPlotItem(
        symbol=symbol, brush=pg.mkBrush(colour), pen=pg.mkPen("#00000080"), size=8
    )


def _label(what: str, unit: str) -> str:
    return f"{what} ({unit})" if unit else what
