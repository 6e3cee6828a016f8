"""ClassTable: the classes of an annotation: label, colour, name and wanted topology.

The one idea: the row that is chosen is the label in the brush.
"""

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.annotate.classes import Classes, PaintedClass, plain_class
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.wish_delegate import WishDelegate, meaning
from napari_toposeg.plugin.widgets.wishes import read_wish, write_wish

NAME, WANTED = 1, 2
ROW_HEIGHT, HEADER_HEIGHT, MOST_ROWS = 24, 26, 5
SWATCH = 12


class ClassTable(QTableWidget):
    """A row for each class; names and wishes are edited in place."""

    edited = Signal()
    """A class was renamed, added, removed, or wished something else."""

    label_chosen = Signal(int)
    """The label of the row that a person chose."""

    refused = Signal(object)
    """The ToposegError of a wish that cannot be read; the wish before stays."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self._classes: Classes = ()
        self._filling = False
        self.setHorizontalHeaderLabels([tr("label"), tr("class"), tr("want b0 b1 b2")])
        self.setToolTip(
            tr(
                "The chosen row is the label in the brush. Double-click (F2) a name or the wanted "
                "components, loops and cavities to change them; an empty wish means any"
            )
        )
        self.setAccessibleName(tr("Classes of the annotation"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self._delegate = WishDelegate(self)
        self.setItemDelegateForColumn(WANTED, self._delegate)
        self.itemChanged.connect(self._on_item)
        self.currentCellChanged.connect(self._on_current)
        self.show_classes(())

    @property
    def classes(self) -> Classes:
        """The classes as they stand in the table."""
        return self._classes

    def show_classes(self, classes: Classes) -> None:
        """Show classes in place of those that were shown; nothing is told of it."""
        row = max(self.currentRow(), 0)
        self._classes, self._filling = classes, True
        self.setRowCount(len(classes))
        for number, each in enumerate(classes, start=1):
            self._fill_row(number - 1, number, each)
        self.setCurrentCell(min(row, len(classes) - 1), NAME)
        self._filling = False
        rows = min(max(len(classes), 1), MOST_ROWS)
        self.setFixedHeight(HEADER_HEIGHT + ROW_HEIGHT * rows + 2)

    def choose_label(self, label: int) -> None:
        """Show which label is in the brush."""
        if 1 <= label <= len(self._classes) and self.currentRow() != label - 1:
            self._filling = True
            self.setCurrentCell(label - 1, NAME)
            self._filling = False

    def add_class(self) -> None:
        """Add one more class, and put it into the brush."""
        count = len(self._classes) + 1
        self.show_classes((*self._classes, plain_class(count)))
        self.edited.emit()
        self.setCurrentCell(count - 1, NAME)

    def remove_last(self) -> None:
        """Take the last class away: labels are numbered without a gap."""
        self.show_classes(self._classes[:-1])
        self.edited.emit()

    def _fill_row(self, row: int, number: int, shown: PaintedClass) -> None:
        label = QTableWidgetItem(swatch(shown.colour), str(number))
        label.setFlags(label.flags() & ~Qt.ItemFlag.ItemIsEditable)
        self.setItem(row, 0, label)
        self.setItem(row, NAME, QTableWidgetItem(shown.name))
        wish = QTableWidgetItem(write_wish(shown.wanted))
        wish.setToolTip(meaning(write_wish(shown.wanted)))
        self.setItem(row, WANTED, wish)

    def _on_item(self, item: QTableWidgetItem) -> None:
        if self._filling:
            return
        row = item.row()
        before = self._classes[row]
        name = self.item(row, NAME).text().strip() or before.name
        try:
            wanted = read_wish(self.item(row, WANTED).text(), name)
        except InvalidConfig as error:
            self.show_classes(self._classes)
            self.refused.emit(error)
            return
        after = PaintedClass(name, wanted, before.colour)
        self.show_classes((*self._classes[:row], after, *self._classes[row + 1 :]))
        if after != before:
            self.edited.emit()

    def _on_current(self, row: int, *_: int) -> None:
        if not self._filling and row >= 0:
            self.label_chosen.emit(row + 1)


def swatch(colour: Any) -> QIcon:
    """Return a small square of a colour."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(QColor(colour))
    icon = QIcon(pixmap)
    # Qt tints the icon of a chosen row, but this colour is what tells the class.
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
