"""The Reconstruct tab: what a network rebuilds of hidden patches, and what topology it keeps."""

from functools import partial
from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QSpinBox, QWidget

from napari_toposeg.plugin.reconstruct import actions
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.widgets.forms import (
    NumberTable,
    button,
    page_layout,
    row,
    section,
    value,
)
from napari_toposeg.plugin.widgets.pickers import ModelPicker
from napari_toposeg.volume import Volume

PREDICTORS = ("network", "visible mean", "interpolation")


class ReconstructTab(QWidget):
    """Runs a reconstruction and shows its numbers."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pair: tuple[Volume, Volume] | None = None
        self._layout = page_layout(self)
        self._build_form()
        self._build_errors()
        self._build_topology()
        self._suggest(session.image_layer)
        session.image_layer_changed.connect(self._suggest)
        session.job_started.connect(lambda _: self._enable())
        session.job_ended.connect(self._enable)
        session.viewer.canvas.grid.events.enabled.connect(self._on_grid)
        self._enable()

    def run(self) -> None:
        """Rebuild the chosen image in the background."""
        layer = self._session.require_image()
        volume = self._session.volume_of(layer)
        model = self.model.require()
        settings = read_settings()
        make_run = partial(
            actions.reconstruct_run,
            volume,
            model,
            mask_ratio=self.mask_ratio.value() / 100,
            seed=self.seed.value(),
            device=settings.device,
            threads=settings.worker_threads,
            threshold=self.threshold.value(),
        )
        self._session.start(
            make_run,
            title="Reconstruction",
            on_result=partial(self._show, volume, tuple(layer.contrast_limits)),
        )

    def count_again(self) -> None:
        """Count the topology of the last reconstruction at another threshold."""
        if self._pair is None:
            return
        scan, rebuilt = self._pair
        make_run = partial(actions.kept_topology_run, scan, rebuilt, self.threshold.value())
        self._session.start(make_run, title="Counting", on_result=self._show_topology)

    def _show(self, volume: Volume, contrast: Any, result: Any) -> None:
        reconstruction, kept = result
        self._pair = (volume, reconstruction.composite)
        actions.show_reconstruction(self._session.viewer, volume, reconstruction, contrast)
        self.errors.fill(error_rows(reconstruction))
        self._show_topology(kept)
        self._enable()

    def _show_topology(self, kept: actions.KeptTopology) -> None:
        self.kept.fill(
            [("scan", *map(str, kept.scan)), ("reconstruction", *map(str, kept.rebuilt))]
        )
        self.threshold_shown.setText(
            f"Counted above {kept.threshold:.4g}, both smoothed by one voxel"
        )

    def _build_form(self) -> None:
        form = section(self._layout, "Hide and rebuild")
        self.model = ModelPicker(self._session, "reconstruct")
        self.mask_ratio = QSpinBox()
        self.mask_ratio.setRange(5, 95)
        self.mask_ratio.setSuffix(" %")
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.run_button = button(
            "Reconstruct",
            "Hide patches of the chosen image and let the network rebuild them, in the background",
            lambda: self._session.attempt(self.run),
        )
        self.side_by_side = QCheckBox("Side by side")
        self.side_by_side.setToolTip("Show the layers in a grid instead of on top of each other")
        self.side_by_side.toggled.connect(self._on_side_by_side)
        row(form, "M&odel", self.model, "A masked autoencoder, shipped or your own")
        row(form, "Hi&dden", self.mask_ratio, "Share of the patches that the network does not see")
        row(form, "S&eed", self.seed, "Another seed hides other patches")
        form.addRow(self.run_button)
        form.addRow(self.side_by_side)
        self._session.settings_changed.connect(self._take_settings)
        self._take_settings()

    def _take_settings(self) -> None:
        settings = read_settings()
        self.mask_ratio.setValue(round(settings.mask_ratio * 100))
        self.seed.setValue(settings.seed)

    def _build_errors(self) -> None:
        form = section(self._layout, "Error on hidden voxels")
        self.errors = NumberTable(
            ("predictor", "MSE", "× model"),
            "Mean squared error on the hidden voxels, in the model's normalised unit; the network "
            "should beat the mean of the visible voxels and their interpolation",
        )
        self.errors.fill(
            [("network", "–", "–"), ("visible mean", "–", "–"), ("interpolation", "–", "–")]
        )
        form.addRow(self.errors)

    def _build_topology(self) -> None:
        form = section(self._layout, "Topology kept")
        self.threshold = QDoubleSpinBox()
        self.threshold.setRange(-1e6, 1e6)
        self.threshold.setDecimals(2)
        row(
            form,
            "A&bove",
            self.threshold,
            "Threshold in the unit of the scan; Otsu's to begin with",
        )
        self.kept = NumberTable(
            ("26/6-connected", "b0", "b1", "b2"),
            "Components, loops and cavities of what lies above the threshold; foreground "
            "26-connected, background 6-connected",
        )
        self.kept.fill([("scan", "–", "–", "–"), ("reconstruction", "–", "–", "–")])
        form.addRow(self.kept)
        self.threshold_shown = value("The threshold that the table was counted at")
        form.addRow(self.threshold_shown)
        self.count_button = button(
            "Count again",
            "Count at the threshold above, without another reconstruction",
            lambda: self._session.attempt(self.count_again),
        )
        form.addRow(self.count_button)

    def _suggest(self, layer: Any) -> None:
        if layer is not None:
            self.threshold.setValue(actions.suggest_threshold(layer.data))
        self._enable()

    def _enable(self) -> None:
        free = not self._session.busy
        self.run_button.setEnabled(free and self._session.image_layer is not None)
        self.count_button.setEnabled(free and self._pair is not None)

    def _on_side_by_side(self, checked: bool) -> None:
        self._session.viewer.canvas.grid.enabled = checked

    def _on_grid(self, _: object = None) -> None:
        self.side_by_side.setChecked(self._session.viewer.canvas.grid.enabled)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Follow what was chosen elsewhere."""
        super().showEvent(event)
        self._enable()


def error_rows(reconstruction: Any) -> list[tuple[str, str, str]]:
    """Rows of the table of errors: predictor, mean squared error, its ratio to the network's."""
    network = reconstruction.mse
    errors = (network, reconstruction.mse_mean, reconstruction.mse_interpolation)
    return [
        (name, f"{mse:.4f}", f"{mse / network:.2f}" if network else "–")
        for name, mse in zip(PREDICTORS, errors, strict=True)
    ]
