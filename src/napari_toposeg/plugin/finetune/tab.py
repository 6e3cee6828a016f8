"""The Fine-tune tab: paint a few slices, train a model on them, and go on working meanwhile."""

from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.finetune.annotate.panel import AnnotatePanel
from napari_toposeg.plugin.finetune.train.panel import TrainPanel
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import pages_of


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
        self.pages = pages_of(
            self,
            (self.annotate, tr("1 Annotate"), tr("Paint slices, and see what was found in them")),
            (self.train, tr("2 Train"), tr("Train on them, and compare before and after")),
        )
