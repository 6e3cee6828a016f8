"""SelectingBox: the mouse in a plot: it moves the view, draws a box or draws a lasso.

The one idea: whatever is drawn arrives as one closed polygon in the plot's own coordinates.
"""

from typing import Literal

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from pyqtgraph.GraphicsScene.mouseEvents import MouseDragEvent
from qtpy.QtCore import QPointF, Qt, Signal

Mode = Literal["move", "box", "lasso"]


class SelectingBox(pg.ViewBox):
    """A view box whose drags move the view or draw what selects.

    Notes
    -----
    Shift draws a box and Ctrl a lasso, whatever the mode.
    """

    drawn = Signal(object)
    """Polygon ``(n, 2)`` of x and y, once the mouse is let go."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.mode: Mode = "move"
        self.lasso_allowed = True
        self._drawing: Mode = "move"
        self._path: list[tuple[float, float]] = []
        self._outline = pg.PlotCurveItem(pen=pg.mkPen("#888888", style=Qt.PenStyle.DashLine))
        self.addItem(self._outline, ignoreBounds=True)

    def set_colour(self, colour: str) -> None:
        """Draw outlines in a colour."""
        self._outline.setPen(pg.mkPen(colour, width=1.5, style=Qt.PenStyle.DashLine))

    def mouseDragEvent(self, event: MouseDragEvent, axis: int | None = None) -> None:
        """Draw with the left button in a selecting mode; else do what pyqtgraph does."""
        if event.isStart():
            self._drawing = self._mode_of(event)
        if self._drawing == "move" or axis is not None:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        start, here = (
            _pair(self.mapToView(place)) for place in (event.buttonDownPos(), event.pos())
        )
        self._path = [start] if event.isStart() else self._path
        self._path.append(here)
        corners = rectangle(start, here) if self._drawing == "box" else np.array(self._path)
        closed = corners[[*range(len(corners)), 0]]
        self._outline.setData(closed[:, 0], closed[:, 1])
        if event.isFinish():
            self._outline.setData([], [])
            if len(corners) > 2:
                self.drawn.emit(corners)

    def _mode_of(self, event: MouseDragEvent) -> Mode:
        if event.button() != Qt.MouseButton.LeftButton:
            return "move"
        keys, mode = event.modifiers(), self.mode
        if keys & Qt.KeyboardModifier.ShiftModifier:
            mode = "box"
        elif keys & Qt.KeyboardModifier.ControlModifier:
            mode = "lasso"
        return "box" if mode == "lasso" and not self.lasso_allowed else mode


def rectangle(one: tuple[float, float], other: tuple[float, float]) -> NDArray[np.float64]:
    """Return the corners ``(4, 2)`` of the box between two places."""
    (a, b), (c, d) = one, other
    return np.array([(a, b), (c, b), (c, d), (a, d)])


def _pair(point: QPointF) -> tuple[float, float]:
    return point.x(), point.y()
