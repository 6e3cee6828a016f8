"""Legend: the kinds that are there, each with its sign, its word and its count; a click filters.

The one idea: the legend is the filter. An entry that is pressed shows its kind alone, several show
theirs together, none shows all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QToolButton, QWidget
from superqt import QFlowLayout

from napari_toposeg.plugin.topology.errors.kind_icons import SIDE
from napari_toposeg.plugin.translation import tr


@dataclass(frozen=True)
class Entry:
    """A kind in the legend."""

    key: str
    icon: QIcon
    word: str
    count: int
    tip: str


class Legend(QWidget):
    """A row of buttons that wraps, one for each kind."""

    filtered = Signal(object)
    """The keys to show, as a frozenset; empty where all are shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = QFlowLayout(self)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setSpacing(3)
        self.buttons: dict[str, QToolButton] = {}

    @property
    def chosen(self) -> frozenset[str]:
        """The keys whose entries are pressed."""
        return frozenset(key for key, button in self.buttons.items() if button.isChecked())

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show other entries; those of the same keys stay pressed."""
        pressed = self.chosen
        if list(self.buttons) != [entry.key for entry in entries]:
            self._make(entries)
        for entry in entries:
            button = self.buttons[entry.key]
            button.setText(f"{entry.word} {entry.count:,}")
            button.setToolTip(f"{entry.tip}\n" + tr("Click: list only these"))
            button.setChecked(entry.key in pressed)
        self.setVisible(bool(entries))
        self.updateGeometry()

    def _make(self, entries: Sequence[Entry]) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.deleteLater()
        self.buttons = {entry.key: self._button(entry) for entry in entries}

    def _button(self, entry: Entry) -> QToolButton:
        button = QToolButton()
        button.setIcon(entry.icon)
        button.setIconSize(QSize(SIDE, SIDE))
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.clicked.connect(lambda _: self.filtered.emit(self.chosen))
        self._flow.addWidget(button)
        return button
