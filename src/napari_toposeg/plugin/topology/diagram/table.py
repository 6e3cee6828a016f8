"""FeatureTable: features as a list that sorts and leads to their voxels.

The one idea: the model holds columns of numbers and an order, so that sorting 200,000 rows is one
sort of numbers; only cells in view become text.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_toposeg.plugin.topology.diagram.features import Fate, Features, Rows
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.column_table import NARROW
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS

HEADINGS = (mark("kind"), mark("birth"), mark("death"), mark("lasts"), mark("voxel"), mark("in"))
TIPS = (
    mark("Dimension: ● b0 component, ▲ b1 loop, ■ b2 cavity"),
    mark("Threshold at which the feature appears"),
    mark("Threshold at which it goes"),
    mark("Persistence: from birth to death"),
    mark("Voxel (z, y, x) of its birth"),
    mark("Which of the two layers it is of, and whether the other has it"),
)
WIDTHS = (36, 48, 48, 52, 70, 44)
KIND, BIRTH, DEATH, LASTS, VOXEL, LAYER = range(6)
DELAY_MS = 60
"""So long after the last change the list is filled: a slider that moves does not wait for it."""

NONE: Rows = np.empty(0, np.intp)


class FeatureModel(QAbstractTableModel):
    """The rows of features as cells."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.features: Features | None = None
        self.rows = NONE
        self._sorted: tuple[int, bool] | None = None

    def fill(self, features: Features | None, rows: Rows) -> None:
        """List other rows, in the order of the heading that was clicked last."""
        self.beginResetModel()
        self.features, self.rows = features, rows
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; by none, the most persistent come first."""
        self.layoutAboutToBeChanged.emit()
        self._sorted = None if column < 0 else (column, order == Qt.SortOrder.DescendingOrder)
        self._arrange()
        self.layoutChanged.emit()

    def line_of(self, row: int) -> int | None:
        """Return the line in which a row of the features stands."""
        found = np.flatnonzero(self.rows == row)
        return int(found[0]) if len(found) else None

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of features listed."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns: one more where two layers are compared."""
        compared = self.features is not None and self.features.compared
        return len(HEADINGS) if compared else len(HEADINGS) - 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a heading or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return tr(HEADINGS[section])
            case Qt.ItemDataRole.ToolTipRole:
                return tr(TIPS[section])
            case _:
                return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text of a cell, or the colour of its symbol."""
        if self.features is None or not index.isValid():
            return None
        row, column = int(self.rows[index.row()]), index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return cell(self.features, row, column)
            case Qt.ItemDataRole.TextAlignmentRole if column in (BIRTH, DEATH, LASTS):
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole if column == KIND:
                return QColor(DIMENSIONS[self.features.dimension[row]].colour)
            case _:
                return None

    def _arrange(self) -> None:
        if self._sorted is None or self.features is None or not len(self.rows):
            return
        column, falling = self._sorted
        keys = sort_keys(self.features, self.rows, column)
        order = np.lexsort(keys)
        self.rows = self.rows[order[::-1] if falling else order]


class FeatureTable(QTableView):
    """Lists features; a click on one is a click on its point."""

    picked = Signal(int)
    """Row whose line was clicked or gone to by the arrow keys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.features_model = FeatureModel(self)
        self._wanted: tuple[Features | None, Rows] = (None, NONE)
        self._row: int | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.fill_now)
        self.setModel(self.features_model)
        self.setToolTip(tr("The features shown, or those selected; click one to see its voxels"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setStyleSheet(NARROW)
        self.setWordWrap(False)
        self.setMinimumHeight(90)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(19)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(24)
        header.setStretchLastSection(True)
        # Sorted by persistence until a heading is clicked.
        header.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def sizeHint(self) -> QSize:
        """Ask for the room of a few lines."""
        return QSize(300, 120)

    def list_rows(self, features: Features | None, rows: Rows) -> None:
        """List rows, as soon as no more changes come."""
        self._wanted = features, rows
        self._later.start(DELAY_MS)

    def fill_now(self) -> None:
        """List the rows that are wanted."""
        self._later.stop()
        before = self.features_model.columnCount()
        self.features_model.fill(*self._wanted)
        if before != self.features_model.columnCount() or self.columnWidth(0) != WIDTHS[0]:
            for column in range(self.features_model.columnCount()):
                self.setColumnWidth(column, WIDTHS[column])
        # Scrolling needs the new number of lines, which Qt would count later.
        self.doItemsLayout()
        self.show_row(self._row)

    def show_row(self, row: int | None) -> None:
        """Mark the line of a row, without picking it."""
        self._row = row
        line = None if row is None else self.features_model.line_of(row)
        model = self.selectionModel()
        model.blockSignals(True)
        if line is None:
            self.clearSelection()
        else:
            self.selectRow(line)
            self.scrollTo(self.features_model.index(line, 0))
        model.blockSignals(False)
        self.viewport().update()

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid():
            self.picked.emit(int(self.features_model.rows[current.row()]))


def cell(features: Features, row: int, column: int) -> str:
    """Return the text of a cell."""
    match column:
        case 0:
            dimension = int(features.dimension[row])
            return f"{DIMENSIONS[dimension].glyph} b{dimension}"
        case 1:
            return f"{features.birth[row]:.4g}"
        case 2:
            death = float(features.death[row])
            return f"{death:.4g}" if np.isfinite(death) else tr("never")
        case 3:
            lasts = float(features.persistence[row])
            return f"{lasts:.3g}" if np.isfinite(lasts) else "∞"
        case 4:
            return ", ".join(str(int(place)) for place in features.births[row])
        case _:
            return where(features, row)


def where(features: Features, row: int) -> str:
    """Say which layer a feature is of, and whether the other has it."""
    match Fate(int(features.fate[row])):
        case Fate.BOTH:
            return tr("both, {number}").format(number=int(features.part[row]) + 1)
        case Fate.ONLY_FIRST:
            return tr("only 1")
        case Fate.ONLY_SECOND:
            return tr("only 2")


def sort_keys(features: Features, rows: Rows, column: int) -> list[NDArray[Any]]:
    """Return what rows are sorted by, the last of the keys first."""
    weight = -features.weight[rows]
    match column:
        case 0:
            return [weight, features.dimension[rows]]
        case 1:
            return [weight, features.birth[rows]]
        case 2:
            return [weight, features.death[rows]]
        case 3:
            return [features.persistence[rows]]
        case 4:
            return list(features.births[rows].T[::-1])
        case _:
            return [weight, features.part[rows], features.fate[rows]]
