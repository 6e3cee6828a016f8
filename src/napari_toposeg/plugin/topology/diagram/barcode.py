"""BarcodePlot: each feature as a bar from its birth to its death.

The one idea: bars lie in bands, a band a dimension, the longest on top; where there are more bars
than lines of pixels, each so many is drawn, and it is said. Matched features lie side by side.
"""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from napari_toposeg.plugin.topology.diagram.feature_plot import (
    NONE,
    FeaturePlot,
    end_of_endless,
    ends_drawn,
)
from napari_toposeg.plugin.topology.diagram.features import Features, Rows
from napari_toposeg.plugin.topology.diagram.symbols import FeatureMarks
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS

REACH = 8.0
"""Distance in pixels from an end of a bar from which a click still finds it."""

LINES_A_BAR = 2.0
"""Lines of pixels that a bar needs at least."""


class BarcodePlot(FeaturePlot):
    """The barcode of the features."""

    def __init__(self, theme: str = "dark") -> None:
        super().__init__(theme)
        self.setLabels(bottom=tr("threshold"))
        self.box.invertY(True)
        self.box.lasso_allowed = False
        self.bars = [pg.PlotCurveItem(connect="pairs") for _ in DIMENSIONS]
        self.over = [pg.PlotCurveItem(connect="pairs") for _ in range(2)]
        for item in (*self.bars, *self.over):
            self.addItem(item, ignoreBounds=True)
        self.marks = FeatureMarks(self)
        self.lines = NONE
        self._start = self._end = np.empty(0)

    def arrange(self) -> None:
        """Lay the rows shown into lines."""
        features = self.features
        if features is None:
            self.lines, self._start, self._end = NONE, np.empty(0), np.empty(0)
            self.marks.clear()
            return
        self.lines = in_bands(features, self.shown)
        self._start, self._end = features.birth[self.lines], ends_drawn(features, self.lines)
        self.getAxis("left").setTicks([band_ticks(features, self.lines)])

    def fit(self) -> None:
        """See all bars."""
        low, high = (0.0, 1.0) if self.features is None else self.features.value_range
        end = end_of_endless(self.features) if self.features is not None else high
        room = 0.03 * (high - low)
        self.box.setRange(
            xRange=(min(low, end) - room, max(high, end) + room),
            yRange=(-1, max(len(self.lines), 1)),
            padding=0,
        )

    def redraw(self) -> None:
        """Draw the bars in view, each so many where there are too many."""
        drawn = self.in_view()
        if self.features is not None:
            self._draw_bars(drawn)
            rows = self.lines[drawn]
            self.marks.set_rows(self.features, rows, self._start[drawn], drawn.astype(float))
        self.marks.draw()
        self.redraw_marks()
        self.note.anchor(itemPos=(1, 1), parentPos=(1, 1), offset=(-4, 0))
        every = int(drawn[1] - drawn[0]) if len(drawn) > 1 else 1
        text = tr("one bar in {every:,} drawn: zoom in")
        self.write(text.format(every=every) if every > 1 else "")

    def in_view(self) -> NDArray[np.intp]:
        """Return the lines to draw: those in view, no more than the pixels can show."""
        low, high = self.box.viewRange()[1]
        first, last = max(int(np.floor(low)), 0), min(int(np.ceil(high)) + 1, len(self.lines))
        space = max(self.box.height(), 1.0) / LINES_A_BAR
        every = max(int(np.ceil((high - low) / space)), 1)
        # Counted from the first line of all, so that bars do not flicker while the view moves.
        return np.arange(-(-first // every) * every, last, every)

    def redraw_marks(self) -> None:
        """Draw the bar that is looked at and those that are selected over the others."""
        for item, rows, width in zip(
            self.over,
            (self.selected, np.array([] if self.row is None else [self.row], np.intp)),
            (2, 4),
            strict=True,
        ):
            lines = np.flatnonzero(np.isin(self.lines, rows)) if len(rows) else NONE
            self._set_lines(item, lines, self.text_colour, width)

    def row_at(self, x: float, y: float) -> int | None:
        """Return the row of the bar at a place of the scene, None if there is none."""
        here = self.box.mapSceneToView(pg.Point(x, y))
        line = round(here.y())
        if not 0 <= line < len(self.lines):
            return None
        reach = REACH * self.box.viewPixelSize()[0]
        low, high = sorted((self._start[line], self._end[line]))
        return int(self.lines[line]) if low - reach <= here.x() <= high + reach else None

    def rows_inside(self, polygon: NDArray[np.float64]) -> Rows:
        """Return the rows whose bars pass through the box about a polygon."""
        (left, low), (right, high) = polygon.min(axis=0), polygon.max(axis=0)
        line = np.arange(len(self.lines))
        inside = (line >= low) & (line <= high)
        inside &= np.minimum(self._start, self._end) <= right
        inside &= np.maximum(self._start, self._end) >= left
        rows: Rows = self.lines[inside]
        return rows

    def _draw_bars(self, lines: NDArray[np.intp]) -> None:
        assert self.features is not None
        dimension = self.features.dimension[self.lines[lines]]
        step = 1.0 / max(self.box.viewPixelSize()[1], 1e-9)
        width = float(np.clip(step * 0.5, 1, 6))
        for k, item in enumerate(self.bars):
            self._set_lines(item, lines[dimension == k], DIMENSIONS[k].colour, width)

    def _set_lines(
        self, item: pg.PlotCurveItem, lines: NDArray[np.intp], colour: str, width: float
    ) -> None:
        x = np.column_stack([self._start[lines], self._end[lines]]).ravel()
        item.setData(x, np.repeat(lines, 2).astype(float), pen=pg.mkPen(colour, width=width))


def in_bands(features: Features, rows: Rows) -> Rows:
    """Order rows, the longest first and a pair one after the other, by dimension."""
    order = np.argsort(features.dimension[rows], kind="stable")
    ordered: Rows = rows[order]
    return ordered


def band_ticks(features: Features, lines: Rows) -> list[tuple[float, str]]:
    """Return where the name of each dimension stands beside its band."""
    dimension = features.dimension[lines]
    bands = [(k, np.flatnonzero(dimension == k)) for k in range(3)]
    return [(float(band.mean()), f"b{k}") for k, band in bands if len(band)]
