"""LabelPanel: labels and probabilities by a network, and the topology of every class."""

from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QFileDialog, QSpinBox, QWidget

from napari_toposeg.plugin.beforehand import (
    count_windows,
    expected_bytes,
    expected_seconds,
    memory_text,
    spacing_of,
    warnings,
)
from napari_toposeg.plugin.canvas.layers import modality_of
from napari_toposeg.plugin.canvas.saving import save_layer
from napari_toposeg.plugin.canvas.sources import note_model
from napari_toposeg.plugin.segment import actions
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.strip import Pace, device_text, duration
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import (
    NumberTable,
    button,
    page_layout,
    research_note,
    row,
    section,
    value,
)
from napari_toposeg.plugin.widgets.pickers import ModelPicker
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

SAVE_FILTER = "NIfTI (*.nii.gz *.nii);;NRRD (*.nrrd)"
SEGMENTING = "segmenting"
"""What a Step of a window says."""


class LabelPanel(QWidget):
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
        volume = self._session.volume_of(self._session.require_image(), read=False)
        model = self.model.require()
        make_run = partial(
            actions.segment_run,
            volume,
            model,
            device=self.device.currentData(),
            overlap=self.overlap.value() / 100,
            threads=read_settings().worker_threads,
        )
        work = self._windows()
        self._session.start(
            make_run,
            title=tr("Segmentation"),
            on_step=partial(self._measure, work, self._pace_key(), Pace()),
            on_result=partial(self._show, volume, model),
        )

    def _measure(self, windows: int, key: tuple[str | None, str], pace: Pace, step: Step) -> None:
        """Learn how long this model takes for a window on this device."""
        pace.left(step, monotonic())
        found = pace.seconds_per_step
        if found is not None and step.message == SEGMENTING and step.total == windows:
            self._paces[key] = found

    def save(self, path: str | Path) -> None:
        """Write the last segmentation on the scan's own grid."""
        if self._labels is not None:
            written = save_layer(self._labels, path)
            self._session.say(tr("Saved {name}").format(name=written.name))

    def refresh(self) -> None:
        """Show what can be pressed, what the model is for and how long it takes."""
        there = self._session.image_layer is not None
        self.run_button.setEnabled(there and not self._session.busy)
        self.save_button.setEnabled(self._labels is not None)
        card = self.model.card
        self.purpose.setText("–" if card is None else self._purpose_of(card))
        self.expected.setText(self._expectation())

    def _purpose_of(self, card: Any) -> str:
        layer = self._session.image_layer
        told = () if layer is None else warnings(card, modality_of(layer), spacing_of(layer))
        return "\n".join((str(card.intended_use), *(f"⚠ {text}" for text in told)))

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
        form = section(self._layout, tr("Segment"))
        self.model = ModelPicker(self._session, "segment")
        self.purpose = value(tr("What the chosen model is for, and whether this scan is such"))
        self.device = QComboBox()
        for name in ("auto", "cpu", "cuda"):
            self.device.addItem(name, name)
        self.overlap = QSpinBox()
        self.overlap.setRange(0, 90)
        self.overlap.setSuffix(" %")
        self.expected = value(
            tr("Windows to compute, the time at the pace of the last run, and memory")
        )
        self.run_button = button(
            tr("Segment"),
            tr("Label the chosen image in the background"),
            lambda: self._session.attempt(self.run),
        )
        row(
            form,
            tr("M&odel"),
            self.model,
            tr(
                "A segmentation network, shipped or your own. Models that only encode are listed "
                "greyed, with the reason"
            ),
        )
        row(form, tr("For"), self.purpose, self.purpose.toolTip())
        row(
            form,
            tr("&Device"),
            self.device,
            tr("Where the network runs; auto takes the GPU if there is one"),
        )
        row(
            form,
            tr("O&verlap"),
            self.overlap,
            tr("Overlap of neighbouring windows; more is smoother and slower"),
        )
        row(form, tr("Takes"), self.expected, self.expected.toolTip())
        form.addRow(self.run_button)
        self._session.settings_changed.connect(self._take_settings)
        self._take_settings()

    def _take_settings(self) -> None:
        settings = read_settings()
        self.device.setCurrentIndex(self.device.findData(settings.device))
        self.overlap.setValue(round(settings.overlap * 100))

    def _build_result(self) -> None:
        form = section(self._layout, tr("Found"))
        self.table = NumberTable(
            (tr("class"), tr("ml"), "b0", "b1", "b2"),
            tr(
                "Volume, components, loops and cavities of each class; foreground 26-connected, "
                "background 6-connected"
            ),
        )
        form.addRow(self.table)
        note = value(tr("How the Betti numbers are counted"))
        note.setText(
            tr("b0 components, b1 loops, b2 cavities; foreground 26-, background 6-connected")
        )
        form.addRow(note)
        form.addRow(research_note())
        self.save_button = button(
            tr("Save…"), tr("Write the label map on the scan's own grid"), self._ask_save
        )
        form.addRow(self.save_button)

    def _windows(self) -> int:
        layer, card = self._session.image_layer, self.model.card
        if layer is None or card is None:
            return 0
        shape = tuple(layer.data.shape)
        overlap = self.overlap.value() / 100
        return count_windows(shape, spacing_of(layer), card.crop, card.spacing, overlap)

    def _pace_key(self) -> tuple[str | None, str]:
        return self.model.model, self.device.currentData()

    def _expectation(self) -> str:
        windows = self._windows()
        if not windows:
            return "–"
        text = tr("1 window, {time}; up to {memory}; {device}")
        if windows > 1:
            text = tr("{count:,} windows, {time}; up to {memory}; {device}")
        return text.format(
            count=windows, time=self._time(windows), memory=self._memory(), device=device_text()
        )

    def _time(self, windows: int) -> str:
        pace = self._paces.get(self._pace_key())
        if pace is not None:
            return tr("about {time}").format(time=duration(pace * windows))
        if self.device.currentData() == "cuda":
            return tr("the first run shows how long")
        seconds = expected_seconds(windows, self.model.card.crop)
        return tr("roughly {time} on one core").format(time=duration(seconds))

    def _memory(self) -> str:
        layer, card = self._session.image_layer, self.model.card
        channels = 1 + len(card.classes)
        shape = tuple(layer.data.shape)
        return memory_text(expected_bytes(shape, spacing_of(layer), card, channels=channels))

    def _ask_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, tr("Save the label map"), "", SAVE_FILTER)
        if path:
            self._session.attempt(lambda: self.save(path))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Follow what was chosen elsewhere."""
        super().showEvent(event)
        self.refresh()


def volume_text(millilitres: float) -> str:
    """Write a volume with three figures, and never with an exponent."""
    return f"{millilitres:,.0f}" if millilitres >= 100 else f"{millilitres:.3g}"
