"""Small pieces that all tabs build their forms from: sections, rows with buddy labels, tables."""

from collections.abc import Callable, Sequence

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.translation import tr


def page() -> tuple[QWidget, QVBoxLayout]:
    """Return an empty page of sections and its layout."""
    widget = QWidget()
    return widget, page_layout(widget)


def page_layout(widget: QWidget) -> QVBoxLayout:
    """Give a tab the layout of a page: sections from the top, room left at the bottom."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(6, 6, 6, 6)
    layout.setSpacing(6)
    layout.setAlignment(Qt.AlignmentFlag.AlignTop)
    return layout


def pages_of(tab: QWidget, *pages: tuple[QWidget, str, str]) -> QTabWidget:
    """Fill a tab with pages, each with its name and tooltip, and return what turns them."""
    turned = QTabWidget()
    turned.setDocumentMode(True)
    for page, name, tooltip in pages:
        turned.setTabToolTip(turned.addTab(page, name), tooltip)
    layout = QVBoxLayout(tab)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(turned)
    return turned


def section(layout: QVBoxLayout, title: str) -> QFormLayout:
    """Add a titled group to a page and return its form."""
    group = QGroupBox(title)
    form = QFormLayout(group)
    form.setContentsMargins(8, 6, 8, 6)
    form.setVerticalSpacing(4)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
    layout.addWidget(group)
    return form


def row(form: QFormLayout, text: str, field: QWidget, tooltip: str) -> None:
    """Add a field with its buddy label; both carry the tooltip."""
    field.setToolTip(tooltip)
    form.addRow(text, field)
    label = form.labelForField(field)
    if label is not None:
        label.setToolTip(tooltip)


def button(text: str, tooltip: str, on_click: Callable[[], object]) -> QPushButton:
    """Return a button that calls a function without arguments."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    made.clicked.connect(lambda: on_click())
    return made


def value(tooltip: str) -> QLabel:
    """Return a label for a value, which wraps and can be copied."""
    label = QLabel("–")
    label.setToolTip(tooltip)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def research_note() -> QLabel:
    """Return the line that stands where a result is shown."""
    note = QLabel(tr("For research use only"))
    note.setObjectName("research-note")
    note.setToolTip(tr("Not a medical device: nothing here is made for diagnosis or treatment"))
    font = note.font()
    font.setItalic(True)
    note.setFont(font)
    return note


def side_by_side(*widgets: QWidget) -> QHBoxLayout:
    """Return a row of widgets of one width, as narrow as the dock asks for."""
    layout = QHBoxLayout()
    layout.setSpacing(4)
    for each in widgets:
        each.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout.addWidget(each)
    return layout


class NumberTable(QTableWidget):
    """A small read-only table that is as tall as its rows.

    Parameters
    ----------
    columns
        Headings; the first column holds the names of the rows.
    """

    def __init__(self, columns: Sequence[str], tooltip: str, parent: QWidget | None = None) -> None:
        super().__init__(0, len(columns), parent)
        self.setHorizontalHeaderLabels(list(columns))
        self.setToolTip(tooltip)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(30)

    def fill(self, rows: Sequence[Sequence[str]]) -> None:
        """Show these rows in place of what was shown."""
        self.setRowCount(len(rows))
        for number, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(number, column, item)
        self.resizeRowsToContents()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the height of the header and the rows together."""
        heights = sum(self.rowHeight(number) for number in range(self.rowCount()))
        frame = 2 * self.frameWidth()
        return QSize(200, self.horizontalHeader().sizeHint().height() + heights + frame)

    def minimumSizeHint(self) -> QSize:
        """Return the same height: a table is shown whole."""
        return QSize(120, self.sizeHint().height())
