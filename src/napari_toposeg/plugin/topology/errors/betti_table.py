"""The Betti table: for each class, here - there = error, and the number once errors are mended."""

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_toposeg.plugin.topology.errors.comparison import Against
from napari_toposeg.plugin.topology.errors.counting import BettiRow
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS
from napari_toposeg.topology import BettiNumbers

LINE_HEIGHT, HEADER_HEIGHT, MOST_ROWS, NAME_WIDTH = 15, 24, 3, 54
NARROW = "QTableView { font-size: 11px } QHeaderView::section { padding: 1px; margin: 0 }"
SUBTRACTIONS = {
    "truth": mark("prediction - truth = error"),
    "reference": mark("here - there = difference"),
    "wanted": mark("now - wanted = error"),
    "nothing": mark("counted, held against nothing"),
}
"""What the cells say, in words."""


class BettiTable(QTableWidget):
    """Betti numbers of each class, and what they would be with errors mended."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self._rows: tuple[BettiRow, ...] = ()
        self.setHorizontalHeaderLabels(
            [tr("Class"), *(f"{style.glyph} b{k}" for k, style in enumerate(DIMENSIONS))]
        )
        for k, style in enumerate(DIMENSIONS):
            self.horizontalHeaderItem(k + 1).setToolTip(tr(style.name))
        self.setStyleSheet(NARROW)
        self.verticalHeader().hide()
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.setColumnWidth(0, NAME_WIDTH)
        self._fit_height(1)

    def show_numbers(self, rows: tuple[BettiRow, ...], against: Against) -> None:
        """Write the numbers of each class, and the error."""
        self._rows = rows
        self.setToolTip(tr(SUBTRACTIONS[against]))
        self.setRowCount(len(rows))
        for line, row in enumerate(rows):
            name = QTableWidgetItem(row.name)
            name.setToolTip(row.name)
            self.setItem(line, 0, name)
            for k in range(3):
                item = QTableWidgetItem()
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                font = item.font()
                font.setBold(row.error is not None and row.error[k] != 0)
                item.setFont(font)
                self.setItem(line, k + 1, item)
        self.show_mended({})

    def show_mended(self, mended: Mapping[int, BettiNumbers]) -> None:
        """Write under the numbers of some classes what they are with errors mended."""
        for line, row in enumerate(self._rows):
            after = mended.get(row.label)
            for k in range(3):
                text = betti_text(row, k, after)
                self.item(line, k + 1).setText(text)
                self.item(line, k + 1).setToolTip(text)
        has_error = any(row.error is not None for row in self._rows)
        self._fit_height(2 if has_error else 1)

    def _fit_height(self, lines: int) -> None:
        height = LINE_HEIGHT * lines + 6
        self.verticalHeader().setDefaultSectionSize(height)
        rows = min(max(self.rowCount(), 1), MOST_ROWS)
        self.setFixedHeight(HEADER_HEIGHT + height * rows + 2)


def betti_text(row: BettiRow, dimension: int, mended: BettiNumbers | None = None) -> str:
    """Write one Betti number: ``here - there``, and in a second line ``= error → mended``."""
    after = "" if mended is None else f" → {mended[dimension]:,}"
    if row.truth is None or row.error is None:
        return f"{row.prediction[dimension]:,}{after}"
    error = row.error[dimension]
    first = f"{row.prediction[dimension]:,} - {row.truth[dimension]:,}"
    return f"{first}\n= {f'{error:+,d}' if error else '0'}{after}"
