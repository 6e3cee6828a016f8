"""ComparePanel: Betti numbers of a label map, and where its topology is wrong.

The one idea: the list, the legend, the overlay and the keys N and P all lead to the same errors,
one by one, and all show the same choice of them.
"""

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import jump_to
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.betti_table import SUBTRACTIONS, BettiTable
from napari_toposeg.plugin.topology.errors.compare_form import EACH, Choice, CompareForm
from napari_toposeg.plugin.topology.errors.comparison import Comparison, describe_connectivity
from napari_toposeg.plugin.topology.errors.counting import count_mended, mended_alone
from napari_toposeg.plugin.topology.errors.error_list import ErrorList
from napari_toposeg.plugin.topology.errors.found_defects import FoundDefects
from napari_toposeg.plugin.topology.errors.label_classes import LabelClasses
from napari_toposeg.plugin.topology.errors.overlays import hide_mark, mark_defect, show_defects
from napari_toposeg.plugin.topology.errors.reading import Labels
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button, research_note, side_by_side, value
from napari_toposeg.topology import BettiNumbers


class ComparePanel(QWidget):
    """Holds a Labels layer against another one, or against wanted numbers.

    Parameters
    ----------
    session
        The dock's session.
    known
        What knows the classes of label maps; pages that share it count a map once.
    """

    overlay_made = Signal(object)
    """The overlay of the errors, on which N and P shall step too."""
    repair_wanted = Signal(object, object)
    """A proposal whose edits the errors are, and the layer that it would repair."""

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        *,
        known: LabelClasses | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._known = session, known or LabelClasses(session)
        self.result: Comparison | None = None
        self._source: Any = None
        self._judged: Labels | None = None
        self._other: Any = None
        self._choice: Choice = EACH
        self._build()
        self._lay_out()
        self.prediction, self.truth = self.form.prediction, self.form.truth
        self.form.changed.connect(self._refresh)
        session.job_started.connect(lambda _: self._refresh())
        session.job_ended.connect(self._refresh)
        self.list.filtered.connect(self._show_filtered)
        self.list.table.chosen.connect(self.go_to)
        self._refresh()

    @property
    def source(self) -> Any:
        """The layer that the comparison is of, None before there is one."""
        return self._source

    @property
    def judged(self) -> Labels | None:
        """The label map as it was judged, None before it was."""
        return self._judged

    @property
    def other(self) -> Any:
        """The label map that it was held against, as it was; None where there was none.

        One that was not in memory is not read.
        """
        return self._other

    @property
    def choice(self) -> Choice:
        """The class whose errors were found: a label, `EACH` or `TOGETHER`."""
        return self._choice

    @property
    def defects(self) -> FoundDefects | None:
        """The errors that were found, those too that are not listed."""
        return None if self.result is None else self.result.defects

    def compare(self) -> None:
        """Start the comparison of what is chosen, in the background."""
        layer, choice = self.form.prediction.layer, self.form.choice
        other = self.form.held_against()
        run = self.form.make_run(other)
        self._session.start(
            lambda: run,
            title=tr("Comparing topology"),
            on_result=lambda found: self.show_result(
                found[0], layer, found[1], None if other is None else other.voxels, choice
            ),
        )

    def show_result(
        self,
        result: Comparison,
        layer: Any,
        labels: Labels,
        other: Any = None,
        choice: Choice = EACH,
    ) -> None:
        """Show a comparison and lay its errors over the layer.

        Parameters
        ----------
        labels
            The label map as it was judged.
        other
            The label map that it was held against, in memory or not.
        choice
            The class whose errors were found.
        """
        self.result, self._source = result, layer
        self._judged, self._other, self._choice = labels, other, choice
        hide_mark(self._session.viewer)
        self.table.show_numbers(result.numbers, result.against)
        self.list.show_result(result)
        self.fold.setChecked(False)

    def step(self, forward: bool) -> None:
        """Go to the next or the previous error of the list."""
        self.list.table.step(forward)

    def go_to(self, row: int) -> None:
        """Show the slice of an error, with the error in the middle of the view."""
        viewer, result, defects = self._session.viewer, self.result, self.defects
        if result is None or defects is None or self._source not in viewer.layers:
            return
        mark_defect(viewer, self._source, defects, row, result.against)
        jump_to(viewer, self._source, defects.centre[row].tolist())
        its = {line.label: line for line in result.numbers}
        label = int(defects.label[row])
        if label in its:
            mended = {label: mended_alone(its[label], defects, row)}
            self._show_mended(mended, tr("→ the chosen error mended, alone: exact"))

    def count_listed(self) -> None:
        """Count again, in the background, with all listed errors mended."""
        result, defects, labels = self.result, self.defects, self._judged
        if result is None or defects is None or labels is None:
            raise InvalidConfig("there are no errors yet; press Compare first")
        accepted, connectivity = self.list.accepted.copy(), result.connectivity
        text = tr("→ all {n} listed errors mended: counted").format(n=f"{accepted.sum():,}")
        self._session.start(
            lambda: count_mended(labels, defects, accepted, connectivity),
            title=tr("Counting with errors mended"),
            on_result=lambda mended: self._show_mended(mended, text),
        )

    def _show_filtered(self) -> None:
        result, viewer = self.result, self._session.viewer
        if result is None:
            return
        if result.defects is not None and self._source in viewer.layers:
            overlay = show_defects(
                viewer,
                self._source,
                result.defects,
                shown=self.list.accepted,
                against=result.against,
            )
            self.overlay_made.emit(overlay)
        self._show_mended({}, "")
        self._refresh()

    def _show_mended(self, mended: dict[int, BettiNumbers], text: str) -> None:
        if self.result is None:
            return
        self.table.show_mended(mended)
        joined = describe_connectivity(self.result.connectivity)
        lines = [f"{tr(SUBTRACTIONS[self.result.against])}; {joined}", text]
        self.note.setText("\n".join(filter(None, lines)))

    def _refresh(self) -> None:
        free = not self._session.busy
        self.button.setEnabled(self.form.prediction.layer is not None and free)
        some = self.defects is not None and bool(len(self.list.shown))
        for each in (self.previous, self.next):
            each.setEnabled(some)
        self.mend.setEnabled(some and free)
        proposal = None if self.result is None else self.result.proposal
        self.repair.setVisible(proposal is not None and bool(proposal.edits))
        self._show_fold()

    def _show_fold(self) -> None:
        opened = self.fold.isChecked()
        self.form.setVisible(opened)
        self.fold.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.fold.setText(tr("What is compared") if opened else self.form.summary())

    def _hand_over(self) -> None:
        if self.result is not None and self.result.proposal is not None:
            self.repair_wanted.emit(self.result.proposal, self._source)

    def _build(self) -> None:
        self.fold = QToolButton()
        self.fold.setCheckable(True)
        self.fold.setChecked(True)
        self.fold.setAutoRaise(True)
        self.fold.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setToolTip(tr("Show or hide what is compared, and how"))
        self.fold.toggled.connect(lambda _: self._show_fold())
        self.form = CompareForm(self._session, self._known)
        self.button = button(
            tr("Compare"),
            tr("Count Betti numbers and find what is wrong; it works in the background"),
            lambda: self._session.attempt(self.compare),
        )
        self.repair = button(
            tr("Repair these"),
            tr("Go to the Repair page, where each of these can be taken or left"),
            self._hand_over,
        )
        self.table = BettiTable()
        self.note = value(tr("What the numbers are, and how voxels are joined"))
        self.note.setText("")
        self.previous = button(
            tr("Back (P)"), tr("Go to the error before (P)"), lambda: self.step(False)
        )
        self.next = button(tr("Next (N)"), tr("Go to the next error (N)"), lambda: self.step(True))
        self.mend = button(
            tr("Count all"),
            tr(
                "Count the Betti numbers with all listed errors mended: effects of single errors "
                "do not add up"
            ),
            lambda: self._session.attempt(self.count_listed),
        )
        self.list = ErrorList(side_by_side(self.previous, self.next, self.mend))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(4)
        for widget in (self.fold, self.form):
            layout.addWidget(widget)
        layout.addLayout(side_by_side(self.button, self.repair))
        for widget in (self.table, self.note, research_note()):
            layout.addWidget(widget)
        layout.addWidget(self.list, 1)
