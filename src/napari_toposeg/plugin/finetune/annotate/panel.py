"""AnnotatePanel: a Labels layer on the image's grid, its classes, and which slices are painted.

The one idea: the layer is the one truth. Its features hold the classes, its voxels the slices;
the panel shows both, keeps both, and never holds what the layer does not.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.lazy import is_lazy
from napari_toposeg.plugin.canvas.marks import ANNOTATION, role_of
from napari_toposeg.plugin.finetune.annotate.annotation_layer import new_annotation, set_classes
from napari_toposeg.plugin.finetune.annotate.annotations import Annotation
from napari_toposeg.plugin.finetune.annotate.autosave import Autosave
from napari_toposeg.plugin.finetune.annotate.class_section import ClassSection
from napari_toposeg.plugin.finetune.annotate.classes import (
    Classes,
    as_classes,
    at_least,
    classes_of_layer,
)
from napari_toposeg.plugin.finetune.annotate.found_section import FoundSection
from napari_toposeg.plugin.finetune.annotate.kept_annotations import find_kept, read_kept, set_aside
from napari_toposeg.plugin.finetune.annotate.mask_import import MOST_CLASSES, Imported
from napari_toposeg.plugin.finetune.annotate.mask_section import MaskSection
from napari_toposeg.plugin.finetune.annotate.painted_on import PaintedOn
from napari_toposeg.plugin.finetune.annotate.painting_tools import PaintingTools
from napari_toposeg.plugin.finetune.annotate.reading import Reading
from napari_toposeg.plugin.finetune.annotate.suggest_section import SuggestSection
from napari_toposeg.plugin.finetune.annotate.undo import Undo
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import page_layout
from napari_toposeg.plugin.widgets.wishes import Wish


class AnnotatePanel(QWidget):
    """Makes an annotation layer and tells what is painted in it."""

    changed = Signal(object)
    """The `Annotation` that was read, or None without an annotation layer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.annotation: Annotation | None = None
        self._followed: Any = None
        self._histories: list[Undo] = []
        self.painted_on = PaintedOn()
        # No child of the panel: it keeps the last strokes when the window goes.
        self.autosave = Autosave(after=1000 * read_settings().autosave_seconds)
        self._build()
        self._connect()
        self._follow(self.picker.layer)
        self._offer()

    @property
    def layer(self) -> Any:
        """The annotation layer, or None."""
        return self.picker.layer

    @property
    def known(self) -> Classes:
        """The classes 1..K: those of the table, then those that are only painted."""
        count = 0 if self.annotation is None else self.annotation.classes
        return at_least(self.table.classes, count)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes 1..K, given ones first, the others by number."""
        return tuple(each.name for each in self.known)

    @property
    def wanted(self) -> dict[int, Wish]:
        """Components, loops and cavities wanted of each label; those without a wish are absent."""
        numbered = enumerate(self.known, start=1)
        return {number: each.wanted for number, each in numbered if each.wanted is not None}

    def name_classes(self, names: Sequence[str]) -> None:
        """Give the classes 1, 2, ... these names, without wishes."""
        self.table.show_classes(as_classes(names))
        self._on_classes()

    def make_layer(self) -> Any:
        """Add an empty annotation layer on the image's grid and choose it.

        What was kept of this image before stays in its folder, under another name.
        """
        aside = self._set_aside(self._session.require_image())
        layer = self._add_layer(at_least(self.table.classes, 1))
        text = tr("Paint label 1, 2, ... with the brush; 255 is background")
        if aside:
            text += ". " + tr("The annotation kept before is {path}").format(path=aside)
        self._session.say(text)
        return layer

    def fill_slice(self) -> None:
        """Paint the unlabelled voxels of the slice in view as background; can be undone."""
        self.tools.fill()

    def bring_back(self) -> Any:
        """Add the annotation that was kept of the image, with its classes, and choose it."""
        image = self._session.require_image()
        kept = find_kept(self._session.volume_of(image, read=False))
        if kept is None:
            raise InvalidConfig(f"no annotation of {image.name} was kept")
        labels = read_kept(kept)
        if labels.shape != tuple(image.data.shape):
            raise InvalidConfig(f"{kept.path} is not on the grid of {image.name}: {labels.shape}")
        layer = self._add_layer(kept.known)
        self.put(labels, mark("annotation brought back"), kept.known)
        return layer

    def put_mask(self, found: Imported, name: str) -> None:
        """Put what was made of a mask into the annotation, a new one where there is none.

        What was kept of this image before stays in its folder, under another name.
        """
        aside = self._set_aside(self.painted_on.of(self.layer) or self._session.require_image())
        if self.layer is None or role_of(self.layer) != ANNOTATION:
            self._add_layer(found.classes)
        self.put(found.labels, mark("mask"), found.classes)
        text = [tr("{name} is the annotation now (Ctrl+Z undoes).").format(name=name), found.note]
        if aside:
            text.append(tr("The annotation kept before is {path}").format(path=aside))
        self._session.say(" ".join(filter(None, text)))

    def put(self, labels: np.ndarray[Any, Any], what: str, classes: Classes) -> None:
        """Replace what the annotation holds, its classes too; can be undone as one change."""
        assert self.undo is not None
        self.undo.replace(labels.astype(np.uint8), what, classes, classes_of_layer(self.layer))
        self.table.show_classes(classes)
        self._later()
        self.read()

    @property
    def undo(self) -> Undo | None:
        """The history of the annotation layer, None without one."""
        return self.tools.undo_history

    def read(self) -> None:
        """Find the annotated slices and show them."""
        self.reading.now()

    def _take(self, found: Annotation | None) -> None:
        self.annotation = self.suggestions.annotation = found
        self._list_painted()
        self.found.show_annotation(found, self.classes)
        self.changed.emit(found)

    def _list_painted(self) -> None:
        """List the labels that are painted without a row in the table."""
        known = self.known
        if len(self.table.classes) < len(known) <= MOST_CLASSES:
            self.table.show_classes(known)
            if role_of(self.layer) == ANNOTATION:
                set_classes(self.layer, known)

    def _build(self) -> None:
        layout = page_layout(self)
        self.head = ClassSection(self._session, self._accepts)
        self.tools = PaintingTools(self._session)
        self.found = FoundSection()
        self.suggestions = SuggestSection(self._session)
        self.masks = MaskSection(self._session)
        for each in (self.head, self.tools, self.suggestions, self.masks, self.found):
            layout.addWidget(each)
        layout.addStretch(1)
        self.picker, self.table, self.seed = self.head.picker, self.head.table, self.found.seed
        self.reading = Reading(self.seed.value, self)

    def _connect(self) -> None:
        attempt = self._session.attempt
        self.picker.layer_chosen.connect(self._follow)
        self.table.edited.connect(self._on_classes)
        self.head.new_wanted.connect(lambda: attempt(self.make_layer))
        self.head.back_wanted.connect(lambda: attempt(self.bring_back))
        self.tools.painted.connect(self.read)
        self.tools.next_wanted.connect(self.suggestions.next)
        self.found.seed_changed.connect(self.read)
        self.masks.imported.connect(self.put_mask)
        self.reading.found.connect(self._take)
        self.reading.failed.connect(self._session.show_error)
        self.autosave.told.connect(self.head.tell_kept)
        self._session.image_layer_changed.connect(self._on_image)
        self._session.layers_changed.connect(self._forget_removed)
        self._session.closing.connect(self._on_closing)

    def _set_aside(self, image: Any) -> Path | None:
        self.autosave.write_now()
        return set_aside(self._session.volume_of(image, read=False))

    def _add_layer(self, classes: Classes) -> Any:
        image = self._session.require_image()
        layer = new_annotation(self._session.viewer, image, classes)
        self.painted_on.note(layer, image)
        self.picker.refresh()
        self.picker.choose(layer)
        layer.mode = "paint"
        return layer

    def _accepts(self, layer: Any) -> bool:
        image = self._session.image_layer
        # What is painted is in memory; any other label map comes in as a mask.
        return (
            isinstance(layer, Labels)
            and image is not None
            and not is_lazy(layer.data)
            and tuple(layer.data.shape) == tuple(image.data.shape)
            and role_of(layer) in (None, ANNOTATION)
        )

    def _follow(self, layer: Any) -> None:
        if self._followed is not None:
            self._followed.events.labels_update.disconnect(self._later)
        self._followed = self.reading.layer = layer
        self._offer()
        self.head.follow(layer)
        self.tools.follow(layer, None if layer is None else self._history_of(layer))
        if layer is not None:
            layer.events.labels_update.connect(self._later)
        self.read()

    def _history_of(self, layer: Any) -> Undo:
        for each in self._histories:
            if each.layer == layer:
                return each
        made = Undo(self._session.viewer, layer)
        made.changed.connect(self._later)
        made.classes_changed.connect(lambda: self.head.follow(self.layer))
        self._histories.append(made)
        return made

    def _forget_removed(self) -> None:
        there = self._session.viewer.layers
        self._histories = [each for each in self._histories if each.layer in there]
        self.painted_on.forget_others(there)

    def _later(self, _: object = None) -> None:
        self.reading.later()
        layer = self._followed
        if layer is None or role_of(layer) != ANNOTATION:
            return
        image = self.painted_on.of(layer) or self._session.image_layer
        if image is not None:
            # The image that is chosen may change, to see better: the scan of the annotation stays.
            self.painted_on.note(layer, image)
            scan = partial(self._session.volume_of, image, read=False)
            self.autosave.later(layer, scan, self.known)

    def _on_classes(self) -> None:
        layer = self.layer
        if layer is not None and role_of(layer) == ANNOTATION:
            set_classes(layer, self.table.classes)
            self._later()
        self.changed.emit(self.annotation)

    def _on_image(self, _: object) -> None:
        self.picker.refresh()
        self._offer()

    def _on_closing(self) -> None:
        self.reading.close()
        self.autosave.write_now()
        self.tools.follow(None, None)
        for each in self._histories:
            each.close()

    def _offer(self) -> None:
        """Offer to bring back what was kept of the image, if it is not open."""
        image = self._session.image_layer
        wanted = image is not None and self.layer is None
        self.head.offer(find_kept(self._session.volume_of(image, read=False)) if wanted else None)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Read what was painted while the panel was out of sight."""
        super().showEvent(event)
        self.read()
