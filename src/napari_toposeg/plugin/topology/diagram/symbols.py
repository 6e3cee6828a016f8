"""Symbols of features: shape and colour by dimension, filling by what became of it.

The one idea: a feature that both layers have is filled, one that only the first has is hollow, one
that only the second has is hollow and crossed; so no comparison is told by colour. Points that fall
on the same pixels are drawn once, so that any number of them stays quick.
"""

from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from qtpy.QtCore import QRectF
from qtpy.QtGui import QPainterPath

from napari_toposeg.plugin.topology.diagram.features import Features, Rows
from napari_toposeg.plugin.topology.diagram.picking import thin
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS

CELL = 3.0
"""Pixels, in both directions, in which points of one kind are drawn as one mark."""

BOTH_FIRST, BOTH_SECOND, ONLY_FIRST, ONLY_SECOND = range(4)
SIZES = (8, 5, 9, 9)


class Group(NamedTuple):
    """Rows that are drawn by one item, and their places."""

    rows: Rows
    x: NDArray[np.float64]
    y: NDArray[np.float64]


class FeatureMarks:
    """The marks of a plot's features, thinned to what its pixels can show."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        self._plot = plot
        self.items = {(k, look): _item(k, look) for look in range(4) for k in range(3)}
        self._groups: dict[tuple[int, int], Group] = {}
        self.drawn = 0
        for item in self.items.values():
            plot.addItem(item, ignoreBounds=True)

    def set_rows(
        self, features: Features, rows: Rows, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> None:
        """Take other rows, the most important first, and their places."""
        self._groups = {}
        looks, dimensions = look_of(features, rows), features.dimension[rows]
        for k, look in self.items:
            here = np.flatnonzero((dimensions == k) & (looks == look))
            self._groups[k, look] = Group(rows[here], x[here], y[here])

    def draw(self) -> None:
        """Draw what is in view."""
        self.drawn = 0
        box = self._plot.getViewBox()
        (left, right), (low, high) = box.viewRange()
        cell = np.array(box.viewPixelSize()) * CELL
        for key, item in self.items.items():
            group = self._groups.get(key)
            if group is None or not len(group.rows) or not np.isfinite(cell).all():
                item.setData([], [])
                continue
            # Marks whose middle lies just outside are still seen.
            ranges = (left - cell[0], right + cell[0]), (low - cell[1], high + cell[1])
            kept = thin(group.x, group.y, ranges, cell)
            # Upside down, so that the most persistent lie on top.
            item.setData(group.x[kept[::-1]], group.y[kept[::-1]])
            self.drawn += len(kept)

    def clear(self) -> None:
        """Draw nothing."""
        self._groups = {}
        self.draw()


def look_of(features: Features, rows: Rows) -> NDArray[np.int8]:
    """Return which of the four looks each row has."""
    fate = features.fate[rows]
    return np.where(fate == 0, features.part[rows], fate + 1).astype(np.int8)


def ring(size: int) -> pg.ScatterPlotItem:
    """Return an item that rings places."""
    return pg.ScatterPlotItem(size=size, brush=None)


def _item(dimension: int, look: int) -> pg.ScatterPlotItem:
    style = DIMENSIONS[dimension]
    if look in (BOTH_FIRST, BOTH_SECOND):
        # An outline in black keeps the symbols apart where they lie upon one another.
        pen, brush = pg.mkPen("#00000080"), pg.mkBrush(style.colour)
    else:
        pen, brush = pg.mkPen(style.colour, width=1.6), None
    symbol = crossed(style.symbol) if look == ONLY_SECOND else style.symbol
    return pg.ScatterPlotItem(symbol=symbol, brush=brush, pen=pen, size=SIZES[look])


def crossed(symbol: str) -> QPainterPath:
    """Return a symbol with a cross through it."""
    path = QPainterPath(Symbols[symbol])
    box: QRectF = path.boundingRect()
    for start, end in (
        (box.topLeft(), box.bottomRight()),
        (box.topRight(), box.bottomLeft()),
    ):
        path.moveTo(start)
        path.lineTo(end)
    return path
