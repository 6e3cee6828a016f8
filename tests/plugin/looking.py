"""What a person sees of a dock: its texts, its inputs, and what of it is cut off."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollBar,
    QSpinBox,
    QTableView,
    QTabWidget,
    QWidget,
)

Place = tuple[str, str]
INPUTS = (QComboBox, QAbstractSpinBox, QLineEdit, QAbstractSlider)


def pages(dock: Any) -> Iterator[str]:
    """Bring each page of a dock to the front, and name it."""
    for tab in range(dock.tabs.count()):
        dock.tabs.setCurrentIndex(tab)
        inner = dock.tabs.widget(tab).widget().findChild(QTabWidget)
        for page in range(inner.count() if inner else 1):
            if inner:
                inner.setCurrentIndex(page)
            yield f"{dock.tabs.tabText(tab)} {page}"


def inputs_in(root: QWidget) -> list[QWidget]:
    """Inputs that a person sees, without the parts that they are made of."""
    return [
        field
        for kind in INPUTS
        for field in root.findChildren(kind)
        if field.isVisible() and not isinstance(field, QScrollBar) and not _part(field)
    ]


def _part(widget: QWidget) -> bool:
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QAbstractSpinBox | QComboBox | QAbstractSlider | QTableView):
            return True
        around = around.parentWidget()
    return False


def texts(root: QWidget) -> Iterator[Place]:
    """Every text in a widget and its children: where it stands, and what it says."""
    for widget in [root, *root.findChildren(QWidget)]:
        where = f"{type(widget.parent()).__name__}/{type(widget).__name__}"
        yield f"{where} tooltip", widget.toolTip()
        yield f"{where} accessible name", widget.accessibleName()
        yield from ((where, plain(text)) for text in _own_texts(widget))


def plain(text: str) -> str:
    """Return a text without the marks that colour it."""
    return unescape(re.sub("<[^>]*>", "", text))


def _own_texts(widget: QWidget) -> Iterator[str]:
    match widget:
        case QLabel() | QAbstractButton():
            yield widget.text()
        case QGroupBox():
            yield widget.title()
        case QLineEdit():
            yield widget.placeholderText()
        case QProgressBar():
            yield widget.format()
        case QSpinBox() | QDoubleSpinBox():
            yield from (widget.prefix(), widget.suffix(), widget.specialValueText())
        case QComboBox():
            yield from (widget.itemText(index) for index in range(widget.count()))
        case QTabWidget():
            for index in range(widget.count()):
                yield from (widget.tabText(index), widget.tabToolTip(index))
        case QMenu():
            yield from (action.text() for action in widget.actions())
        case QTableView():
            model = widget.model()
            for column in range(model.columnCount()):
                for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                    heading = model.headerData(column, Qt.Orientation.Horizontal, role)
                    yield str(heading or "")
                for row in range(min(model.rowCount(), 50)):
                    yield str(model.index(row, column).data() or "")
        case _:
            pass


def cut_off(root: QWidget) -> list[str]:
    """Labels, buttons and boxes whose text does not fit where they stand."""
    return [
        f"{widget.text()!r} needs {needed}, has {got}"
        for kind in (QLabel, QPushButton, QCheckBox)
        for widget in root.findChildren(kind)
        if widget.isVisible() and widget.text()
        for needed, got in [_needs(widget)]
        if got[0] < needed[0] or got[1] < needed[1]
    ]


def _needs(widget: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    got = widget.width(), widget.height()
    if isinstance(widget, QLabel) and widget.wordWrap():
        words = re.split(r"\s+", plain(widget.text()))
        widest = max(widget.fontMetrics().horizontalAdvance(word) for word in words)
        return (widest, widget.heightForWidth(widget.width())), got
    words = widget.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, plain(widget.text()))
    room = 20 if isinstance(widget, QCheckBox) else 0
    return (words.width() + room, words.height()), got
