"""ModelList: models that are ticked to be compared."""

from typing import Any, Literal

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QWidget

from napari_toposeg.plugin.session import Session

MOST_ROWS = 6
FIRST = 2


class ModelList(QListWidget):
    """Lists the models of a task, each with a box to tick; the first two are ticked to begin with.

    Parameters
    ----------
    session
        The dock's session; its ``models_changed`` lists again.
    task
        The task of the models that are offered.
    """

    ticked_changed = Signal()

    def __init__(
        self,
        session: Session,
        task: Literal["reconstruct", "segment"],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._task = task
        self._listed = False
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        session.models_changed.connect(self.refresh)
        self.itemChanged.connect(lambda _: self.ticked_changed.emit())

    @property
    def ticked(self) -> tuple[str, ...]:
        """Names of the ticked models, from top to bottom."""
        return tuple(str(item.text()) for item in self._items() if _is_ticked(item))

    @property
    def cards(self) -> tuple[Any, ...]:
        """Cards of the ticked models."""
        role = Qt.ItemDataRole.UserRole
        return tuple(item.data(role) for item in self._items() if _is_ticked(item))

    def tick(self, *names: str) -> None:
        """Tick these models and no others."""
        for item in self._items():
            item.setCheckState(_state(item.text() in names))

    def refresh(self) -> None:
        """List the models anew and keep the ticks of those that still exist."""
        from napari_toposeg.learning.cards import list_models

        before = self.ticked
        self._listed = True
        self.clear()
        cards = [card for card in list_models() if card.task == self._task]
        chosen = before or tuple(card.name for card in cards[:FIRST])
        for card in cards:
            item = QListWidgetItem(card.name)
            item.setData(Qt.ItemDataRole.UserRole, card)
            item.setToolTip(str(card.intended_use))
            item.setCheckState(_state(card.name in chosen))
            self.addItem(item)
        self.setFixedHeight(self.sizeHint().height())
        self.ticked_changed.emit()

    def showEvent(self, event: QShowEvent | None) -> None:
        """List the models when there is first someone to see them."""
        super().showEvent(event)
        if not self._listed:
            self.refresh()

    def sizeHint(self) -> QSize:
        """Return the height of the rows, of many the first."""
        rows = min(max(self.count(), 1), MOST_ROWS)
        height = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height() + 4
        return QSize(200, rows * height + 2 * self.frameWidth() + 2)

    def minimumSizeHint(self) -> QSize:
        """Return the same height, and little width: names are cut in a narrow dock."""
        return QSize(80, self.sizeHint().height())

    def _items(self) -> list[QListWidgetItem]:
        found = (self.item(row) for row in range(self.count()))
        return [item for item in found if item is not None]


def _state(ticked: bool) -> Qt.CheckState:
    return Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked


def _is_ticked(item: QListWidgetItem) -> bool:
    return bool(item.checkState() == Qt.CheckState.Checked)
