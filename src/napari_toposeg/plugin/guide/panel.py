"""The guide: three first steps above the tabs, each with a button that does it.

The one idea: it stands beside the work and never in front of it. It is small, ticks off what was
done, however it was done, and goes when a person closes it.
"""

from collections.abc import Callable
from dataclasses import replace

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.guide.steps import Facts, GuideStep, guide_steps
from napari_toposeg.plugin.keys import with_key
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button, research_note


class Guide(QFrame):
    """The three steps, as they stand.

    Parameters
    ----------
    session
        The dock's session.
    facts
        Tells what there is; that a model was made the guide sees itself.
    """

    wanted = Signal(str)
    """What the button that was pressed does: one of `guide.steps.Do`."""
    dismissed = Signal()

    def __init__(
        self, session: Session, facts: Callable[[], Facts], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._facts = facts
        self._trained = False
        self._steps = guide_steps(facts())
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._build()
        session.layers_changed.connect(self.refresh)
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        session.models_changed.connect(self._on_model)
        self.refresh()

    def refresh(self) -> None:
        """Show what was done, and what can be done next."""
        self._steps = guide_steps(replace(self._facts(), trained=self._trained))
        for number, (step, (tick, text, press)) in enumerate(
            zip(self._steps, self.rows, strict=True), start=1
        ):
            tick.setText("✓" if step.done else str(number))
            tick.setAccessibleName(tr("done") if step.done else tr("to do"))
            text.setText(tr(step.text))
            press.setText(tr(step.button))
            press.setToolTip(tr(step.tooltip))
            press.setEnabled(step.ready and not self._session.busy)

    @property
    def steps(self) -> tuple[GuideStep, ...]:
        """The steps as they are shown."""
        return self._steps

    def _on_model(self) -> None:
        self._trained = True
        self.refresh()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(3)
        layout.addLayout(self._head())
        grid = QGridLayout()
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        self.rows = [self._row(grid, number) for number in range(3)]
        layout.addLayout(grid)

    def _head(self) -> QHBoxLayout:
        title = QLabel(tr("First steps"))
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        self.close_button = QToolButton()
        style = self.style()
        assert style is not None
        self.close_button.setIcon(style.standardIcon(QStyle.StandardPixmap.SP_TitleBarCloseButton))
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName(tr("Close the first steps"))
        self.close_button.setToolTip(
            with_key(tr("Close; the ? beside the image brings them back"), "guide")
        )
        self.close_button.clicked.connect(self.dismissed)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(research_note())
        head.addWidget(self.close_button)
        return head

    def _row(self, grid: QGridLayout, number: int) -> tuple[QLabel, QLabel, QPushButton]:
        tick, text = QLabel(), QLabel()
        tick.setFixedWidth(14)
        tick.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text.setWordWrap(True)
        text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        press = button("", "", lambda: self.wanted.emit(self._steps[number].does))
        grid.addWidget(tick, number, 0)
        grid.addWidget(text, number, 1)
        grid.addWidget(press, number, 2)
        return tick, text, press
