"""SortedTable: a narrow list of many rows that sorts by its headings and is stepped through.

The one idea: rows are those of a table model, whatever the order in which they are shown; a model
says by `SORT_ROLE` what its cells are sorted by.
"""

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, QSortFilterProxyModel, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

SORT_ROLE = Qt.ItemDataRole.UserRole
NARROW = "QTableView { font-size: 11px } QHeaderView::section { padding: 1px; margin: 0 }"


class SortedTable(QTableView):
    """Shows a model; its first column, with words, takes what room is left."""

    def __init__(self, model: QAbstractTableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(model)
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

    def step(self, forward: bool) -> None:
        """Choose the next or the previous row in the order shown, around the ends."""
        count = self._sorted.rowCount()
        if count == 0:
            return
        now = self.currentIndex().row()
        start = -1 if forward else count
        row = ((now if now >= 0 else start) + (1 if forward else -1)) % count
        self.selectRow(row)

    def choose(self, row: int) -> None:
        """Do what follows when a row of the model is chosen."""
        raise NotImplementedError

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid():
            self.choose(self._sorted.mapToSource(current).row())
