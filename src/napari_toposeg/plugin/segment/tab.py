"""The Segment tab: labels and probabilities by a network, and the topology of every class."""

from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QFileDialog, QSpinBox, QWidget

from napari_toposeg.plugin.canvas.layers import modality_of
from napari_toposeg.plugin.canvas.saving import save_layer
from napari_toposeg.plugin.canvas.sources import note_model
from napari_toposeg.plugin.case.tab import SAVE_FILTER
from napari_toposeg.plugin.segment import actions
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.strip import Pace, duration
from napari_toposeg.plugin.widgets.forms import (
    NumberTable,
    button,
    page_layout,
    row,
    section,
    value,
)
from napari_toposeg.plugin.widgets.pickers import ModelPicker
from napari_toposeg.progress import Step
from napari_toposeg.volume import Spacing, Volume

Shape = tuple[int, int, int]

CPU_SECONDS_PER_VOXEL = 2.7e-6
"""Measured with the shipped network's size on one core: 0.3 s for a window of 48 voxels' edge."""


class SegmentTab(QWidget):
    """Runs a segmentation and shows what it found."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._labels: Any = None
        self._paces: dict[tuple[str | None, str], float] = {}
        self._layout = page_layout(self)
        self._build_form()
        self._build_result()
        self.model.currentIndexChanged.connect(lambda _: self.refresh())
        self.overlap.valueChanged.connect(lambda _: self.refresh())
        self.device.currentTextChanged.connect(lambda _: self.refresh())
        session.image_layer_changed.connect(lambda _: self.refresh())
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        self.refresh()

    def run(self) -> None:
        """Segment the chosen image in the background."""
        volume = self._session.volume_of(self._session.require_image())
        model = self.model.require()
        make_run = partial(
            actions.segment_run,
            volume,
            model,
            device=self.device.currentText(),
            overlap=self.overlap.value() / 100,
            threads=read_settings().worker_threads,
        )
        work = self._windows()
        self._session.start(
            make_run,
            title="Segmentation",
            on_step=partial(self._measure, work, self._pace_key(), Pace()),
            on_result=partial(self._show, volume, model),
        )

    def _measure(self, windows: int, key: tuple[str | None, str], pace: Pace, step: Step) -> None:
        """Learn how long this model takes for a window on this device."""
        pace.left(step, monotonic())
        if step.total == windows and pace.seconds_per_step is not None:
            self._paces[key] = pace.seconds_per_step

    def save(self, path: str | Path) -> None:
        """Write the last segmentation on the scan's own grid."""
        if self._labels is not None:
            written = save_layer(self._labels, path)
            self._session.say(f"Saved {written.name}")

    def refresh(self) -> None:
        """Show what can be pressed, what the model is for and how long it takes."""
        there = self._session.image_layer is not None
        self.run_button.setEnabled(there and not self._session.busy)
        self.save_button.setEnabled(self._labels is not None)
        card = self.model.card
        self.purpose.setText("–" if card is None else self._purpose_of(card))
        self.expected.setText(self._expectation())

    def _purpose_of(self, card: Any) -> str:
        from napari_toposeg.learning.cards import misfit

        layer = self._session.image_layer
        warning = None if layer is None else misfit(card, modality_of(layer))
        return str(card.intended_use) + (f"\n⚠ {warning}" if warning else "")

    def _show(self, volume: Volume, model: str, result: Any) -> None:
        segmentation, table = result
        self._labels, _ = actions.show_segmentation(self._session.viewer, volume, segmentation)
        note_model(self._labels, model)
        self.table.fill(
            [
                (f"{one.label} {one.name}", volume_text(one.millilitres), *map(str, one.betti))
                for one in table
            ]
        )
        self.refresh()

    def _build_form(self) -> None:
        form = section(self._layout, "Segment")
        self.model = ModelPicker(self._session, "segment")
        self.purpose = value("What the chosen model is for")
        self.device = QComboBox()
        self.device.addItems(["auto", "cpu", "cuda"])
        self.overlap = QSpinBox()
        self.overlap.setRange(0, 90)
        self.overlap.setSuffix(" %")
        self.expected = value("Windows to compute, and the time at the pace of the last run")
        self.run_button = button(
            "Segment",
            "Label the chosen image in the background",
            lambda: self._session.attempt(self.run),
        )
        row(form, "M&odel", self.model, "A segmentation network, shipped or your own")
        row(form, "For", self.purpose, self.purpose.toolTip())
        row(
            form,
            "&Device",
            self.device,
            "Where the network runs; auto takes the GPU if there is one",
        )
        row(
            form,
            "O&verlap",
            self.overlap,
            "Overlap of neighbouring windows; more is smoother and slower",
        )
        row(form, "Time", self.expected, self.expected.toolTip())
        form.addRow(self.run_button)
        self._session.settings_changed.connect(self._take_settings)
        self._take_settings()

    def _take_settings(self) -> None:
        settings = read_settings()
        self.device.setCurrentText(settings.device)
        self.overlap.setValue(round(settings.overlap * 100))

    def _build_result(self) -> None:
        form = section(self._layout, "Found")
        self.table = NumberTable(
            ("class", "ml", "b0", "b1", "b2"),
            "Volume, components, loops and cavities of each class; foreground 26-connected, "
            "background 6-connected",
        )
        form.addRow(self.table)
        note = value("How the Betti numbers are counted")
        note.setText("b0 components, b1 loops, b2 cavities; foreground 26-, background 6-connected")
        form.addRow(note)
        self.save_button = button(
            "Save…", "Write the label map on the scan's own grid", self._ask_save
        )
        form.addRow(self.save_button)

    def _windows(self) -> int:
        layer, card = self._session.image_layer, self.model.card
        if layer is None or card is None:
            return 0
        spacing = tuple(float(step) for step in layer.scale)
        return count_windows(
            tuple(layer.data.shape), spacing, card.crop, card.spacing, self.overlap.value() / 100
        )

    def _pace_key(self) -> tuple[str | None, str]:
        return self.model.model, self.device.currentText()

    def _expectation(self) -> str:
        windows = self._windows()
        if not windows:
            return "–"
        count = f"{windows} window" + ("s" if windows > 1 else "")
        pace = self._paces.get(self._pace_key())
        if pace is not None:
            return f"{count}, about {duration(pace * windows)}"
        if self.device.currentText() == "cuda":
            return f"{count}; the first run shows how long they take"
        voxels = windows * float(np.prod(self.model.card.crop))
        return f"{count}, roughly {duration(CPU_SECONDS_PER_VOXEL * voxels)} on one CPU core"

    def _ask_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the label map", "", SAVE_FILTER)
        if path:
            self._session.attempt(lambda: self.save(path))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Follow what was chosen elsewhere."""
        super().showEvent(event)
        self.refresh()


def volume_text(millilitres: float) -> str:
    """Write a volume with three figures, and never with an exponent."""
    return f"{millilitres:,.0f}" if millilitres >= 100 else f"{millilitres:.3g}"


def count_windows(
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    crop: Shape,
    model_spacing: Spacing,
    overlap: float,
) -> int:
    """Windows of a model's crop that cover a scan, once it is resampled to the model's spacing."""
    windows = 1
    for length, step, edge, model_step in zip(shape, spacing, crop, model_spacing, strict=True):
        voxels = max(1, round(length * step / model_step))
        stride = max(1, int(edge * (1 - overlap)))
        windows *= 1 + max(0, -(-(voxels - edge) // stride))
    return windows
