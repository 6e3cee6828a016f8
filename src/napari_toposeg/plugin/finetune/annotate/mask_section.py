"""MaskSection: takes a label map, of a layer or of a file, as annotation.

The one idea: it goes into the annotation that is open, as one change that can be undone.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QVBoxLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import role_of, slice_axis
from napari_toposeg.plugin.finetune.annotate.mask_import import (
    Imported,
    classes_for,
    import_file_run,
    import_run,
)
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.folding import Folding
from napari_toposeg.plugin.widgets.forms import button, row
from napari_toposeg.plugin.widgets.pickers import LayerPicker, narrow
from napari_toposeg.progress import Run
from napari_toposeg.volume import Volume


class MaskSection(QWidget):
    """Chooses a mask and what of it is taken."""

    imported = Signal(object, str)
    """An `Imported` and the name of its mask."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        title = tr("Use a mask as annotation")
        self.folding = Folding(title, tr("Takes a label map that you have as training labels"))
        layout.addWidget(self.folding)
        self._build()
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        session.image_layer_changed.connect(lambda _: self.refresh())
        self.mask.layer_chosen.connect(lambda _: self.refresh())
        self.refresh()

    def use_layer(self) -> None:
        """Take the chosen layer as annotation, in the background."""
        layer = self.mask.layer
        if layer is None:
            raise InvalidConfig("there is no mask; open one, or choose a file")
        mask, image = self._session.volume_of(layer, read=False), self._image()
        extent, axis = self.extent.currentData(), slice_axis(self._session.viewer)
        known = classes_for(layer, mask)
        self._start(
            lambda: import_run(mask, image, known, extent=extent, axis=axis), str(layer.name)
        )

    def use_file(self, path: Path) -> None:
        """Take the label map of a file as annotation, in the background."""
        image = self._image()
        extent, axis = self.extent.currentData(), slice_axis(self._session.viewer)
        self._start(lambda: import_file_run(path, image, extent=extent, axis=axis), path.name)

    def refresh(self) -> None:
        """Show what can be pressed."""
        ready = self._session.image_layer is not None and not self._session.busy
        self.file_button.setEnabled(ready)
        self.button.setEnabled(ready and self.mask.layer is not None)

    def _start(self, run: Callable[[], Run[Imported]], name: str) -> None:
        image = self._session.require_image()

        def take(found: Imported) -> None:
            if self._session.image_layer == image:
                self.imported.emit(found, name)
            else:
                text = tr("{name} was not used: another image is chosen now")
                self._session.say(text.format(name=name))

        self._session.start(run, title=tr("Mask as annotation"), on_result=take)

    def _image(self) -> Volume:
        return self._session.volume_of(self._session.require_image(), read=False)

    def _ask(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, tr("A label map of this scan"))
        if chosen:
            self._session.attempt(lambda: self.use_file(Path(chosen)))

    def _build(self) -> None:
        form, attempt = self.folding.form, self._session.attempt
        self.mask = LayerPicker(self._session, is_mask, empty=tr("no mask is open"))
        tooltip = tr(
            "A label map on any grid; it is brought onto the image's by its nearest voxels"
        )
        row(form, tr("&Mask"), self.mask, tooltip)
        self.extent = QComboBox()
        narrow(self.extent)
        self.extent.addItem(tr("all its voxels"), "all")
        self.extent.addItem(tr("only slices that hold a class"), "slices")
        tooltip = tr("What is labelled: all voxels, or slices across the axis of the view")
        row(form, tr("&Take"), self.extent, tooltip)
        self.button = button(
            tr("Use this mask"),
            tr("Put it into the annotation, 0 as background 255; Ctrl+Z takes it back"),
            lambda: attempt(self.use_layer),
        )
        self.file_button = button(tr("From a file…"), tr("Take the label map of a file"), self._ask)
        form.addRow(self.button)
        form.addRow(self.file_button)


def is_mask(layer: Any) -> bool:
    """Tell whether a layer is a label map that is no mark, overlay or annotation of this plugin."""
    return isinstance(layer, Labels) and layer.ndim == 3 and role_of(layer) is None
