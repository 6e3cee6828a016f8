"""WantedTable: the classes of a label map, and the Betti numbers that are wanted of each."""

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.wish_delegate import WishDelegate
from napari_toposeg.plugin.widgets.wishes import Wish, read_wish

WANTED = "1 0 0"
"""One solid piece, unless a person says otherwise."""
ROW_HEIGHT, HEADER_HEIGHT, MOST_ROWS = 24, 28, 4
MOST_CLASSES = 60
"""More values than this are no classes but counts or ids, of which none is listed."""


class WantedTable(QTableWidget):
    """A row for each class: its name, its voxels, and a cell for the numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.setHorizontalHeaderLabels([tr("Class"), tr("Voxels"), tr("want b0 b1 b2")])
        self.setToolTip(
            tr(
                "Components, loops and cavities wanted of each class; an empty cell leaves the "
                "class as it is"
            )
        )
        self._delegate = WishDelegate(self)
        self.setItemDelegateForColumn(2, self._delegate)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    @property
    def wanted(self) -> dict[int, Wish]:
        """Betti numbers wanted, by class; a class whose cell is empty is left as it is.

        Raises
        ------
        InvalidConfig
            If a cell holds something other than three counts.
        """
        found: dict[int, Wish] = {}
        for line in range(self.rowCount()):
            wish = read_wish(self.item(line, 2).text(), self.item(line, 0).text())
            if wish is not None:
                found[int(self.item(line, 0).data(Qt.ItemDataRole.UserRole))] = wish
        return found

    def show_classes(self, sizes: Mapping[int, int], names: Mapping[int, str]) -> None:
        """List classes, each to be one solid piece.

        Parameters
        ----------
        sizes
            Voxels of each class, by its label.
        """
        found = tuple(sizes) if len(sizes) <= MOST_CLASSES else ()
        self.setRowCount(len(found))
        rows = min(max(len(found), 1), MOST_ROWS)
        self.setFixedHeight(HEADER_HEIGHT + ROW_HEIGHT * rows + 2)
        for line, number in enumerate(found):
            name = fixed(names.get(number, tr("label {number}").format(number=number)))
            name.setData(Qt.ItemDataRole.UserRole, number)
            self.setItem(line, 0, name)
            self.setItem(line, 1, fixed(f"{sizes[number]:,}"))
            self.setItem(line, 2, QTableWidgetItem(WANTED))


def fixed(text: str) -> QTableWidgetItem:
    """Return a cell that cannot be edited."""
    item = QTableWidgetItem(text)
    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
    return item
