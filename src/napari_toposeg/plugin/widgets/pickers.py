"""Combo boxes that choose a layer or a model, and follow what there is to choose from."""

from collections.abc import Callable
from typing import Any, Literal

from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent, QStandardItemModel
from qtpy.QtWidgets import QComboBox, QWidget

from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.plugin.canvas.layers import modality_of
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import mark, tr

SCRATCH = mark("from scratch")

NOT_OFFERED = {
    "reconstruct": mark(
        "{name} encodes images: it has no decoder that could rebuild them. Use it in Fine-tune."
    ),
    "segment": mark(
        "{name} encodes images: it has not learnt any classes yet. Train it in Fine-tune first."
    ),
}
"""Why a model that only encodes cannot be chosen, by what it would be chosen for."""


def narrow(combo: QComboBox) -> None:
    """Let a combo box shrink with the dock instead of widening it to its longest entry."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)


class LayerPicker(QComboBox):
    """Chooses one of the viewer's layers.

    Parameters
    ----------
    session
        The dock's session.
    accept
        True for layers that are offered.
    empty
        Text shown when there is nothing to choose; with ``optional``, the entry that means "none".
    """

    layer_chosen = Signal(object)

    def __init__(
        self,
        session: Session,
        accept: Callable[[Any], bool],
        *,
        empty: str = "",
        optional: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        narrow(self)
        self._session = session
        self._accept = accept
        self._empty = empty or tr("no layer")
        self._optional = optional
        self.refresh()
        session.layers_changed.connect(self.refresh)
        self.currentIndexChanged.connect(self._on_index)

    @property
    def layer(self) -> Any:
        """The chosen layer, or None."""
        layer = self.currentData()
        return layer[0] if layer else None

    def choose(self, layer: Any) -> None:
        """Show a layer as the chosen one, if it is offered."""
        for index in range(self.count()):
            entry = self.itemData(index)
            if entry and entry[0] == layer:
                self.setCurrentIndex(index)

    def refresh(self) -> None:
        """List the layers anew and keep the choice where it still exists."""
        before = self.layer
        self.blockSignals(True)
        self.clear()
        layers = [layer for layer in self._session.viewer.layers if self._accept(layer)]
        if self._optional or not layers:
            self.addItem(self._empty, None)
        for layer in layers:
            # In a list: Qt would try to convert a bare layer, which is callable and iterable to it.
            self.addItem(layer.name, [layer])
        self.choose(before)
        self.blockSignals(False)
        after = self.layer
        if (before is None) != (after is None) or before != after:
            self.layer_chosen.emit(after)

    def _on_index(self, _: int) -> None:
        self.layer_chosen.emit(self.layer)


class ModelPicker(QComboBox):
    """Chooses one of the models for a task, listed when it is first shown.

    Parameters
    ----------
    session
        The dock's session; its ``models_changed`` lists again.
    task
        The task of the models that are offered; by default every model.
    scratch
        Offer to start without a model too; its name is ``"none"``.
    """

    def __init__(
        self,
        session: Session,
        task: Literal["reconstruct", "segment"] | None = None,
        parent: QWidget | None = None,
        *,
        scratch: bool = False,
    ) -> None:
        super().__init__(parent)
        narrow(self)
        self._task = task
        self._scratch = scratch
        self._session = session
        self._listed = False
        self._by_hand = False
        session.models_changed.connect(self.refresh)
        session.image_layer_changed.connect(lambda _: self.suggest())
        self.activated.connect(self._on_hand)

    @property
    def card(self) -> Any:
        """The chosen model's card, or None."""
        return self.currentData()

    @property
    def model(self) -> str | None:
        """The chosen model's name, or None."""
        card = self.currentData()
        return None if card is None else str(card.name)

    def require(self) -> str:
        """Return the chosen model's name.

        Raises
        ------
        InvalidCheckpoint
            If there is no model for the task.
        """
        if self._scratch and self.count() and self.card is None:
            return "none"
        if self.model is None:
            raise InvalidCheckpoint(
                tr(
                    "there is no model to choose; train one, or import one with "
                    "'napari-toposeg models import PATH'"
                )
            )
        return self.model

    def choose(self, name: str) -> None:
        """Choose a model by name, if it is listed; it stays chosen whatever the scan."""
        index = self.findText(name)
        if index >= 0 and self._offers(index):
            self._by_hand = True
            self.setCurrentIndex(index)

    def suggest(self) -> None:
        """Choose a model made for the kind of scan that is shown, unless a person chose one."""
        from napari_toposeg.learning.cards import fitting_card

        layer = self._session.image_layer
        cards = [self.itemData(index) for index in range(self.count()) if self._offers(index)]
        offered = sorted(filter(None, cards), key=lambda card: card.task != "reconstruct")
        if self._by_hand or layer is None or not offered:
            return
        card = fitting_card(offered, modality_of(layer))
        assert card is not None
        self.setCurrentIndex(self.findText(card.name))

    def _on_hand(self, _: int) -> None:
        self._by_hand = True

    def _add(self, card: Any, tooltip: str, *, offered: bool = True) -> None:
        """Add an entry; one that is not offered is shown with its reason and cannot be chosen."""
        text = card.name if offered else tr("{name} (encodes only)").format(name=card.name)
        self.addItem(text, card)
        item = self._items.item(self.count() - 1)
        item.setToolTip(tooltip)
        item.setEnabled(offered)

    def _offers(self, index: int) -> bool:
        item = self._items.item(index)
        return item is not None and item.isEnabled()

    @property
    def _items(self) -> QStandardItemModel:
        # Of the combo box: `model` here is the name of the chosen one.
        model = super().model()
        assert isinstance(model, QStandardItemModel)
        return model

    def showEvent(self, event: QShowEvent | None) -> None:
        """List the models when there is first someone to see them: not while the dock is built."""
        super().showEvent(event)
        if not self._listed:
            self.refresh()
        self.suggest()

    def refresh(self) -> None:
        """List the models anew and keep the choice where it still exists."""
        from napari_toposeg.learning.cards import list_models

        before = self.model if self._by_hand else None
        self._listed = True
        self.clear()
        cards = list_models()
        for card in cards:
            if self._task in (None, card.task):
                self._add(card, str(card.intended_use))
        if self._scratch:
            self.addItem(tr(SCRATCH), None)
        if not self.count():
            self.addItem(tr("no model yet"), None)
        for card in cards:
            if self._task is not None and card.task == "encode":
                self._add(card, tr(NOT_OFFERED[self._task]).format(name=card.name), offered=False)
        if before is not None:
            self.choose(before)
        self.suggest()
