"""The Case tab: open a scan or a sample, see how it lies, set the CT window, cut out a region."""

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.case.open_panel import OpenPanel
from napari_toposeg.plugin.case.region_panel import RegionPanel
from napari_toposeg.plugin.case.scan_panel import ScanPanel
from napari_toposeg.plugin.case.views_panel import ViewsPanel
from napari_toposeg.plugin.case.window_panel import WindowPanel
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.widgets.forms import page_layout


class CaseTab(QWidget):
    """Opens scans and describes the chosen one; its inputs stand under their own names."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._open, self._scan = OpenPanel(session), ScanPanel(session)
        self._window, self._region = WindowPanel(session), RegionPanel(session)
        self._views = ViewsPanel(session)
        layout = page_layout(self)
        for panel in (self._open, self._scan, self._window, self._views, self._region):
            layout.addWidget(panel)
        self._name_inputs()
        session.image_layer_changed.connect(self.describe)
        session.layers_changed.connect(self._on_layers)
        self._scan.corrected.connect(lambda: self.describe(session.image_layer))
        self.describe(session.image_layer)

    def describe(self, layer: Any) -> None:
        """Show the geometry of a layer, or nothing."""
        volume = None
        if layer is not None:
            volume = self._session.attempt(lambda: self._session.volume_of(layer, read=False))
        self._scan.show_volume(volume)
        self._window.follow(layer, ct=volume is not None and volume.modality == "CT")
        self.crop_button.setEnabled(volume is not None)

    def _name_inputs(self) -> None:
        self.file_button, self.folder_button = self._open.file_button, self._open.folder_button
        self.sample_button, self.dropped = self._open.sample_button, self._open.dropped
        self.open_path, self.open_sample = self._open.open_path, self._open.open_sample
        self.make_phantom = self._open.make_phantom
        scan = self._scan
        self.modality, self.orientation, self.shape = scan.modality, scan.orientation, scan.shape
        self.spacing, self.tilt, self.notes = scan.spacing, scan.tilt, scan.notes
        self.save_button, self.save = scan.save_button, scan.save
        self.window, self.next_window = self._window.window, self._window.next_window
        self.plane, self.next_plane = self._views.plane, self._views.next_plane
        self.views_button = self._views.button
        self.region, self.edge = self._region.region, self._region.edge
        self.crop_button, self.crop = self._region.crop_button, self._region.crop

    def _on_layers(self) -> None:
        if self._session.image_layer is None:
            self.describe(None)
