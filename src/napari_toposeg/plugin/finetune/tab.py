"""The Fine-tune tab: paint a few slices, train a model on them, and go on working meanwhile."""

from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_toposeg.plugin.finetune.annotate.panel import AnnotatePanel
from napari_toposeg.plugin.finetune.train.panel import TrainPanel
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr


class FinetuneTab(QWidget):
    """Two pages: the annotation with its slices, and the training.

    Parameters
    ----------
    session
        The dock's session.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.annotate = AnnotatePanel(session)
        self.train = TrainPanel(session, self.annotate)
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        self.pages.addTab(self.annotate, tr("1 Annotate"))
        self.pages.addTab(self.train, tr("2 Train"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
