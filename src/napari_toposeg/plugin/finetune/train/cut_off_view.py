"""CutOffView: offers what a killed program left of a training: keep its model, go on, discard."""

from collections.abc import Callable

from qtpy.QtWidgets import QGroupBox, QVBoxLayout

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.train.cut_off import CutOff
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button, value

Action = Callable[[], object]


class CutOffView(QGroupBox):
    """One training that was cut off, and what can become of it; hidden while there is none.

    Parameters
    ----------
    keep, resume, discard
        What its buttons do.
    """

    def __init__(self, *, keep: Action, resume: Action, discard: Action) -> None:
        super().__init__(tr("Cut off"))
        self.training: CutOff | None = None
        self.text = value(tr("A training whose program ended before it did"))
        self.keep_button = button(
            tr("Keep its best model"), tr("Make a model of its best checkpoint"), keep
        )
        self.resume_button = button(
            tr("Go on with it"),
            tr("Train the rest of its steps, to the same numbers; its scan must be chosen"),
            resume,
        )
        self.discard_button = button(tr("Discard it"), tr("Delete its checkpoints"), discard)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        for each in (self.keep_button, self.resume_button, self.discard_button):
            layout.addWidget(each)
        self.offer(None)

    def require(self) -> CutOff:
        """Return the training that is offered.

        Raises
        ------
        InvalidConfig
            If there is none.
        """
        if self.training is None:
            raise InvalidConfig(tr("no training was cut off; there is nothing to go on with"))
        return self.training

    def offer(self, training: CutOff | None) -> None:
        """Show a training, or hide."""
        self.training = training
        self.setVisible(training is not None)
        if training is not None:
            self.text.setText(
                tr(
                    "A training of {name}, begun on {day}, was cut off: its last checkpoint is of "
                    "step {step} of {steps}."
                ).format(
                    name=training.name,
                    day=f"{training.began:%Y-%m-%d %H:%M}",
                    step=training.step,
                    steps=training.steps,
                )
            )
