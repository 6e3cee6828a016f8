"""RebuildPanel: hide a part of the scan, let one model rebuild it, and look at what it did."""

from functools import partial
from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_toposeg.learning.hiding import Lattice, Mask, Pattern
from napari_toposeg.plugin.beforehand import (
    count_windows,
    expected_bytes,
    expected_seconds,
    memory_text,
    spacing_of,
    warnings,
)
from napari_toposeg.plugin.canvas.layers import modality_of
from napari_toposeg.plugin.canvas.lazy import finest, glance, load_run
from napari_toposeg.plugin.reconstruct import actions
from napari_toposeg.plugin.reconstruct.hide_form import HideForm
from napari_toposeg.plugin.reconstruct.patch_grid import PatchGrid
from napari_toposeg.plugin.reconstruct.result_view import ResultView
from napari_toposeg.plugin.reconstruct.side_by_side import SideBySide
from napari_toposeg.plugin.reconstruct.wished import cube_text, pattern_of
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.strip import device_text, duration
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button, page_layout, row, section, value
from napari_toposeg.plugin.widgets.pickers import ModelPicker
from napari_toposeg.progress import Run
from napari_toposeg.volume import Volume

OVERLAP = 0.5
"""Of the windows of a reconstruction."""


class RebuildPanel(QWidget):
    """Runs a reconstruction and shows its layers and numbers."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pair: tuple[Volume, Volume] | None = None
        self._layers: tuple[Any, ...] = ()
        self._lattice: Lattice | None = None
        self._last: Mask | None = None
        self._grid = PatchGrid(session.viewer)
        self._fields = SideBySide(session.viewer)
        layout = page_layout(self)
        self._build_form(layout)
        self.result = ResultView(
            layout,
            count_again=lambda: session.attempt(self.count_again),
            compare_diagrams=lambda: session.attempt(self.compare_diagrams),
        )
        self._suggest(session.image_layer)
        self._connect()

    def run(self) -> None:
        """Rebuild the chosen image in the background."""
        layer = self._session.require_image()
        unread = self._session.volume_of(layer, read=False)
        model = self.model.require()
        settings = read_settings()
        rebuild = partial(
            actions.reconstruct_run,
            model=model,
            pattern=self.pattern_for(layer),
            device=settings.device,
            threads=settings.worker_threads,
            threshold=self.result.threshold.value(),
        )

        def run() -> Run[Any]:
            volume = yield from load_run(unread)
            return volume, (yield from rebuild(volume))

        self._session.start(
            run,
            title=tr("Reconstruction"),
            on_result=partial(self._show, layer, tuple(layer.contrast_limits)),
        )

    def pattern_for(self, layer: Any) -> Pattern:
        """Return what the form says is to be hidden of a layer."""
        return pattern_of(self.hide_form.wish, self._session.viewer, layer, self._last)

    def count_again(self) -> None:
        """Count the topology of the last reconstruction at another threshold."""
        if self._pair is None:
            return
        scan, rebuilt = self._pair
        threshold = self.result.threshold.value()
        make_run = partial(actions.kept_topology_run, scan, rebuilt, threshold)
        self._session.start(make_run, title=tr("Counting"), on_result=self.result.show_kept)

    def compare_diagrams(self) -> None:
        """Ask for the diagrams of scan and reconstruction side by side."""
        if self._both_there():
            self.side_by_side.setChecked(False)
            self._session.diagrams_wanted.emit(self._layers[0], self._layers[2])

    def _show(self, layer: Any, contrast: Any, found: tuple[Volume, Any]) -> None:
        volume, (reconstruction, kept) = found
        viewer = self._session.viewer
        again = self.side_by_side.isChecked()
        self._fields.end()
        self._pair = (volume, reconstruction.composite)
        self._last = reconstruction.hidden.voxels == 1
        self._lattice = reconstruction.lattice
        made = actions.show_reconstruction(viewer, volume, reconstruction, contrast)
        self._layers = (layer, *made)
        self.result.show_errors(reconstruction)
        self.result.show_kept(kept)
        self._show_patches(self.patches.isChecked())
        if again:
            self._show_fields(True)
        self.refresh()

    def _show_patches(self, shown: bool) -> None:
        if shown and self._lattice is not None and self._layers[0] in self._session.viewer.layers:
            self._grid.show(self._layers[0], self._lattice)
        else:
            self._grid.remove()

    def _show_fields(self, shown: bool) -> None:
        if shown and self._layers:
            self._fields.show(self._layers[:3], self._layers[3:])
        else:
            self._fields.end()
        self.refresh()

    def _on_grid(self, _: object = None) -> None:
        """Follow napari's own button: without a grid nothing is side by side."""
        if self._fields.on and not self._session.viewer.canvas.grid.enabled:
            self.side_by_side.setChecked(False)

    def _build_form(self, layout: Any) -> None:
        form = section(layout, tr("Hide and rebuild"))
        self.model = ModelPicker(self._session, "reconstruct")
        row(
            form,
            tr("M&odel"),
            self.model,
            tr(
                "A masked autoencoder, shipped or your own. Models that only encode are listed "
                "greyed, with the reason"
            ),
        )
        self.fit = value(tr("What the model hides, and whether it was trained on such scans"))
        row(form, tr("For"), self.fit, self.fit.toolTip())
        self.hide_form = HideForm(self._session, form)
        self.expected = value(tr("Roughly, from the sizes alone; nothing was run for it"))
        row(form, tr("Takes"), self.expected, self.expected.toolTip())
        self.run_button = button(
            tr("Reconstruct"),
            tr("Hide a part of the chosen image and let the network rebuild it, in the background"),
            lambda: self._session.attempt(self.run),
        )
        form.addRow(self.run_button)
        self.patches = QCheckBox(tr("Show the patch &grid"))
        self.patches.setToolTip(
            tr(
                "Lines between the network's patches; those that were hidden are hatched. Not "
                "drawn side by side"
            )
        )
        self.side_by_side = QCheckBox(tr("Side b&y side"))
        self.side_by_side.setToolTip(
            tr(
                "Scan, hidden input, reconstruction and residual in a grid, linked; other layers "
                "are hidden meanwhile"
            )
        )
        form.addRow(self.patches)
        form.addRow(self.side_by_side)

    def _connect(self) -> None:
        session = self._session
        self.patches.toggled.connect(self._show_patches)
        self.side_by_side.toggled.connect(self._show_fields)
        self.model.currentIndexChanged.connect(lambda _: self.refresh())
        session.image_layer_changed.connect(self._suggest)
        session.layers_changed.connect(self._on_layers)
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        session.closing.connect(self._grid.forget)
        grid = session.viewer.canvas.grid.events.enabled
        grid.connect(self._on_grid)
        session.closing.connect(lambda: grid.disconnect(self._on_grid))

    def _suggest(self, layer: Any) -> None:
        if layer is not None:
            self.result.threshold.setValue(actions.suggest_threshold(glance(finest(layer))))
        self.refresh()

    def _on_layers(self) -> None:
        if self._layers and self._layers[0] not in self._session.viewer.layers:
            self._grid.remove()
        self.refresh()

    def refresh(self) -> None:
        """Show what can be pressed, and what is known before a run."""
        free = not self._session.busy
        there = self._session.image_layer is not None
        self.run_button.setEnabled(free and there)
        self.result.count_button.setEnabled(free and self._pair is not None)
        self.result.diagrams_button.setEnabled(free and self._both_there())
        # In fields of their own, lines lie over nothing.
        self.patches.setEnabled(self._lattice is not None and not self._fields.on)
        self.side_by_side.setEnabled(bool(self._layers))
        self.fit.setText(self._fit())
        self.expected.setText(self._expectation())

    def _both_there(self) -> bool:
        layers = self._session.viewer.layers
        return bool(self._layers) and all(self._layers[n] in layers for n in (0, 2))

    def _fit(self) -> str:
        card, layer = self.model.card, self._session.image_layer
        if card is None:
            return "–"
        lines = [cube_text(card.network.hidden_cube, card.spacing)]
        if layer is not None:
            spacing = spacing_of(layer)
            lines += [f"⚠ {text}" for text in warnings(card, modality_of(layer), spacing)]
        return "\n".join(lines)

    def _expectation(self) -> str:
        card, layer = self.model.card, self._session.image_layer
        if card is None or layer is None:
            return "–"
        shape, spacing = tuple(layer.data.shape), spacing_of(layer)
        patch = card.network.hidden_cube
        windows = count_windows(shape, spacing, card.crop, card.spacing, OVERLAP, patch)
        text = tr("roughly {time} on one core, up to {memory}; {device}")
        return text.format(
            time=duration(expected_seconds(windows, card.crop)),
            memory=memory_text(expected_bytes(shape, spacing, card, channels=1)),
            device=device_text(),
        )

    def showEvent(self, event: QShowEvent | None) -> None:
        """Follow what was chosen elsewhere."""
        super().showEvent(event)
        self.refresh()
