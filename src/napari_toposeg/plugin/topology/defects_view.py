"""DefectsView: the list of what a prediction gets wrong, to sort and to step through.

The one idea: the list shows a table model over the columns of `Defects`, so that tens of thousands
of rows cost nothing, and only says which was chosen. Ids are those of ``Defects.labels``, from 1.
"""

from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.widgets.plotting import kind_colours
from napari_toposeg.plugin.widgets.sorted_table import SORT_ROLE, SortedTable
from napari_toposeg.topology import Defects

HEADERS = ("Error", "Size", "b0 b1 b2", "z y x")
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


class DefectsView(SortedTable):
    """The list of defects, largest first; a click or `step` chooses one."""

    chosen = Signal(int)
    """Id of the chosen defect, from 1, as in ``Defects.labels``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.defects_model = DefectsModel()
        super().__init__(self.defects_model, parent)

    def set_defects(self, defects: Defects | None) -> None:
        """Show other defects, the largest first, or none."""
        self.defects_model.set_defects(defects)
        self.sortByColumn(1, Qt.SortOrder.DescendingOrder)

    def choose(self, row: int) -> None:
        """Say which defect was chosen."""
        self.chosen.emit(row + 1)


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
