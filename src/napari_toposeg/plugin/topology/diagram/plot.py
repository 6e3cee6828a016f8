"""DiagramPlot: the persistence diagram: birth to the right, death upwards.

The one idea: all points can be clicked, though points on the same pixels are drawn once, and it is
said how many marks stand for how many features. Those that never die lie on a dashed line.
"""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt

from napari_toposeg.plugin.topology.diagram.feature_plot import (
    FeaturePlot,
    end_of_endless,
    ends_drawn,
)
from napari_toposeg.plugin.topology.diagram.features import Rows
from napari_toposeg.plugin.topology.diagram.picking import inside, nearest
from napari_toposeg.plugin.topology.diagram.symbols import FeatureMarks, ring
from napari_toposeg.plugin.translation import tr

REACH = 12.0
"""Distance in pixels from which a click still finds a point."""

MOST_RINGS = 2_000
MOST_LINES = 2_000
"""Rings of selected features and lines between pairs drawn at most, the most persistent first."""

ROOM = 1.5 * 0.06
GREY = "#888888"


class DiagramPlot(FeaturePlot):
    """A persistence diagram, of one layer or of two with their pairs joined."""

    def __init__(self, theme: str = "dark") -> None:
        super().__init__(theme)
        self.setLabels(bottom=tr("birth"), left=tr("death"))
        dashed = pg.mkPen(GREY, style=Qt.PenStyle.DashLine)
        self.diagonal = pg.PlotCurveItem(pen=pg.mkPen(GREY))
        self.endless = pg.InfiniteLine(angle=0, pen=dashed, label=tr("never dies"))
        self.endless.label.setPosition(0.85)
        self.pairs = pg.PlotCurveItem(pen=pg.mkPen(GREY), connect="pairs")
        for item in (self.diagonal, self.endless, self.pairs):
            self.addItem(item, ignoreBounds=True)
        self.marks = FeatureMarks(self)
        self.rings, self.ring = ring(13), ring(19)
        for item in (self.rings, self.ring):
            self.addItem(item, ignoreBounds=True)
        self._x = self._y = np.empty(0)
        self.endless.hide()

    def arrange(self) -> None:
        """Find the places of the rows shown."""
        features = self.features
        self.endless.setVisible(features is not None)
        if features is None:
            self._x = self._y = np.empty(0)
            self.marks.clear()
            for item in (self.diagonal, self.pairs):
                item.setData([], [])
            return
        low, high = features.value_range
        self.diagonal.setData([low, high], [low, high])
        self.endless.setValue(end_of_endless(features))
        self._x, self._y = features.birth[self.shown], ends_drawn(features, self.shown)
        self.marks.set_rows(features, self.shown, self._x, self._y)
        self._draw_pairs()

    def fit(self) -> None:
        """See the whole range, with room for those that never die."""
        low, high = (0.0, 1.0) if self.features is None else self.features.value_range
        room = ROOM * (high - low)
        self.box.setRange(
            xRange=(low - room, high + room), yRange=(low - room, high + room), padding=0
        )

    def redraw(self) -> None:
        """Draw what is in view, and say so if marks stand for several features."""
        self.marks.draw()
        self.redraw_marks()
        self.endless.label.setColor(self.text_colour)
        superlevel = self.features is not None and self.features.superlevel
        # A superlevel diagram lies under the diagonal, a sublevel one over it.
        corner = (0, 0) if superlevel else (1, 1)
        self.note.anchor(itemPos=corner, parentPos=corner, offset=(4, 2) if superlevel else (-4, 0))
        many = self._in_view()
        text = tr("{marks:,} marks for {many:,} features: zoom in")
        fewer = self.marks.drawn < many
        self.write(text.format(marks=self.marks.drawn, many=many) if fewer else "")

    def redraw_marks(self) -> None:
        """Ring the row that is looked at, and those that are selected."""
        pen = pg.mkPen(self.text_colour, width=1)
        x, y = self.places(self.selected[:MOST_RINGS])
        self.rings.setData(x, y, pen=pen)
        x, y = self.places(np.array([] if self.row is None else [self.row], np.intp))
        self.ring.setData(x, y, pen=pg.mkPen(self.text_colour, width=2))

    def places(self, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where rows are drawn."""
        if self.features is None:
            return np.empty(0), np.empty(0)
        return self.features.birth[rows], ends_drawn(self.features, rows)

    def row_at(self, x: float, y: float) -> int | None:
        """Return the row drawn nearest to a place of the scene in pixels, None if none is near."""
        here = self.box.mapSceneToView(pg.Point(x, y))
        pixel = self.box.viewPixelSize()
        found = nearest(self._x, self._y, (here.x(), here.y()), pixel, REACH)
        return None if found is None else int(self.shown[found])

    def rows_inside(self, polygon: NDArray[np.float64]) -> Rows:
        """Return the rows shown inside a polygon ``(n, 2)``."""
        rows: Rows = self.shown[inside(self._x, self._y, polygon)]
        return rows

    def _in_view(self) -> int:
        (left, right), (low, high) = self.box.viewRange()
        seen = (self._x >= left) & (self._x <= right) & (self._y >= low) & (self._y <= high)
        return int(np.count_nonzero(seen))

    def _draw_pairs(self) -> None:
        features = self.features
        assert features is not None
        first = self.shown[(features.part[self.shown] == 0) & (features.partner[self.shown] >= 0)]
        first = first[:MOST_LINES]
        ends = np.column_stack([first, features.partner[first]]).ravel()
        self.pairs.setData(*self.places(ends))
