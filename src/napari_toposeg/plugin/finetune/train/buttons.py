"""TrainButtons: start, pause, stop and discard a training, or try again with less memory."""

from collections.abc import Callable

from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button

Action = Callable[[], object]


class TrainButtons(QWidget):
    """The five buttons under the form.

    Parameters
    ----------
    start, pause, stop, discard, smaller
        What they do.
    """

    def __init__(
        self, *, start: Action, pause: Action, stop: Action, discard: Action, smaller: Action
    ) -> None:
        super().__init__()
        self.start = button(tr("Start"), tr("Train in the background on the slices found"), start)
        self.pause = button(tr("Pause"), tr("Hold the training after its current step"), pause)
        self.stop = button(
            tr("Stop and keep best"), tr("End the training now; its best model is kept"), stop
        )
        self.discard = button(tr("Discard"), tr("End the training and keep nothing"), discard)
        self.smaller = button(
            "", tr("Start the same training anew with settings that need less memory"), smaller
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for number, each in enumerate((self.start, self.pause, self.stop, self.discard)):
            grid.addWidget(each, number // 2, number % 2)
        grid.addWidget(self.smaller, 2, 0, 1, 2)

    @property
    def while_running(self) -> tuple[QPushButton, ...]:
        """Those that can be pressed while a training runs."""
        return self.pause, self.stop, self.discard

    def offer_smaller(self, text: str) -> None:
        """Offer a training that needs less memory; an empty text takes the offer back."""
        self.smaller.setText(text)
        self.smaller.setVisible(bool(text))
