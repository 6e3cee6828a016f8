"""The Topology tab: the features of a layer, what a prediction gets wrong, and its repair."""

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.diagram.panel import DiagramPanel
from napari_toposeg.plugin.topology.errors.compare_panel import ComparePanel
from napari_toposeg.plugin.topology.errors.label_classes import LabelClasses
from napari_toposeg.plugin.topology.errors.repair_panel import RepairPanel
from napari_toposeg.plugin.topology.errors.repairing import Proposal
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import pages_of


class TopologyTab(QWidget):
    """Three pages: the persistence diagram, the errors, and their repair.

    Parameters
    ----------
    session
        The dock's session.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.diagram = DiagramPanel(session)
        known = LabelClasses(session, self)
        self.comparison = ComparePanel(session, known=known)
        self.repair = RepairPanel(session, known=known)
        self.pages = pages_of(
            self,
            (self.diagram, tr("Diagram"), tr("Persistence of a layer, linked with its voxels")),
            (self.comparison, tr("Errors"), tr("What is wrong with a label map, and where")),
            (self.repair, tr("Repair"), tr("Edits that give the classes their Betti numbers")),
        )
        bound: list[Any] = []
        self._bound = bound
        session.closing.connect(lambda: unbind_steps(bound))
        self._bind_steps(session.viewer)
        self.comparison.overlay_made.connect(self._bind_steps)
        self.repair.overlay_made.connect(self._bind_steps)
        self.comparison.repair_wanted.connect(self.show_repair)
        session.diagrams_wanted.connect(
            lambda first, second: session.attempt(lambda: self.compare(first, second))
        )

    def compare(self, first: Any, second: Any) -> None:
        """Compare the diagrams of two layers on the Diagram page."""
        self.pages.setCurrentWidget(self.diagram)
        self.diagram.compare(first, second)

    def step(self, forward: bool) -> None:
        """Go to the next or the previous edit on the Repair page, else error."""
        on_repair = self.pages.currentWidget() is self.repair
        (self.repair if on_repair else self.comparison).step(forward)

    def show_repair(self, proposal: Proposal, layer: Any) -> None:
        """Show a proposal on the Repair page."""
        self.pages.setCurrentWidget(self.repair)
        self.repair.labels.choose(layer)
        self.repair.probability.choose(self.comparison.form.probability.layer)
        self.repair.connectivity.setCurrentIndex(self.comparison.form.connectivity.currentIndex())
        self.repair.show_proposal(proposal, layer)

    def _bind_steps(self, keys: Any) -> None:
        """Let N and P step, on the viewer or on a layer: there P would paint."""
        keys.bind_key("N", lambda _: self.step(True), overwrite=True)
        keys.bind_key("P", lambda _: self.step(False), overwrite=True)
        if not any(keys is other for other in self._bound):
            self._bound.append(keys)


def unbind_steps(bound: list[Any]) -> None:
    """Give N and P back: the tab is going away, the viewer and its layers stay."""
    for keys in bound:
        keys.bind_key("N", None)
        keys.bind_key("P", None)
