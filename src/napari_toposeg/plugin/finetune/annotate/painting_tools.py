"""PaintingTools: undo over all slices, and what helps to paint the slice in view.

The one idea: each button has a key in the annotation layer, so that the brush need not be left.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import layer_with
from napari_toposeg.plugin.errand import Errand
from napari_toposeg.plugin.finetune.annotate import slice_tools
from napari_toposeg.plugin.finetune.annotate.annotation_layer import fill_slice
from napari_toposeg.plugin.finetune.annotate.between import Between
from napari_toposeg.plugin.finetune.annotate.history import Change
from napari_toposeg.plugin.finetune.annotate.undo import Undo
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import button, section

FILL_KEY, COPY_KEY, GUESS_KEY = "Shift-B", "Shift-C", "Shift-G"
ACCEPT_KEY, REFUSE_KEY, NEXT_KEY = "Shift-Y", "Shift-N", "Shift-S"


class PaintingTools(QWidget):
    """Buttons and keys on the annotation that is followed."""

    painted = Signal()
    """A button changed the annotation."""

    next_wanted = Signal()
    """The key of the next suggestion was pressed."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.layer: Any = None
        self.undo_history: Undo | None = None
        self._guessed: Any = None
        self._guesses = Errand(self)
        self._guesses.done.connect(self._show_guess)
        self._guesses.failed.connect(session.show_error)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._build(layout)
        session.layers_changed.connect(self.refresh)
        session.closing.connect(self._guesses.close)
        self.refresh()

    def follow(self, layer: Any, undo: Undo | None) -> None:
        """Work on an annotation and its history from now on; None for none."""
        if layer is not None and layer != self.layer:
            # What is guessed is of the annotation that is left.
            self.refuse()
        self._unbind()
        self.layer, self.undo_history = layer, undo
        if undo is not None:
            undo.changed.connect(self.refresh)
        if layer is not None:
            for key, action in self._keys():
                layer.bind_key(key, lambda _, action=action: action(), overwrite=True)
        self.refresh()

    def undo(self) -> None:
        """Take the last change of the annotation back, in whatever slice it lies."""
        self._tell(self.undo_history and self.undo_history.undo(), tr("Undone: {what}"))

    def redo(self) -> None:
        """Make the change again that was undone last."""
        self._tell(self.undo_history and self.undo_history.redo(), tr("Done again: {what}"))

    def fill(self) -> None:
        """Paint the unlabelled voxels of the slice in view as background; can be undone."""
        filled = self._named(
            mark("rest of a slice"), lambda layer: fill_slice(self._session.viewer, layer)
        )
        text = tr("{count} voxels of this slice became background (Ctrl+Z undoes)")
        self._session.say(text.format(count=f"{filled:,}"))
        self.painted.emit()

    def copy(self) -> None:
        """Copy the nearest painted slice into what is unlabelled of the slice in view."""
        source, count = self._named(
            mark("copied slice"), lambda layer: slice_tools.copy_slice(self._session.viewer, layer)
        )
        text = tr("{count} voxels copied from slice {source} (Ctrl+Z undoes)")
        self._session.say(text.format(count=f"{count:,}", source=source))
        self.painted.emit()

    def guess(self) -> None:
        """Guess the slices between two painted ones, in the background."""
        layer, viewer = self._require_layer(), self._session.viewer
        axis, index = slice_tools.slice_in_view(viewer, layer)
        labels, spacing = np.asarray(layer.data), tuple(map(float, layer.scale))
        self._guessed = layer
        self._guesses.send(lambda: slice_tools.guess_at(labels, axis, index, spacing))
        self._session.say(tr("Guessing the slices between"))

    def accept(self) -> None:
        """Write what was guessed where nothing is painted; can be undone."""
        viewer = self._session.viewer
        count = self._named(mark("guess"), lambda layer: slice_tools.accept_guess(viewer, layer))
        text = tr("{count} voxels accepted (Ctrl+Z undoes)")
        self._session.say(text.format(count=f"{count:,}"))
        self.painted.emit()

    def refuse(self) -> None:
        """Take the guess away."""
        slice_tools.refuse_guess(self._session.viewer)

    def refresh(self) -> None:
        """Show what can be pressed."""
        history = None if self.undo_history is None else self.undo_history.history
        self.undo_button.setEnabled(bool(history and history.done))
        self.redo_button.setEnabled(bool(history and history.undone))
        for each in (self.fill_button, self.copy_button, self.guess_button):
            each.setEnabled(self.layer is not None)
        guessed = layer_with(self._session.viewer, slice_tools.GUESS) is not None
        for each in (self.accept_button, self.refuse_button):
            each.setVisible(guessed)

    def _show_guess(self, guess: Between) -> None:
        if self.layer is None or self.layer != self._guessed:
            return
        slice_tools.show_guess(self._session.viewer, self.layer, guess)
        text = tr("Slices {first} to {last} are guessed, as outlines: accept or refuse them")
        self._session.say(text.format(first=guess.first + 1, last=guess.last - 1))

    def _named(self, what: str, action: Callable[[Any], Any]) -> Any:
        layer = self._require_layer()
        if self.undo_history is None:
            return action(layer)
        with self.undo_history.named(what):
            return action(layer)

    def _require_layer(self) -> Any:
        if self.layer is None:
            raise InvalidConfig("there is no annotation layer; press 'New annotation' first")
        return self.layer

    def _tell(self, change: Change | None, text: str) -> None:
        if change is not None:
            self._session.say(text.format(what=tr(change.what)))
            self.painted.emit()

    def _keys(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        attempt = self._session.attempt
        return (
            (FILL_KEY, lambda: attempt(self.fill)),
            (COPY_KEY, lambda: attempt(self.copy)),
            (GUESS_KEY, lambda: attempt(self.guess)),
            (ACCEPT_KEY, lambda: attempt(self.accept)),
            (REFUSE_KEY, self.refuse),
            (NEXT_KEY, self.next_wanted.emit),
        )

    def _unbind(self) -> None:
        if self.undo_history is not None:
            self.undo_history.changed.disconnect(self.refresh)
        if self.layer is not None:
            for key, _ in self._keys():
                self.layer.bind_key(key, None, overwrite=True)

    def _build(self, layout: QVBoxLayout) -> None:
        form = section(layout, tr("Paint"))
        grid = QGridLayout()
        grid.setSpacing(4)
        for row, pair in enumerate(self._buttons()):
            for column, each in enumerate(pair):
                grid.addWidget(each, row, column, 1, 3 - len(pair))
        form.addRow(grid)

    def _buttons(self) -> tuple[tuple[QPushButton, ...], ...]:
        """Make the buttons, and return them by rows."""
        attempt = self._session.attempt
        self.undo_button = button(
            tr("Undo"),
            tr("Take the last stroke, fill or import back, in whatever slice it lies (Ctrl+Z)"),
            self.undo,
        )
        self.redo_button = button(
            tr("Redo"), tr("Make again what was undone (Ctrl+Shift+Z)"), self.redo
        )
        self.fill_button = button(
            tr("Rest is background"),
            tr("Paint all unlabelled voxels of the slice in view with label 255 (Shift+B)"),
            lambda: attempt(self.fill),
        )
        self.copy_button = button(
            tr("Copy nearest"),
            tr("Copy the nearest painted slice to where this one is unlabelled (Shift+C)"),
            lambda: attempt(self.copy),
        )
        self.guess_button = button(
            tr("Guess between"),
            tr(
                "Outline what may lie between the painted slices before and after this one, by "
                "their shapes alone; nothing is written before you accept it (Shift+G)"
            ),
            lambda: attempt(self.guess),
        )
        self.accept_button = button(
            tr("Accept guess"),
            tr("Write the outlines where nothing is painted (Shift+Y)"),
            lambda: attempt(self.accept),
        )
        self.refuse_button = button(
            tr("Refuse guess"), tr("Take the outlines away (Shift+N)"), self.refuse
        )
        return (
            (self.undo_button, self.redo_button),
            (self.fill_button, self.copy_button),
            (self.guess_button,),
            (self.accept_button, self.refuse_button),
        )
