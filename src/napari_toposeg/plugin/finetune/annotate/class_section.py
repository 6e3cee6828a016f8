"""ClassSection: which annotation is painted, and its classes.

The one idea: the chosen row of the table and the label in the brush are one, whichever moved.
"""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_toposeg.plugin.finetune.annotate.class_table import ClassTable
from napari_toposeg.plugin.finetune.annotate.classes import classes_of_layer
from napari_toposeg.plugin.finetune.annotate.kept_annotations import Kept
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import button, row, section, value
from napari_toposeg.plugin.widgets.pickers import LayerPicker

HOW_TO = mark(
    "Paint each class on a few slices, then fill the rest of each slice as background. Voxels "
    "that nobody painted teach nothing: they are not background."
)
KEPT_AFTER = mark("Kept two seconds after each stroke.")


class ClassSection(QWidget):
    """The annotation layer, the table of its classes, and how to begin."""

    new_wanted = Signal()
    back_wanted = Signal()

    def __init__(
        self, session: Session, accept: Callable[[Any], bool], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._layer: Any = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("Annotate"))
        self.how = value(tr("How to annotate"))
        self.how.setText(tr(HOW_TO))
        form.addRow(self.how)
        self.picker = LayerPicker(session, accept, empty=tr("none yet"))
        tooltip = tr("Labels layer on the image's grid, painted by you")
        row(form, tr("&Annotation"), self.picker, tooltip)
        self.table = ClassTable()
        form.addRow(self.table)
        form.addRow(self._class_buttons())
        form.addRow(self._begin_buttons())
        self.kept = value(
            tr("Annotations are kept while they are painted, and come back after a crash")
        )
        form.addRow(self.kept)
        self.table.label_chosen.connect(self._on_label)
        self.table.refused.connect(session.show_error)

    def follow(self, layer: Any) -> None:
        """Show the classes of a layer and the label in its brush from now on."""
        if self._layer is not None:
            self._layer.events.selected_label.disconnect(self._on_brush)
        self._layer = layer
        self.how.setVisible(layer is None)
        if layer is None:
            return
        layer.events.selected_label.connect(self._on_brush)
        known = classes_of_layer(layer)
        if known != self.table.classes:
            self.table.show_classes(known)
        self.table.choose_label(int(layer.selected_label))

    def offer(self, kept: Kept | None) -> None:
        """Offer to bring back what was kept, None for nothing."""
        self.back_button.setVisible(kept is not None)
        text = tr(KEPT_AFTER)
        if kept is not None:
            text = tr("An annotation of this scan was painted on {time}.")
            text = text.format(time=f"{kept.painted:%Y-%m-%d %H:%M}")
        self.tell_kept(text)

    def tell_kept(self, text: str) -> None:
        """Say when the annotation was kept last."""
        self.kept.setText(text)

    def _on_label(self, label: int) -> None:
        if self._layer is not None:
            self._layer.selected_label = label
            if self._layer.mode == "pan_zoom":
                self._layer.mode = "paint"

    def _on_brush(self, _: object = None) -> None:
        self.table.choose_label(int(self._layer.selected_label))

    def _class_buttons(self) -> QHBoxLayout:
        self.add_button = button(
            tr("Add class"), tr("One more class, with the next label"), self.table.add_class
        )
        self.remove_button = button(
            tr("Remove last"),
            tr("Take the last class off the list; what was painted with it stays painted"),
            self.table.remove_last,
        )
        return side_by_side(self.add_button, self.remove_button)

    def _begin_buttons(self) -> QHBoxLayout:
        self.new_button = button(
            tr("New annotation"),
            tr("Add an empty Labels layer on the grid of the image"),
            self.new_wanted.emit,
        )
        self.back_button = button(
            tr("Bring back"),
            tr("Add the annotation of this scan that was kept while it was painted"),
            self.back_wanted.emit,
        )
        return side_by_side(self.new_button, self.back_button)


def side_by_side(*widgets: QWidget) -> QHBoxLayout:
    """Return widgets in a row of equal parts."""
    layout = QHBoxLayout()
    layout.setSpacing(4)
    for each in widgets:
        layout.addWidget(each, 1)
    return layout
