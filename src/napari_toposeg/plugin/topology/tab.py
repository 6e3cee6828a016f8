"""The Topology tab: the features of a layer, what a prediction gets wrong, and its repair."""

from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.compare_panel import ComparePanel
from napari_toposeg.plugin.topology.diagram_panel import DiagramPanel
from napari_toposeg.plugin.topology.repair_panel import RepairPanel


class TopologyTab(QWidget):
    """Three pages: the persistence diagram, the comparison with the truth, and the repair.

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
        self.repair = RepairPanel(session)
        for page, name, tip in (
            (self.diagram, "Diagram", "Persistence of a layer, linked with its voxels"),
            (self.comparison, "Errors", "What a prediction gets wrong against a truth"),
            (self.repair, "Repair", "Edits that give the classes their Betti numbers"),
        ):
            self.pages.setTabToolTip(self.pages.addTab(page, name), tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
