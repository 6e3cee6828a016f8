"""BettiPlot: how many features are alive at each threshold, and a line that asks for one.

The one idea: a curve is the diagram read at every threshold; the numbers at the line are Betti
numbers of the set of voxels at that threshold, as far as its features are shown.
"""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal

from napari_toposeg.plugin.topology.diagram.feature_plot import NONE, FeaturePlot
from napari_toposeg.plugin.topology.diagram.features import Features, Rows
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS

MOST_LEVELS = 1_000
"""Thresholds at most at which a curve is read; all of its steps where they are fewer."""

SYMBOLS = 9
"""Symbols along a curve, which tell dimensions apart without colour."""

STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine)


class BettiPlot(FeaturePlot):
    """The Betti curves of the dimensions, dashed for the second of two layers."""

    moved = Signal(float)
    """Threshold of the line, while it moves or the curves change."""

    def __init__(self, theme: str = "dark") -> None:
        super().__init__(theme)
        self.setLabels(bottom=tr("threshold"), left=tr("features alive"))
        keys = [(k, part) for part in range(2) for k in range(3)]
        self.curves = {(k, part): _curve(k, part) for k, part in keys}
        self.symbols = {key: pg.ScatterPlotItem() for key in keys}
        for item in (*self.curves.values(), *self.symbols.values()):
            self.addItem(item, ignoreBounds=True)
        self.line = pg.InfiniteLine(angle=90, movable=True)
        self.addItem(self.line, ignoreBounds=True)
        self.line.sigPositionChanged.connect(lambda: self.moved.emit(float(self.line.value())))
        self._tops = 1.0

    def arrange(self) -> None:
        """Read the curves off the rows shown."""
        self._tops = 1.0
        features = self.features
        edges = NONE.astype(float) if features is None else edges_of(features, self.shown)
        middles = (edges[1:] + edges[:-1]) / 2
        for (k, part), curve in self.curves.items():
            if features is None or part >= len(features.parts):
                curve.setData([], [], stepMode=None)
                self.symbols[k, part].setData([], [])
                continue
            counts = features.alive(kept_of(features, self.shown, k, part), middles)
            curve.setData(edges, counts, stepMode="center")
            self._set_symbols(k, part, edges, counts)
            self._tops = max(self._tops, float(counts.max(initial=0)))
        if self.features is not None:
            self.line.setBounds(self.features.value_range)
        self.moved.emit(float(self.line.value()))

    def fit(self) -> None:
        """See all of the curves, and put the line into the middle of a new range."""
        low, high = (0.0, 1.0) if self.features is None else self.features.value_range
        room = 0.03 * (high - low)
        self.box.setRange(
            xRange=(low - room, high + room), yRange=(0, 1.08 * self._tops), padding=0
        )
        if not low < self.line.value() < high:
            self.line.setValue((low + high) / 2)

    def redraw(self) -> None:
        """Draw the line in the theme's colour; the curves draw themselves."""
        self.line.setPen(pg.mkPen(self.text_colour, width=1.5, style=Qt.PenStyle.DotLine))
        self.line.setHoverPen(pg.mkPen(self.text_colour, width=3))

    def redraw_marks(self) -> None:
        """Do nothing: single features have no place in a curve."""

    def row_at(self, x: float, y: float) -> int | None:
        """Return None: a place of a curve is no single feature."""
        return None

    def rows_inside(self, polygon: NDArray[np.float64]) -> Rows:
        """Return the rows shown that are alive at one of the thresholds of a box."""
        if self.features is None:
            return NONE
        low, high = float(polygon[:, 0].min()), float(polygon[:, 0].max())
        birth, death = self.features.birth[self.shown], self.features.death[self.shown]
        alive = (np.minimum(birth, death) <= high) & (np.maximum(birth, death) >= low)
        rows: Rows = self.shown[alive]
        return rows

    def clicked_at(self, x: float, y: float) -> None:
        """Move the line to where the click was."""
        if self.features is not None:
            self.line.setValue(self.box.mapSceneToView(pg.Point(x, y)).x())

    def numbers(self) -> list[tuple[int, int, int]]:
        """Return b0, b1 and b2 at the line, for each layer."""
        if self.features is None:
            return []
        features, level = self.features, float(self.line.value())
        birth, death = features.birth[self.shown], features.death[self.shown]
        sign = -1.0 if features.superlevel else 1.0
        alive = (sign * birth <= sign * level) & (sign * level < sign * death)
        living = self.shown[alive]
        kinds = features.dimension[living] + 3 * features.part[living]
        b0, b1, b2, c0, c1, c2 = np.bincount(kinds, minlength=6).tolist()
        return [(b0, b1, b2), (c0, c1, c2)][: len(features.parts)]

    def describe(self) -> str:
        """Say what the numbers at the line are."""
        found = self.numbers()
        lines = [tr("At {level:.4g}:").format(level=self.line.value())] if found else []
        for part, numbers in enumerate(found):
            counted = "  ".join(f"{DIMENSIONS[k].glyph} b{k} {n:,}" for k, n in enumerate(numbers))
            lines.append(f"{part + 1}:  {counted}" if len(found) > 1 else counted)
        return (
            "  ".join(lines) if len(found) < 2 else "\n".join([f"{lines[0]}  {lines[1]}", lines[2]])
        )

    def _set_symbols(
        self, k: int, part: int, edges: NDArray[np.float64], counts: NDArray[np.int64]
    ) -> None:
        item = self.symbols[k, part]
        if len(counts) < 2 or not counts.any():
            item.setData([], [])
            return
        # Shifted by dimension, so that symbols of curves at the same height do not cover.
        places = np.linspace(edges[0], edges[-1], SYMBOLS + 2)[1:-1]
        places = places + (k - 1) * (places[1] - places[0]) / 4
        at = np.clip(np.searchsorted(edges, places, side="right") - 1, 0, len(counts) - 1)
        style = DIMENSIONS[k]
        brush = pg.mkBrush(style.colour) if part == 0 else None
        pen = pg.mkPen(style.colour, width=1.4)
        item.setData(places, counts[at], symbol=style.symbol, brush=brush, pen=pen, size=7)


def edges_of(features: Features, rows: Rows) -> NDArray[np.float64]:
    """Return the thresholds ``(n + 1,)`` between which curves are read."""
    if 2 * len(rows) <= MOST_LEVELS:
        ends = np.concatenate([features.birth[rows], features.death[rows]])
        edges = np.unique(ends[np.isfinite(ends)])
        if len(edges) > 1:
            return edges
    low, high = features.value_range
    return np.linspace(low, high, MOST_LEVELS + 1)


def kept_of(features: Features, rows: Rows, dimension: int, part: int) -> NDArray[np.bool_]:
    """Tell which features ``(n,)`` are rows shown, of a dimension and of a layer."""
    kept = np.zeros(len(features), np.bool_)
    kept[rows] = True
    kept &= (features.dimension == dimension) & (features.part == part)
    return kept


def _curve(dimension: int, part: int) -> pg.PlotCurveItem:
    pen = pg.mkPen(DIMENSIONS[dimension].colour, width=2, style=STYLES[part])
    return pg.PlotCurveItem(pen=pen)
