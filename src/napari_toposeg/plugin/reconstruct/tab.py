"""The Reconstruct tab: what a network rebuilds of what is hidden, and what topology it keeps.

The one idea: the page Rebuild says what is hidden and shows what one model makes of it; the page
Models judges several on the same voxels.
"""

from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.reconstruct.models_panel import ModelsPanel
from napari_toposeg.plugin.reconstruct.rebuild_panel import RebuildPanel
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import pages_of


class ReconstructTab(QWidget):
    """Two pages: one model looked at closely, and several compared.

    Parameters
    ----------
    session
        The dock's session.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        rebuild = RebuildPanel(session)
        # Inputs are known by where they stand: those of the first page are the tab's own.
        self.model, self.pattern = rebuild.model, rebuild.hide_form.pattern
        self.mask_ratio, self.seed = rebuild.hide_form.mask_ratio, rebuild.hide_form.seed
        self.edge, self.axis = rebuild.hide_form.edge, rebuild.hide_form.axis
        self.every, self.around = rebuild.hide_form.every, rebuild.hide_form.around
        self.box, self.threshold = rebuild.hide_form.box, rebuild.result.threshold
        self.side_by_side, self.patches = rebuild.side_by_side, rebuild.patches
        self.errors, self.kept = rebuild.result.errors, rebuild.result.kept
        self.features = rebuild.result.features
        self.run_button, self.count_button = rebuild.run_button, rebuild.result.count_button
        self.diagrams_button = rebuild.result.diagrams_button
        self.rebuild = rebuild
        self.models = ModelsPanel(
            session, rebuild.pattern_for, rebuild.hide_form.pattern.currentText
        )
        self.pages = pages_of(
            self,
            (self.rebuild, tr("Rebuild"), tr("What one model rebuilds of what is hidden")),
            (self.models, tr("Models"), tr("Several models on the same hidden voxels")),
        )

    def run(self) -> None:
        """Rebuild the chosen image in the background."""
        self.rebuild.run()
