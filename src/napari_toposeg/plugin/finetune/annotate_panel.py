"""AnnotatePanel: a Labels layer on the image's grid, and which of its slices are painted.

The one idea: what will be trained on is said before it is trained on: the slices that were found,
how they are split, and what is still missing.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QLineEdit, QSpinBox, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import ANNOTATION, role_of
from napari_toposeg.plugin.finetune.annotation_layer import (
    annotation_features,
    fill_slice,
    new_annotation,
)
from napari_toposeg.plugin.finetune.annotations import (
    AXIS_NAMES,
    Annotation,
    describe_slices,
    read_annotation,
)
from napari_toposeg.plugin.finetune.autosave import Autosave
from napari_toposeg.plugin.finetune.kept_annotations import find_kept, read_kept, set_aside
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.widgets.forms import button, page_layout, row, section, value
from napari_toposeg.plugin.widgets.pickers import LayerPicker

HOW_TO = (
    "Paint each structure with its label on a few slices, then fill the rest of the slice as "
    "background. Voxels that nobody painted teach nothing: they are not background."
)
READ_AFTER_MS = 400
KEPT_AFTER = "Kept two seconds after each stroke."


class AnnotatePanel(QWidget):
    """Makes an annotation layer and tells what is painted in it."""

    changed = Signal(object)
    """The `Annotation` that was read, or None without an annotation layer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.annotation: Annotation | None = None
        self._followed: Any = None
        # Reading a large layer takes a while: once after a stroke, not at each of its events.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(READ_AFTER_MS)
        self._timer.timeout.connect(self.read)
        # No child of the panel: it keeps the last strokes when the window goes.
        self.autosave = Autosave()
        self.autosave.told.connect(self._on_told)
        self._layout = page_layout(self)
        self._build_layer()
        self._build_found()
        self.picker.layer_chosen.connect(self._follow)
        self.seed.valueChanged.connect(lambda _: self.read())
        self.names.editingFinished.connect(self._on_names)
        session.image_layer_changed.connect(self._on_image)
        session.closing.connect(self.autosave.write_now)
        self._follow(self.picker.layer)
        self._offer()

    @property
    def layer(self) -> Any:
        """The annotation layer, or None."""
        return self.picker.layer

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes 1..K, given ones first, the others by number."""
        given = [name.strip() for name in self.names.text().split(",") if name.strip()]
        count = 0 if self.annotation is None else self.annotation.classes
        given += [f"class {number}" for number in range(len(given) + 1, count + 1)]
        return tuple(given)

    def make_layer(self) -> Any:
        """Add an empty annotation layer on the image's grid and choose it.

        What was kept of this image before stays in its folder, under another name.
        """
        aside = set_aside(self._session.volume_of(self._session.require_image()))
        layer = self._add_layer()
        self._session.say(
            "Paint label 1, 2, ... with the brush; 255 is background"
            + (f". The annotation kept before is {aside}" if aside else "")
        )
        return layer

    def _add_layer(self) -> Any:
        layer = new_annotation(self._session.viewer, self._session.require_image(), self.classes)
        self.picker.refresh()
        self.picker.choose(layer)
        layer.mode = "paint"
        return layer

    def fill_slice(self) -> None:
        """Paint the unlabelled voxels of the slice in view as background; can be undone."""
        layer = self.layer
        if layer is None:
            raise InvalidConfig("there is no annotation layer; press 'New annotation layer' first")
        filled = fill_slice(self._session.viewer, layer)
        self._session.say(f"{filled:,} voxels of this slice became background (Ctrl+Z undoes)")
        self.read()

    def bring_back(self) -> Any:
        """Add the annotation that was kept of the image, and choose it."""
        image = self._session.require_image()
        kept = find_kept(self._session.volume_of(image))
        if kept is None:
            raise InvalidConfig(f"no annotation of {image.name} was kept")
        labels = read_kept(kept)
        if labels.shape != tuple(image.data.shape):
            raise InvalidConfig(f"{kept.path} is not on the grid of {image.name}: {labels.shape}")
        self.names.setText(", ".join(kept.classes))
        layer = self._add_layer()
        layer.data = labels
        self.read()
        return layer

    def read(self) -> None:
        """Find the annotated slices and show them."""
        layer = self.layer
        self.annotation = None
        if layer is not None:
            self.annotation = read_annotation(np.asarray(layer.data), seed=self.seed.value())
        self._show(self.annotation)
        self.changed.emit(self.annotation)

    def _build_layer(self) -> None:
        form = section(self._layout, "Annotate")
        how = value("How to annotate")
        how.setText(HOW_TO)
        form.addRow(how)
        self.picker = LayerPicker(self._session, self._accepts, empty="none yet")
        row(form, "&Annotation", self.picker, "Labels layer on the image's grid, painted by you")
        self.names = QLineEdit()
        self.names.setPlaceholderText("vessel, airway, ...")
        row(form, "&Classes", self.names, "Names of label 1, 2, ... in order, with commas between")
        self.new_button = button(
            "New annotation layer",
            "Add an empty Labels layer on the grid of the image",
            lambda: self._session.attempt(self.make_layer),
        )
        self.fill_button = button(
            "Rest of this slice is background",
            "Paint all unlabelled voxels of the slice in view with label 255",
            lambda: self._session.attempt(self.fill_slice),
        )
        self.back_button = button(
            "Bring back what was painted",
            "Add the annotation of this scan that was kept while it was painted",
            lambda: self._session.attempt(self.bring_back),
        )
        self.kept = value(
            "Annotations are kept while they are painted, and come back after a crash"
        )
        form.addRow(self.new_button)
        form.addRow(self.back_button)
        form.addRow(self.fill_button)
        form.addRow(self.kept)

    def _build_found(self) -> None:
        form = section(self._layout, "Found")
        self.slices = value("Slices in which a voxel is painted")
        self.train = value("Slices that train the model")
        self.kept = value("Slices kept for validation: one of every four, drawn at random")
        self.voxels = value("Painted voxels of each class")
        self.fault = value("What is still missing")
        self.seed = QSpinBox()
        self.seed.setRange(0, 9999)
        self.seed.setValue(read_settings().seed)
        form.addRow("Slices", self.slices)
        form.addRow("Training", self.train)
        form.addRow("Validation", self.kept)
        row(form, "&Split seed", self.seed, "Another number draws other slices for validation")
        form.addRow("Voxels", self.voxels)
        form.addRow(self.fault)

    def _accepts(self, layer: Any) -> bool:
        image = self._session.image_layer
        return (
            isinstance(layer, Labels)
            and image is not None
            and tuple(layer.data.shape) == tuple(image.data.shape)
            and role_of(layer) in (None, ANNOTATION)
        )

    def _follow(self, layer: Any) -> None:
        if self._followed is not None:
            self._followed.events.labels_update.disconnect(self._later)
        self._followed = layer
        self._offer()
        self.fill_button.setEnabled(layer is not None)
        if layer is not None:
            layer.events.labels_update.connect(self._later)
        self.read()

    def _later(self, _: object = None) -> None:
        self._timer.start()
        image, layer = self._session.image_layer, self._followed
        if image is not None and role_of(layer) == ANNOTATION:
            self.autosave.later(layer, lambda: self._session.volume_of(image), self.classes)

    def _on_image(self, _: object) -> None:
        self.picker.refresh()
        self._offer()

    def _on_told(self, text: str) -> None:
        self.kept.setText(text)

    def _offer(self) -> None:
        """Offer to bring back what was kept of the image, if it is not open."""
        image = self._session.image_layer
        kept = None
        if image is not None and self.layer is None:
            kept = find_kept(self._session.volume_of(image))
        self.back_button.setVisible(kept is not None)
        text = KEPT_AFTER
        if kept is not None:
            text = f"An annotation of this scan was painted on {kept.painted:%Y-%m-%d %H:%M}."
        self.kept.setText(text)

    def _on_names(self) -> None:
        if self.layer is not None and role_of(self.layer) == ANNOTATION:
            self.layer.features = annotation_features(self.classes)

    def _show(self, found: Annotation | None) -> None:
        if found is None or not found.slices:
            for label in (self.slices, self.train, self.kept, self.voxels):
                label.setText("–")
            self.fault.setText("" if found is None else found.faults[0])
            return
        axis = AXIS_NAMES[found.axis]
        whole = len(set(found.complete))
        self.slices.setText(f"{len(found.slices)} along {axis}, {whole} painted completely")
        self.train.setText(f"{axis} {describe_slices(found.train)}")
        self.kept.setText(
            f"{axis} {describe_slices(found.validation)}"
            if found.validation
            else "none: that takes 4 annotated slices"
        )
        self.voxels.setText(describe_voxels(found, self.classes))
        self.fault.setText("\n".join(found.faults))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Read what was painted while the panel was out of sight."""
        super().showEvent(event)
        self.read()


def describe_voxels(found: Annotation, classes: Sequence[str]) -> str:
    """Write the number of painted voxels of each class."""
    named = dict(enumerate(classes, start=1))
    parts = [f"{named.get(k, f'class {k}')} {n:,}" for k, n in found.voxels.items()]
    return ", ".join([*parts, f"background {found.background:,}"])
