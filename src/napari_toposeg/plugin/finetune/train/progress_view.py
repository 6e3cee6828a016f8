"""ProgressView: what a training tells: its pace and figures, curves, slices, and live preview."""

from time import monotonic

from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_toposeg.plugin.finetune.train.curves_view import CurvesView
from napari_toposeg.plugin.finetune.train.live_view import LiveView
from napari_toposeg.plugin.finetune.train.saying import describe_step
from napari_toposeg.plugin.finetune.train.slices_view import SlicesView
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.strip import Pace
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import value
from napari_toposeg.progress import Step


class ProgressView(QWidget):
    """Is fed the Steps of a training and shows them.

    Parameters
    ----------
    live
        Whether a preview in the view is wanted.
    """

    def __init__(self, session: Session, live: QCheckBox) -> None:
        super().__init__()
        self.summary = value(tr("What is trained, and how well it does"))
        self.curves = CurvesView(session.viewer.theme)
        self.slices = SlicesView()
        self.live = LiveView(session, live)
        self.seconds_per_step: float | None = None
        self._pace = Pace()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for each in (self.summary, self.curves, self.slices):
            layout.addWidget(each)
        self._follow_theme(session)

    def begin(self, layer: object, classes: int) -> None:
        """Forget the training before; a training on a layer begins."""
        self._pace = Pace()
        self.curves.clear()
        self.slices.show_slices(())
        self.live.begin(layer, classes)

    def show_step(self, step: Step) -> None:
        """Draw what a Step measured."""
        left = self._pace.left(step, monotonic())
        if "loss" in step.losses or step.metrics:
            self.curves.add(step)
            self.seconds_per_step = self._pace.seconds_per_step or self.seconds_per_step
        if step.slices:
            self.slices.show_slices(step.slices)
        if step.preview is not None:
            self.live.show(step.preview)
        told = describe_step(step, self.curves.dice, self.curves.betti, left)
        if told:
            self.summary.setText(told)

    def _follow_theme(self, session: Session) -> None:
        viewer = session.viewer

        def recolour(_: object = None) -> None:
            self.curves.set_theme(viewer.theme)

        viewer.events.theme.connect(recolour)
        session.closing.connect(lambda: viewer.events.theme.disconnect(recolour))
