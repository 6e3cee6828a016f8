"""The Segment tab: the scan labelled by one model, or by two that are compared."""

from pathlib import Path

from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.segment.duel_panel import DuelPanel
from napari_toposeg.plugin.segment.label_panel import LabelPanel
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import pages_of


class SegmentTab(QWidget):
    """Two pages: labels by one model, and two models compared.

    Parameters
    ----------
    session
        The dock's session.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        label = LabelPanel(session)
        # Inputs are known by where they stand: those of the first page are the tab's own.
        self.model, self.device, self.overlap = label.model, label.device, label.overlap
        self.purpose, self.expected, self.table = label.purpose, label.expected, label.table
        self.run_button, self.save_button = label.run_button, label.save_button
        self.label = label
        self.duel = DuelPanel(session)
        self.pages = pages_of(
            self,
            (self.label, tr("Label"), tr("Labels by one model")),
            (self.duel, tr("Models"), tr("Two models on the same scan")),
        )

    def run(self) -> None:
        """Segment the chosen image in the background."""
        self.label.run()

    def save(self, path: str | Path) -> None:
        """Write the last segmentation on the scan's own grid."""
        self.label.save(path)

    def refresh(self) -> None:
        """Show what can be pressed."""
        self.label.refresh()
