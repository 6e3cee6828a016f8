"""The one dock: the image it works on, five tabs, and under them the status strip."""

from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QLabel,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.canvas.layers import is_image
from napari_toposeg.plugin.case.tab import CaseTab
from napari_toposeg.plugin.finetune.tab import FinetuneTab
from napari_toposeg.plugin.reconstruct.tab import ReconstructTab
from napari_toposeg.plugin.remembered import Choices, remember_all
from napari_toposeg.plugin.segment.tab import SegmentTab
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.strip import StatusStrip
from napari_toposeg.plugin.topology.tab import TopologyTab
from napari_toposeg.plugin.widgets.pickers import LayerPicker

MINIMUM_WIDTH = 320


class TopoSegDock(QWidget):
    """Segmentation whose topology is looked at: the plugin's one widget.

    Parameters
    ----------
    napari_viewer
        The viewer, as napari passes it to a plugin.
    """

    def __init__(self, napari_viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = Session(napari_viewer)
        self.tabs = QTabWidget()
        self.strip = StatusStrip(self.session)
        self.picker = LayerPicker(self.session, is_image, empty="open a scan or a sample first")
        self.setMinimumWidth(MINIMUM_WIDTH)
        self._add_tabs()
        self._lay_out()
        self._bind_keys()
        self.picker.layer_chosen.connect(self._on_picked)
        self.session.image_layer_changed.connect(self.picker.choose)
        # The session outlives the C++ side of this widget, and with it the running job.
        self.destroyed.connect(self.session.close)
        self.choices = Choices()
        self.session.closing.connect(self.choices.write_now)
        if read_settings().remember:
            remember_all(self, self.choices)

    def show_tab(self, name: str) -> None:
        """Bring a tab to the front by its name."""
        for index in range(self.tabs.count()):
            if self.tabs.tabText(index) == name:
                self.tabs.setCurrentIndex(index)

    def _add_tabs(self) -> None:
        self.case = CaseTab(self.session)
        self.reconstruct = ReconstructTab(self.session)
        self.segment = SegmentTab(self.session)
        self.topology = TopologyTab(self.session)
        self.finetune = FinetuneTab(self.session)
        self._add_tab(self.case, "Case", "Open a scan and see how it lies")
        self._add_tab(self.reconstruct, "Reconstruct", "See what the pretrained network rebuilds")
        self._add_tab(self.segment, "Segment", "Label the scan with a network")
        self._add_tab(self.topology, "Topology", "Persistence, Betti numbers and errors")
        self._add_tab(self.finetune, "Fine-tune", "Train a network on slices that you paint")

    def _add_tab(self, page: QWidget, name: str, tooltip: str) -> None:
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tabs.setTabToolTip(self.tabs.addTab(scroll, name), tooltip)

    def _lay_out(self) -> None:
        label = QLabel("&Image")
        label.setBuddy(self.picker)
        self.picker.setToolTip("The image layer that all tabs work on")
        head = QFormLayout()
        head.setContentsMargins(6, 0, 6, 0)
        head.addRow(label, self.picker)
        # Five names fit into the narrowest dock only with less air than the theme gives.
        self.tabs.tabBar().setStyleSheet("QTabBar::tab { padding: 3px 3px; margin: 0px; }")
        self.tabs.setUsesScrollButtons(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.strip)

    def _bind_keys(self) -> None:
        for index in range(self.tabs.count()):
            shortcut = QShortcut(QKeySequence(f"Ctrl+Alt+{index + 1}"), self)
            shortcut.activated.connect(lambda index=index: self.tabs.setCurrentIndex(index))
        cancel = QShortcut(QKeySequence("Ctrl+Shift+X"), self)
        cancel.activated.connect(self.strip.cancel_job)

    def _on_picked(self, layer: object) -> None:
        if layer is not None:
            self.session.image_layer = layer
