"""FeaturePlot: what the three views of features share: rows, clicks, selections, theme.

The one idea: a view says where its rows lie and which lie at a place; all else is done here.
"""

import numpy as np
import pyqtgraph as pg
from napari.utils.theme import get_theme
from numpy.typing import NDArray
from pyqtgraph.GraphicsScene.mouseEvents import MouseClickEvent
from qtpy.QtCore import QSize, Qt, QTimer, Signal

from napari_toposeg.plugin.topology.diagram.features import Features, Rows
from napari_toposeg.plugin.topology.diagram.mouse import SelectingBox
from napari_toposeg.plugin.widgets.plotting import apply_theme

BEYOND = 0.06
"""Place of endless features outside of the finite ones, in parts of the range."""

NONE: Rows = np.empty(0, np.intp)


class FeaturePlot(pg.PlotWidget):
    """A view of features; those that inherit say how they are drawn and found."""

    picked = Signal(int)
    """Row that was clicked."""
    chosen = Signal(object)
    """Rows inside a box or a lasso."""

    def __init__(self, theme: str) -> None:
        box = SelectingBox()
        super().__init__(viewBox=box)
        self.box = box
        self.features: Features | None = None
        self.shown = NONE
        self.row: int | None = None
        self.selected = NONE
        self.setMinimumHeight(185)
        self.setMenuEnabled(False)
        self.hideButtons()
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)
        box.disableAutoRange()
        self.note = pg.LabelItem(justify="left", size="8pt")
        self.note.setParentItem(box)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.redraw)
        box.sigRangeChanged.connect(lambda *_: self._later.start(0))
        box.sigResized.connect(lambda *_: self._later.start(0))
        box.drawn.connect(self._on_drawn)
        self.scene().sigMouseClicked.connect(self._on_click)
        self.text_colour = "#ffffff"
        self.set_theme(theme)

    def sizeHint(self) -> QSize:
        """Ask for the room of a small plot; pyqtgraph's own wish is wider than a dock."""
        return QSize(300, 200)

    def set_theme(self, theme: str) -> None:
        """Take the colours of a napari theme."""
        apply_theme(self, theme)
        self.text_colour = get_theme(theme).text.as_hex()
        self.box.set_colour(self.text_colour)
        self.note.setAttr("color", self.text_colour)
        self.write(self.note.text)

    def show_features(self, features: Features | None, rows: Rows, *, fit: bool) -> None:
        """Show rows of features; see all of their range if asked to."""
        self.features, self.shown = features, rows
        self.arrange()
        if fit:
            self.fit()
        self.redraw()

    def mark(self, row: int | None, selected: Rows) -> None:
        """Ring the row that is looked at, and those that are selected."""
        self.row, self.selected = row, selected
        self.redraw_marks()

    def write(self, text: str) -> None:
        """Write a line into the empty corner of the plot."""
        self.note.setText(text, color=self.text_colour)

    def arrange(self) -> None:
        """Find the places of the rows shown."""
        raise NotImplementedError

    def fit(self) -> None:
        """See the whole range."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw what is in view."""
        raise NotImplementedError

    def redraw_marks(self) -> None:
        """Draw the rings."""
        raise NotImplementedError

    def row_at(self, x: float, y: float) -> int | None:
        """Return the row at a place of the scene in pixels, None if none is near."""
        raise NotImplementedError

    def rows_inside(self, polygon: NDArray[np.float64]) -> Rows:
        """Return the rows shown inside a polygon ``(n, 2)``."""
        raise NotImplementedError

    def clicked_at(self, x: float, y: float) -> None:
        """Do what a click at a place of the scene means."""
        row = self.row_at(x, y)
        if row is not None:
            self.picked.emit(row)
        elif len(self.selected):
            self.chosen.emit(NONE)

    def _on_click(self, event: MouseClickEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if event.double():
            self.fit()
            return
        place = event.scenePos()
        self.clicked_at(place.x(), place.y())

    def _on_drawn(self, polygon: NDArray[np.float64]) -> None:
        self.chosen.emit(self.rows_inside(polygon))


def end_of_endless(features: Features) -> float:
    """Return the value at which features that never die are drawn to end."""
    low, high = features.value_range
    beyond = BEYOND * (high - low)
    return low - beyond if features.superlevel else high + beyond


def ends_drawn(features: Features, rows: Rows) -> NDArray[np.float64]:
    """Return the deaths of rows, with a finite place for those that never die."""
    death = features.death[rows]
    return np.where(np.isfinite(death), death, end_of_endless(features))
