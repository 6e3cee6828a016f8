"""EditsView: the list of the edits of a repair, each with a box to take it or to leave it.

The one idea: as in the list of errors, a table model shows columns and the view says which row was
chosen; ticking a box only says so, and the panel counts anew.
"""

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.topology.repairing import ClassEdit, Proposal
from napari_toposeg.plugin.widgets.plotting import EDIT_COLOURS
from napari_toposeg.plugin.widgets.sorted_table import SORT_ROLE, SortedTable

HEADERS = ("Edit", "Size", "Cost", "b0 b1 b2")
TIPS = (
    "Whether the edit is taken, and what it does",
    "How many voxels it changes",
    "How sure the voxels were, all together: the dearest edits are the boldest",
    "What it alone adds to the Betti numbers of its class",
)


class EditsModel(QAbstractTableModel):
    """The edits of a proposal as a Qt table with boxes in the first column."""

    answered = Signal(int, bool)
    """Row, and whether it is to be taken."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edits: tuple[ClassEdit, ...] = ()
        self._names: Mapping[int, str] = {}

    def set_proposal(self, proposal: Proposal | None, names: Mapping[int, str]) -> None:
        """Show other edits, or none."""
        self.beginResetModel()
        self.edits = () if proposal is None else proposal.edits
        self._names = names
        self.endResetModel()

    def renew(self, proposal: Proposal) -> None:
        """Show the same edits with other answers."""
        self.edits = proposal.edits
        self.dataChanged.emit(
            self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1)
        )

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of edits."""
        return 0 if parent is not None and parent.isValid() else len(self.edits)

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

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let the boxes be ticked."""
        ticked = Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else Qt.ItemFlag(0)
        return super().flags(index) | ticked

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows or is sorted by."""
        if not index.isValid():
            return None
        each, column = self.edits[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.CheckStateRole if column == 0:
                taken = each.edit.accepted
                return Qt.CheckState.Checked if taken else Qt.CheckState.Unchecked
            case Qt.ItemDataRole.DecorationRole if column == 0:
                return QColor(EDIT_COLOURS["adds" if each.edit.adds else "removes"])
            case Qt.ItemDataRole.DisplayRole:
                return self._text(each, column)
            case Qt.ItemDataRole.ToolTipRole:
                return f"{self._text(each, 0)} at z y x {' '.join(map(str, each.centre))}"
        return edit_key(each, column) if role == SORT_ROLE else None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Say that a box was ticked or cleared."""
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != 0:
            return False
        self.answered.emit(index.row(), Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def _text(self, each: ClassEdit, column: int) -> str:
        match column:
            case 0:
                name = self._names.get(each.label, f"label {each.label}")
                return f"{'+' if each.edit.adds else '−'} {name}"
            case 1:
                return f"{len(each.edit.voxels):,}"
            case 2:
                return f"{each.edit.cost:.2g}"
            case _:
                changes = each.edit.change
                return " ".join(f"{change:+d}" if change else "0" for change in changes)


class EditsView(SortedTable):
    """The list of edits, the dearest first; a click or `step` chooses one."""

    chosen = Signal(int)
    """Row of the chosen edit in the proposal."""
    answered = Signal(int, bool)
    """Row of an edit, and whether it is to be taken."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.edits_model = EditsModel()
        super().__init__(self.edits_model, parent)
        self.edits_model.answered.connect(self.answered)

    def set_proposal(self, proposal: Proposal | None, names: Mapping[int, str]) -> None:
        """Show the edits of another proposal, the dearest first, or none."""
        self.edits_model.set_proposal(proposal, names)
        self.sortByColumn(2, Qt.SortOrder.DescendingOrder)

    def choose(self, row: int) -> None:
        """Say which edit was chosen."""
        self.chosen.emit(row)


def edit_key(each: ClassEdit, column: int) -> int | float | str:
    """Return what a cell is sorted by."""
    match column:
        case 0:
            return f"{each.edit.adds} {each.label:6}"
        case 1:
            return len(each.edit.voxels)
        case 2:
            return each.edit.cost
        case _:
            return sum(map(abs, each.edit.change))
