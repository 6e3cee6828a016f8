"""The Topology tab: the features of a layer, and what a prediction gets wrong."""

from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_toposeg.plugin.compare_panel import ComparePanel
from napari_toposeg.plugin.diagram_panel import DiagramPanel
from napari_toposeg.plugin.session import Session


class TopologyTab(QWidget):
    """Two pages: the persistence diagram, and the comparison of a prediction with the truth.

    Parameters
    ----------
    session
        The dock's session.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.diagram = DiagramPanel(session)
        self.comparison = ComparePanel(session)
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        self.pages.addTab(self.diagram, "Persistence diagram")
        self.pages.addTab(self.comparison, "Errors against a truth")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
