"""DefectsView: the list of what a prediction gets wrong, to sort and to step through.

The one idea: the list shows a table model over the columns of `Defects`, so that tens of thousands
of rows cost nothing, and only says which was chosen. Ids are those of ``Defects.labels``, from 1.
"""

from typing import Any

import numpy as np
from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_toposeg.plugin.plotting import kind_colours
from napari_toposeg.topology import Defects

SORT_ROLE = Qt.ItemDataRole.UserRole
HEADERS = ("Error", "Size", "b0 b1 b2", "z y x")
NARROW = "QTableView { font-size: 11px } QHeaderView::section { padding: 1px; margin: 0 }"
TIPS = (
    "What the error does to the prediction",
    "Size of the error, in voxels",
    "What mending it alone adds to the prediction's Betti numbers",
    "Voxel of the error nearest to its centre",
)


class DefectsModel(QAbstractTableModel):
    """The columns of Defects as a Qt table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.defects: Defects | None = None
        self._colours: dict[str, str] = {}

    def set_defects(self, defects: Defects | None) -> None:
        """Show other defects, or none."""
        self.beginResetModel()
        self.defects = defects
        self._colours = {} if defects is None else kind_colours(sorted(set(map(str, defects.kind))))
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of defects."""
        nested = parent is not None and parent.isValid()
        return 0 if self.defects is None or nested else len(self.defects)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(HEADERS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return HEADERS[section]
            case Qt.ItemDataRole.ToolTipRole:
                return TIPS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows or is sorted by."""
        if self.defects is None:
            return None
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return QColor(self._colours[str(self.defects.kind[row])])
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return cell_text(self.defects, row, column)
        if role == SORT_ROLE:
            return cell_key(self.defects, row, column)
        return None


class DefectsView(QTableView):
    """The list of defects, largest first; a click or `step` chooses one."""

    chosen = Signal(int)
    """Id of the chosen defect, from 1, as in ``Defects.labels``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.defects_model = DefectsModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.defects_model)
        self._sorted.setSortRole(SORT_ROLE)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        # Four columns, the first with words, in a dock of 320 pixels.
        self.setStyleSheet(NARROW)
        self.setIconSize(QSize(10, 10))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(20)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setResizeContentsPrecision(100)
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def set_defects(self, defects: Defects | None) -> None:
        """Show other defects, the largest first, or none."""
        self.defects_model.set_defects(defects)
        self.sortByColumn(1, Qt.SortOrder.DescendingOrder)

    def step(self, forward: bool) -> None:
        """Choose the next or the previous defect in the order shown, around the ends."""
        count = self._sorted.rowCount()
        if count == 0:
            return
        now = self.currentIndex().row()
        start = -1 if forward else count
        row = ((now if now >= 0 else start) + (1 if forward else -1)) % count
        self.selectRow(row)

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self._sorted.mapToSource(current).row() + 1)


def cell_text(defects: Defects, row: int, column: int) -> str:
    """Write a cell for a person."""
    match column:
        case 0:
            return str(defects.kind[row])
        case 1:
            return f"{defects.size[row]:,}"
        case 2:
            return " ".join(f"{change:+d}" if change else "0" for change in defects.change[row])
        case _:
            return " ".join(map(str, defects.centre[row]))


def cell_key(defects: Defects, row: int, column: int) -> str | int:
    """Return what a cell is sorted by; changes by their total, places by z and then y."""
    match column:
        case 0:
            return str(defects.kind[row])
        case 1:
            return int(defects.size[row])
        case 2:
            return int(np.abs(defects.change[row]).sum())
        case _:
            z, y, x = map(int, defects.centre[row])
            return (z * 10_000 + y) * 10_000 + x


def changing(defects: Defects) -> Defects:
    """Return only the defects that change a Betti number, numbered anew from 1."""
    kept = defects.is_critical
    numbers = np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype(np.int32)
    return Defects(
        labels=numbers[defects.labels],
        kind=defects.kind[kept],
        change=defects.change[kept],
        size=defects.size[kept],
        centre=defects.centre[kept],
        connectivity=defects.connectivity,
    )
