"""ColumnTable: a narrow list of many rows that sorts, filters, ticks, and is stepped through.

The one idea: rows keep their numbers, and the list only holds the order in which some of them are
shown. Sorting and filtering are numpy's on whole columns, so that a hundred thousand rows cost
nothing; texts are written for the cells in view alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

NARROW = "QTableView { font-size: 11px } QHeaderView::section { padding: 1px; margin: 0 }"
Role = Qt.ItemDataRole
ROOM = 11
"""Pixels beside the text of a cell."""
MOST_SAMPLES = 50
"""Rows whose texts say how wide a column is."""
ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


@dataclass(frozen=True)
class Column:
    """A column: its title, what it means, what it is sorted by, and the text of a row's cell."""

    title: str
    tip: str
    keys: NDArray[Any]
    text: Callable[[int], str]


class ColumnModel(QAbstractTableModel):
    """Columns as a Qt table, some rows of them in some order."""

    ticked = Signal(int, bool)
    """Number of a row, and whether it was ticked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns: Sequence[Column] = ()
        self.icon: Callable[[int], QIcon] | None = None
        self.tip: Callable[[int], str] | None = None
        self.ticks: NDArray[np.bool_] | None = None
        self.shown = np.empty(0, np.int64)
        self._order = np.empty(0, np.int64)
        self._accepted: NDArray[np.bool_] | None = None
        self._sorted_by = (0, ASCENDING)

    def set_columns(
        self,
        columns: Sequence[Column],
        icon: Callable[[int], QIcon] | None = None,
        tip: Callable[[int], str] | None = None,
        ticks: NDArray[np.bool_] | None = None,
    ) -> None:
        """Show other rows, all of them."""
        self.beginResetModel()
        self.columns, self.icon, self.tip, self.ticks = columns, icon, tip, ticks
        self._accepted = None
        self._arrange()
        self.endResetModel()

    def set_ticks(self, ticks: NDArray[np.bool_]) -> None:
        """Tick other rows."""
        self.ticks = ticks
        if len(self.shown):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.shown) - 1, 0))

    def show_only(self, accepted: NDArray[np.bool_] | None) -> None:
        """Show only some rows, by number, or all."""
        self.beginResetModel()
        self._accepted = accepted
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = ASCENDING) -> None:
        """Sort by a column; ties stay in the order of their numbers."""
        self.beginResetModel()
        self._sorted_by = (column, order)
        self._arrange()
        self.endResetModel()

    def _arrange(self) -> None:
        if not self.columns:
            self.shown = np.empty(0, np.int64)
            return
        column, order = self._sorted_by
        keys = self.columns[min(max(column, 0), len(self.columns) - 1)].keys
        ranks = np.unique(keys, return_inverse=True)[1]
        shown = np.argsort(-ranks if order == DESCENDING else ranks, kind="stable")
        self.shown = shown if self._accepted is None else shown[self._accepted[shown]]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many rows are shown."""
        return 0 if parent is not None and parent.isValid() else len(self.shown)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        """Return a column's title or what it means."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        match role:
            case Role.DisplayRole:
                return self.columns[section].title
            case Role.ToolTipRole:
                return self.columns[section].tip
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let the boxes of the first column be ticked, where there are any."""
        has_box = self.ticks is not None and index.column() == 0
        box = Qt.ItemFlag.ItemIsUserCheckable if has_box else Qt.ItemFlag(0)
        return super().flags(index) | box

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid() or index.row() >= len(self.shown):
            return None
        row, column = int(self.shown[index.row()]), index.column()
        match role:
            case Role.DisplayRole:
                return self.columns[column].text(row)
            case Role.ToolTipRole:
                return self.columns[column].text(row) if self.tip is None else self.tip(row)
            case Role.DecorationRole if column == 0 and self.icon is not None:
                return self.icon(row)
            case Role.CheckStateRole if column == 0 and self.ticks is not None:
                return Qt.CheckState.Checked if self.ticks[row] else Qt.CheckState.Unchecked
            case Role.TextAlignmentRole if column > 0:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = Role.EditRole) -> bool:
        """Say that a box was ticked or cleared."""
        if role != Role.CheckStateRole or index.column() != 0 or self.ticks is None:
            return False
        ticked = Qt.CheckState(value) == Qt.CheckState.Checked
        self.ticked.emit(int(self.shown[index.row()]), ticked)
        return True


class ColumnTable(QTableView):
    """Shows columns; the first, with words, takes what room is left."""

    chosen = Signal(int)
    """Number of the row that was chosen."""
    ticked = Signal(int, bool)
    """Number of a row, and whether it was ticked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns = ColumnModel()
        self.setModel(self.columns)
        self.columns.ticked.connect(self.ticked)
        self._number: int | None = None
        self._quiet = False
        self.setSortingEnabled(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        # Some columns, the first with words, in a dock of 320 pixels.
        self.setStyleSheet(NARROW)
        self.setIconSize(QSize(14, 14))
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(20)
        self.columns.modelReset.connect(self._restore)
        self.selectionModel().currentRowChanged.connect(self._on_current)

    @property
    def number(self) -> int | None:
        """Number of the chosen row, None where none is."""
        return self._number

    @property
    def shown(self) -> NDArray[np.int64]:
        """Numbers of the rows in the order shown."""
        return self.columns.shown

    def set_columns(
        self,
        columns: Sequence[Column],
        *,
        sort: int = 0,
        descending: bool = False,
        icon: Callable[[int], QIcon] | None = None,
        tip: Callable[[int], str] | None = None,
        ticks: NDArray[np.bool_] | None = None,
    ) -> None:
        """Show other rows, sorted by a column, none chosen."""
        self._number = None
        self.columns.set_columns(columns, icon, tip, ticks)
        self.sortByColumn(sort, DESCENDING if descending else ASCENDING)
        self._fit_widths()

    def show_only(self, accepted: NDArray[np.bool_] | None) -> None:
        """Show only some rows, by number, or all."""
        self.columns.show_only(accepted)

    def step(self, forward: bool) -> None:
        """Choose the next or the previous row in the order shown, around the ends."""
        count = len(self.shown)
        if count == 0:
            return
        now = self.currentIndex().row()
        start = -1 if forward else count
        self.selectRow(((now if now >= 0 else start) + (1 if forward else -1)) % count)

    def _fit_widths(self) -> None:
        """Give each column after the first the room of its title and of its widest cells."""
        header, metrics = self.horizontalHeader(), self.fontMetrics()
        header.setMinimumSectionSize(20)
        for section, column in enumerate(self.columns.columns):
            if section == 0:
                header.setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)
                continue
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.Interactive)
            texts = [column.title, *(column.text(row) for row in samples(column.keys))]
            widest = max(metrics.horizontalAdvance(text) for text in texts)
            self.setColumnWidth(section, widest + ROOM)

    def _restore(self) -> None:
        """Keep the chosen row chosen where it is still shown; it was gone to already."""
        place = np.flatnonzero(self.shown == (-1 if self._number is None else self._number))
        if len(place):
            self._quiet = True
            self.selectRow(int(place[0]))
            self._quiet = False

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid() and not self._quiet:
            self._number = int(self.shown[current.row()])
            self.chosen.emit(self._number)


def samples(keys: NDArray[Any]) -> list[int]:
    """Return some rows, those of the least and of the greatest key among them."""
    if not len(keys):
        return []
    spread = np.linspace(0, len(keys) - 1, MOST_SAMPLES).astype(int)
    rows: list[int] = np.unique([np.argmin(keys), np.argmax(keys), *spread]).tolist()
    return rows
