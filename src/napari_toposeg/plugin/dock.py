"""The one dock: the image it works on, five tabs, and under them the status strip."""

from functools import partial
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.canvas.layers import is_image
from napari_toposeg.plugin.case.tab import CaseTab
from napari_toposeg.plugin.defaults import Defaults
from napari_toposeg.plugin.exporting.export_button import ExportButton
from napari_toposeg.plugin.exporting.gathering import Sources
from napari_toposeg.plugin.finetune.tab import FinetuneTab
from napari_toposeg.plugin.guide.doing import do_step, facts_of
from napari_toposeg.plugin.guide.help import HelpButton
from napari_toposeg.plugin.guide.panel import Guide
from napari_toposeg.plugin.keys import bind, with_key
from napari_toposeg.plugin.reconstruct.tab import ReconstructTab
from napari_toposeg.plugin.remembered import Choices, remember_all
from napari_toposeg.plugin.restoring.restorer import Restorer
from napari_toposeg.plugin.segment.tab import SegmentTab
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.strip import StatusStrip
from napari_toposeg.plugin.topology.tab import TopologyTab
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.pickers import LayerPicker

MINIMUM_WIDTH = 320
NO_GUIDE = "guide.dismissed"
TABS = {
    mark("Case"): mark("Open a scan and see how it lies"),
    mark("Reconstruct"): mark("See what the pretrained network rebuilds"),
    mark("Segment"): mark("Label the scan with a network"),
    mark("Topology"): mark("Persistence, Betti numbers and errors"),
    mark("Fine-tune"): mark("Train a network on slices that you paint"),
}
"""What each tab is for, by its name, in their order."""
TAB_KEYS = ("case", "reconstruct", "segment", "topology", "finetune")


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
        self.choices = Choices()
        self.tabs = QTabWidget()
        self.strip = StatusStrip(self.session)
        self.picker = LayerPicker(self.session, is_image, empty=tr("open a scan or a sample first"))
        self.setMinimumWidth(MINIMUM_WIDTH)
        self._add_tabs()
        self.guide = Guide(self.session, lambda: facts_of(self))
        self.help = HelpButton(self.toggle_guide)
        self.restorer = Restorer(self.session, self)
        sources = Sources(self.session, self.topology)
        self.export = ExportButton(sources, self.restorer, self)
        self._lay_out()
        self._bind_keys()
        self._connect()
        self._defaults = Defaults(self, self.session)
        if read_settings().remember:
            remember_all(self, self.choices)
        self.guide.setVisible(not self.choices.value(NO_GUIDE))
        self.restorer.offer()

    def show_tab(self, name: str) -> None:
        """Bring a tab to the front by its English name."""
        self.tabs.setCurrentIndex(list(TABS).index(name))

    def toggle_guide(self) -> None:
        """Show the first steps, or hide them and remember so."""
        hidden = not self.guide.isHidden()
        self.guide.setVisible(not hidden)
        self.choices.note(NO_GUIDE, hidden)

    def press_main(self) -> None:
        """Press the main button of the page in front, if it can be pressed."""
        button = self._main_button()
        if button is not None and button.isEnabled():
            button.click()

    def _main_button(self) -> QPushButton | None:
        match list(TABS)[self.tabs.currentIndex()]:
            case "Reconstruct":
                button = self.reconstruct.run_button
            case "Segment":
                button = self.segment.run_button
            case "Topology":
                pages = (self.topology.diagram, self.topology.comparison, self.topology.repair)
                buttons = {page: page.button for page in pages}
                button = buttons.get(self.topology.pages.currentWidget())
            case "Fine-tune" if self.finetune.pages.currentWidget() is self.finetune.train:
                button = self.finetune.train.start_button
            case _:
                button = None
        return button

    def _add_tabs(self) -> None:
        self.case = CaseTab(self.session)
        self.reconstruct = ReconstructTab(self.session)
        self.segment = SegmentTab(self.session)
        self.topology = TopologyTab(self.session)
        self.finetune = FinetuneTab(self.session)
        pages = (self.case, self.reconstruct, self.segment, self.topology, self.finetune)
        for page, (name, tip), key in zip(pages, TABS.items(), TAB_KEYS, strict=True):
            index = self.tabs.addTab(_scrolling(page), tr(name))
            self.tabs.setTabToolTip(index, with_key(tr(tip), key))

    def _lay_out(self) -> None:
        label = QLabel(tr("&Image"))
        label.setBuddy(self.picker)
        self.picker.setToolTip(tr("The image layer that all tabs work on"))
        head = QHBoxLayout()
        head.setContentsMargins(6, 0, 6, 0)
        head.addWidget(label)
        head.addWidget(self.picker, 1)
        head.addWidget(self.export)
        head.addWidget(self.help)
        # Five names fit into the narrowest dock only with less air than the theme gives.
        self.tabs.tabBar().setStyleSheet("QTabBar::tab { padding: 3px 3px; margin: 0px; }")
        self.tabs.setUsesScrollButtons(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.restorer.bar)
        layout.addWidget(self.guide)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.strip)

    def _bind_keys(self) -> None:
        for index, key in enumerate(TAB_KEYS):
            bind(self, key, partial(self.tabs.setCurrentIndex, index))
        bind(self, "main", self.press_main)
        bind(self, "pause", self.strip.pause.click)
        bind(self, "cancel", self.strip.cancel_job)
        bind(self, "plane", self.case.next_plane)
        bind(self, "window", self.case.next_window)
        bind(self, "guide", self.toggle_guide)

    def _connect(self) -> None:
        session = self.session
        self.picker.layer_chosen.connect(self._on_picked)
        session.image_layer_changed.connect(self.picker.choose)
        session.diagrams_wanted.connect(self._compare_diagrams)
        session.errors_wanted.connect(self._compare_labels)
        self.guide.wanted.connect(lambda does: do_step(self, does))
        self.guide.dismissed.connect(self.toggle_guide)
        session.closing.connect(self.choices.write_now)
        # The session outlives the C++ side of this widget, and with it the running job.
        self.destroyed.connect(session.close)

    def _compare_diagrams(self, *_: object) -> None:
        self.show_tab("Topology")

    def _compare_labels(self, judged: Any, other: Any) -> None:
        self.show_tab("Topology")
        page = self.topology.comparison
        self.topology.pages.setCurrentWidget(page)
        page.form.against.setCurrentIndex(page.form.against.findData("reference"))
        page.prediction.choose(judged)
        page.truth.choose(other)
        self.session.attempt(page.compare)

    def _on_picked(self, layer: Any) -> None:
        if layer is not None:
            self.session.image_layer = layer


def _scrolling(page: QWidget) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setWidget(page)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return scroll
