"""The section that says how the chosen scan lies, and saves it."""

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QVBoxLayout, QWidget

from napari_toposeg.plugin.canvas.saving import save_run
from napari_toposeg.plugin.case import actions
from napari_toposeg.plugin.case.words import (
    SAVE_FILTER,
    oblique_notice,
    orientation_in_words,
    shape_text,
    sizes,
)
from napari_toposeg.plugin.job import Job
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button, row, section, value
from napari_toposeg.plugin.widgets.pickers import narrow
from napari_toposeg.volume import Modality, Volume

MODALITIES: tuple[Modality, ...] = ("CT", "MR", "PT", "unknown")


class ScanPanel(QWidget):
    """Modality, orientation, shape, spacing, tilt and notes of a scan.

    Notes
    -----
    Signal: ``corrected()``, the modality was set by the person.
    """

    corrected = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.modality = QComboBox()
        for modality in MODALITIES:
            self.modality.addItem(tr("unknown") if modality == "unknown" else modality, modality)
        narrow(self.modality)
        self.modality.currentIndexChanged.connect(self._on_modality)
        self.orientation = value(tr("Where the axes of the file point, in the file's own order"))
        self.shape = value(tr("Voxels along z, y, x as shown, and their number type"))
        self.spacing = value(tr("Voxel size along z, y, x"))
        self.tilt = value(tr("Angle between the grid and the patient's axes"))
        self.notes = value(tr("What to know of this scan, such as a gantry tilt"))
        self._facts = (self.orientation, self.shape, self.spacing, self.tilt, self.notes)
        self.save_button = button(
            tr("Save as…"), tr("Write the image on its own grid"), self._ask_save
        )
        self._lay_out()

    def show_volume(self, volume: Volume | None) -> None:
        """Show the geometry of a scan, or nothing."""
        self.modality.setEnabled(volume is not None)
        self.save_button.setEnabled(volume is not None)
        if volume is None:
            for label in self._facts:
                label.setText("–")
            return
        self.orientation.setText(f"{volume.orientation} ({orientation_in_words(volume)})")
        self.shape.setText(shape_text(volume))
        spacing = sizes(tuple(f"{each:.3g}" for each in volume.spacing))
        self.spacing.setText(tr("{spacing} mm").format(spacing=spacing))
        self.tilt.setText(oblique_notice(volume.obliquity))
        self.notes.setText("\n".join(volume.notes) or tr("none"))
        known = volume.modality if volume.modality in MODALITIES else "unknown"
        self.modality.blockSignals(True)
        self.modality.setCurrentIndex(MODALITIES.index(known))
        self.modality.blockSignals(False)

    def save(self, path: str | Path) -> Job:
        """Write the chosen image on its own grid, in the background."""
        volume = self._session.volume_of(self._session.require_image(), read=False)
        title = tr("Saving {name}").format(name=Path(path).name)
        return self._session.start(partial(save_run, volume, path), title=title)

    def _on_modality(self, index: int) -> None:
        layer: Any = self._session.image_layer
        if layer is not None:
            actions.set_modality(layer, MODALITIES[index])
            self.corrected.emit()

    def _ask_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, tr("Save the image"), "", SAVE_FILTER)
        if path:
            self._session.attempt(lambda: self.save(path))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("This scan"))
        row(
            form,
            tr("&Modality"),
            self.modality,
            tr("What the grey values are; correct it where it was guessed wrong"),
        )
        names = (tr("Orientation"), tr("Shape"), tr("Spacing"), tr("Grid"), tr("Notes"))
        for name, label in zip(names, self._facts, strict=True):
            row(form, name, label, label.toolTip())
        form.addRow(self.save_button)
