"""DiagramView: the diagram, the barcode and the Betti curves of the same features, one at a time.

The one idea: only the view that is seen is drawn; all that was clicked, selected or filtered goes
with it from one to the next. The view knows nothing of layers.
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.topology.diagram.barcode import BarcodePlot
from napari_toposeg.plugin.topology.diagram.curve import BettiPlot
from napari_toposeg.plugin.topology.diagram.feature_plot import NONE, FeaturePlot
from napari_toposeg.plugin.topology.diagram.features import Features, Rows
from napari_toposeg.plugin.topology.diagram.mouse import Mode
from napari_toposeg.plugin.topology.diagram.plot import DiagramPlot
from napari_toposeg.plugin.translation import mark, tr

View = Literal["diagram", "barcode", "betti"]
Name = TypeVar("Name", bound=str)

VIEWS: dict[View, tuple[str, str]] = {
    "diagram": (
        mark("Diagram"),
        mark("Each feature as a point: birth to the right, death upwards"),
    ),
    "barcode": (mark("Barcode"), mark("Each feature as a bar from its birth to its death")),
    "betti": (mark("Betti"), mark("How many features are alive at each threshold; move the line")),
}
MODES: dict[Mode, tuple[str, str]] = {
    "move": (mark("Move"), mark("Drag to move, wheel to zoom, double-click to see all")),
    "box": (mark("Box"), mark("Drag a box to select features (Shift+drag in every mode)")),
    "lasso": (mark("Lasso"), mark("Drag a lasso to select features (Ctrl+drag in every mode)")),
}
BUTTON = "QPushButton { padding: 2px 5px; font-size: 11px }"


class DiagramView(QWidget):
    """Three views of features, a mouse that selects, and a level to be looked at."""

    picked = Signal(int)
    """Row that was clicked."""
    chosen = Signal(object)
    """Rows that were selected by a box or a lasso; none after a click beside all."""
    level_wanted = Signal(object)
    """Threshold whose set of voxels is wanted, None where none is any more."""

    def __init__(self, theme: str = "dark", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.features: Features | None = None
        self.shown = NONE
        self.row: int | None = None
        self.selected = NONE
        self.diagram, self.barcode, self.betti = (
            DiagramPlot(theme),
            BarcodePlot(theme),
            BettiPlot(theme),
        )
        self._stale: set[FeaturePlot] = set()
        self._fit: set[FeaturePlot] = set()
        self.stack = QStackedWidget()
        for plot in self.plots:
            self.stack.addWidget(plot)
            plot.picked.connect(self.picked)
            plot.chosen.connect(self.chosen)
        self.view_buttons = _buttons(self, VIEWS, self._on_view)
        self.mode_buttons = _buttons(self, MODES, self._on_mode)
        self.level = QCheckBox(tr("Show the voxels at the line"))
        self.level.setToolTip(tr("Lays the set of voxels at this threshold over the layer"))
        self.numbers = QLabel()
        self.numbers.setToolTip(
            tr("Betti numbers at the line of the features shown; all count with persistence at 0")
        )
        self.level.hide()
        self.numbers.hide()
        self.level.toggled.connect(self._on_level)
        self.betti.moved.connect(self._on_level)
        self._lay_out()

    @property
    def plots(self) -> tuple[FeaturePlot, FeaturePlot, FeaturePlot]:
        """The three views, in the order of their buttons."""
        return self.diagram, self.barcode, self.betti

    @property
    def plot(self) -> FeaturePlot:
        """The view that is seen."""
        return self.plots[self.stack.currentIndex()]

    def show_view(self, view: View) -> None:
        """Bring one of the views to the front."""
        self.view_buttons[view].click()

    def show_features(self, features: Features | None, rows: Rows) -> None:
        """Show other features."""
        self.features, self.row, self.selected = features, None, NONE
        self._fit = set(self.plots)
        self.show_rows(rows)

    def show_rows(self, rows: Rows) -> None:
        """Show other rows of the same features."""
        self.shown = rows
        self._stale = set(self.plots)
        self._refresh()

    def highlight(self, row: int | None) -> None:
        """Ring a feature, or none."""
        self.row = row
        self._refresh()

    def choose(self, rows: Rows) -> None:
        """Mark the rows that are selected."""
        self.selected = rows
        self._refresh()

    def set_theme(self, theme: str) -> None:
        """Take the colours of a napari theme."""
        for plot in self.plots:
            plot.set_theme(theme)
        self._stale = set(self.plots)
        self._refresh()

    def _refresh(self) -> None:
        plot = self.plot
        if plot in self._stale:
            plot.row, plot.selected = self.row, self.selected
            plot.show_features(self.features, self.shown, fit=plot in self._fit)
            self._stale.discard(plot)
            self._fit.discard(plot)
        else:
            plot.mark(self.row, self.selected)

    def _on_view(self, view: View) -> None:
        self.stack.setCurrentIndex(list(VIEWS).index(view))
        for widget in (self.level, self.numbers):
            widget.setVisible(view == "betti")
        self.mode_buttons["lasso"].setEnabled(view == "diagram")
        self._refresh()
        self._on_level()

    def _on_mode(self, mode: Mode) -> None:
        for plot in self.plots:
            plot.box.mode = mode

    def _on_level(self, _: object = None) -> None:
        self.numbers.setText(self.betti.describe())
        wanted = self.level.isChecked() and self.plot is self.betti and self.features is not None
        self.level_wanted.emit(float(self.betti.line.value()) if wanted else None)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(2)
        for button in self.view_buttons.values():
            head.addWidget(button)
        head.addStretch(1)
        for button in self.mode_buttons.values():
            head.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.numbers)
        layout.addWidget(self.level)


def _buttons(
    parent: QWidget, texts: Mapping[Name, tuple[str, str]], call: Callable[[Name], None]
) -> dict[Name, QPushButton]:
    """Return a row of buttons of which one is down, the first at the beginning."""
    group = QButtonGroup(parent)
    made = {}
    for name, (text, tip) in texts.items():
        button = QPushButton()
        button.setText(tr(text))
        button.setToolTip(tr(tip))
        button.setCheckable(True)
        button.setStyleSheet(BUTTON)
        button.clicked.connect(lambda _, name=name: call(name))
        group.addButton(button)
        made[name] = button
    next(iter(made.values())).setChecked(True)
    return made
