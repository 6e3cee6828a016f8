"""CurvesView: how a training goes, while it goes: the loss, the Dice, and the Betti error.

The one idea: the view is fed Steps and keeps nothing else; it can be cleared and fed again. A class
is told by its symbol as well as by its colour.
"""

from collections.abc import Sequence
from html import escape

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.plotting import BLUE, CLASS_COLOURS, GREY, apply_theme
from napari_toposeg.progress import Step

SMOOTHING = 0.9
"""Share of the running mean that the next loss leaves in place."""

SYMBOLS = (("o", "●"), ("t1", "▲"), ("s", "■"), ("d", "◆"), ("t", "▼"), ("p", "⬟"), ("star", "★"))
"""Symbols of the classes 1, 2, ... in a plot and in text, over and over."""

LOSS, DICE, BETTI = mark("loss"), mark("Dice"), mark("2D Betti")
EXPLAINED = mark(
    "Of the slices kept for validation, by step. The Betti error is the difference in components "
    "plus that in loops between prediction and annotation, a mean over the slices; foreground "
    "8-connected, background 4-connected. The dotted line is the mean over the classes."
)


class CurvesView(QWidget):
    """Three small plots: the training loss, and Dice and Betti error of the validation slices."""

    def __init__(self, theme: str = "dark", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.smoothed = RunningMean()
        self.validated: list[int] = []
        self.dice: list[float] = []
        self.betti: list[float] = []
        self.loss_plot, self.dice_plot, self.betti_plot = (
            _plot(self, tr(title)) for title in (LOSS, DICE, BETTI)
        )
        self.dice_plot.setYRange(0, 1)
        self._raw = self.loss_plot.plot(pen=pg.mkPen(BLUE + "60", width=1))
        self._smooth = self.loss_plot.plot(pen=pg.mkPen(BLUE, width=2))
        self._measures = {
            "dice": MeasureCurves(self.dice_plot, "dice"),
            "betti error": MeasureCurves(self.betti_plot, "betti error"),
        }
        self.legend = QLabel()
        self.legend.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.legend.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setToolTip(tr(EXPLAINED))
        self.set_theme(theme)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for column, plot in enumerate((self.loss_plot, self.dice_plot, self.betti_plot)):
            layout.addWidget(plot, 0, column)
            layout.setColumnStretch(column, 1)
        layout.addWidget(self.legend, 1, 0, 1, 3)
        self.hide()

    def set_theme(self, theme: str) -> None:
        """Take the colours of a napari theme."""
        for plot in (self.loss_plot, self.dice_plot, self.betti_plot):
            apply_theme(plot, theme)

    def clear(self) -> None:
        """Forget all Steps."""
        for column in (self.steps, self.losses, self.validated, self.dice, self.betti):
            column.clear()
        self.smoothed = RunningMean()
        for curves in self._measures.values():
            curves.clear()
        self.legend.clear()
        self._draw()
        self.hide()

    def add(self, step: Step) -> None:
        """Draw what a Step measured."""
        if "loss" in step.losses:
            self.steps.append(step.step)
            self.losses.append(step.losses["loss"])
            self.smoothed.add(step.losses["loss"])
            self._draw()
            self.show()
        if "dice" in step.metrics:
            self.validated.append(step.step)
            self.dice.append(step.metrics["dice"])
            self.betti.append(step.metrics.get("betti error", float("nan")))
            for curves in self._measures.values():
                curves.add(step)
            self.legend.setText(legend(self._measures["dice"].classes))

    def _draw(self) -> None:
        self._raw.setData(self.steps, self.losses)
        self._smooth.setData(self.steps, self.smoothed.means)


class MeasureCurves:
    """A measure of every class, and their mean where there are several, in one plot.

    Parameters
    ----------
    plot
        Where they are drawn.
    measure
        Its name in a Step's metrics, that of a class being ``"measure class"``.
    """

    def __init__(self, plot: pg.PlotWidget, measure: str) -> None:
        self._plot, self._measure = plot, measure
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._values: dict[str, tuple[list[int], list[float]]] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes seen so far."""
        return tuple(name for name in self._values if name)

    def add(self, step: Step) -> None:
        """Draw what a Step measured."""
        prefix = f"{self._measure} "
        found = {n.removeprefix(prefix): v for n, v in step.metrics.items() if n.startswith(prefix)}
        if len(found) != 1 and self._measure in step.metrics:
            found[""] = step.metrics[self._measure]
        for number, (name, value) in enumerate(found.items()):
            steps, values = self._values.setdefault(name, ([], []))
            steps.append(step.step)
            values.append(value)
            curve = self._curves.get(name) or self._curves.setdefault(name, self._new(name, number))
            curve.setData(steps, values, connect="finite")

    def clear(self) -> None:
        """Remove all curves."""
        for curve in self._curves.values():
            self._plot.removeItem(curve)
        self._curves.clear()
        self._values.clear()

    def _new(self, name: str, number: int) -> pg.PlotDataItem:
        if not name:
            pen = pg.mkPen(GREY, width=2, style=Qt.PenStyle.DotLine)
            return self._plot.plot(pen=pen)
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        return self._plot.plot(
            pen=pg.mkPen(colour, width=2),
            symbol=SYMBOLS[number % len(SYMBOLS)][0],
            symbolSize=6,
            symbolBrush=colour,
            symbolPen=None,
        )


def legend(classes: Sequence[str]) -> str:
    """Write the symbol in its colour before the name of each class, as rich text."""
    return "&nbsp;&nbsp; ".join(
        f'<span style="color:{CLASS_COLOURS[number % len(CLASS_COLOURS)]}">'
        f"{SYMBOLS[number % len(SYMBOLS)][1]}</span> {escape(name)}"
        for number, name in enumerate(classes)
    )


class RunningMean:
    """The exponential running mean of what is added, without the pull of its start to zero."""

    def __init__(self) -> None:
        self.means: list[float] = []
        self._mean = self._weight = 0.0

    def add(self, value: float) -> None:
        """Take in one value."""
        self._mean = SMOOTHING * self._mean + (1 - SMOOTHING) * value
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        self.means.append(self._mean / self._weight)


def _plot(parent: QWidget, title: str) -> pg.PlotWidget:
    plot = pg.PlotWidget(parent)
    plot.setFixedHeight(120)
    plot.setMinimumWidth(60)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setTitle(title, size="9pt")
    plot.getAxis("bottom").setTickDensity(0.4)
    plot.getAxis("left").setWidth(26)
    font = QFont()
    font.setPointSize(7)
    for side in ("left", "bottom"):
        plot.getAxis(side).setTickFont(font)
    return plot
