"""The Betti table: for each class, prediction - truth = error, in each dimension."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from napari_toposeg.plugin.topology.comparison import BettiRow
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS

ROW_HEIGHT, HEADER_HEIGHT, MOST_ROWS = 38, 26, 3


def set_betti_header(table: QTableWidget) -> None:
    """Title the columns of a Betti table."""
    table.setHorizontalHeaderLabels(
        ["Class", *(f"{style.glyph} b{k}" for k, style in enumerate(DIMENSIONS))]
    )
    for k, style in enumerate(DIMENSIONS):
        table.horizontalHeaderItem(k + 1).setToolTip(style.name)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    table.setFixedHeight(HEADER_HEIGHT + ROW_HEIGHT)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)


def fill_betti_table(table: QTableWidget, rows: tuple[BettiRow, ...]) -> None:
    """Write Betti numbers of prediction, truth and the error between them."""
    table.setRowCount(len(rows))
    table.setFixedHeight(HEADER_HEIGHT + ROW_HEIGHT * min(max(len(rows), 1), MOST_ROWS))
    for line, row in enumerate(rows):
        table.setItem(line, 0, QTableWidgetItem(row.name))
        for k in range(3):
            item = QTableWidgetItem(betti_text(row, k))
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            font = item.font()
            font.setBold(row.error is not None and row.error[k] != 0)
            item.setFont(font)
            table.setItem(line, k + 1, item)


def betti_text(row: BettiRow, dimension: int) -> str:
    """Write one Betti number as ``prediction - truth = error``, in two lines."""
    if row.truth is None or row.error is None:
        return f"{row.prediction[dimension]:,}"
    error = row.error[dimension]
    return f"{row.prediction[dimension]:,} - {row.truth[dimension]:,}\n= {error:+,d}".replace(
        "+0", "0"
    )
