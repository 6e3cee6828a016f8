"""RepairPanel: a label map gets the Betti numbers that are wanted, edit by edit.

The one idea: nothing changes before it was seen. A proposal is a list and an overlay; only what is
ticked is written, in one stroke that the layer can undo, and what was written is counted.
"""

from typing import Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import DEFECTS, EDITS, jump_to, layer_with, mark_here
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.applying import (
    apply_edits,
    check_numbers,
    checked_text,
    require_unchanged,
)
from napari_toposeg.plugin.topology.errors.edits_view import EditsView, legend_entries
from napari_toposeg.plugin.topology.errors.label_classes import LabelClasses
from napari_toposeg.plugin.topology.errors.legend import Legend
from napari_toposeg.plugin.topology.errors.overlays import hide_mark, kind_of_edit, show_edits
from napari_toposeg.plugin.topology.errors.pinning import pin_labels, pin_layer
from napari_toposeg.plugin.topology.errors.recount import Recount
from napari_toposeg.plugin.topology.errors.repair_buttons import RepairButtons
from napari_toposeg.plugin.topology.errors.repair_form import RepairForm
from napari_toposeg.plugin.topology.errors.repairing import Proposal, numbers_lines
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button, research_note, value


class RepairPanel(QWidget):
    """Proposes the cheapest repair found, and writes what a person takes of it.

    Parameters
    ----------
    session
        The dock's session.
    known
        What knows the classes of label maps; pages that share it count a map once.
    """

    overlay_made = Signal(object)
    """The overlay of the edits, on which N and P shall step too."""

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        *,
        known: LabelClasses | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._known = session, known or LabelClasses(session)
        self.proposal: Proposal | None = None
        self._source: Any = None
        self.recount = Recount(self)
        self.recount.counted.connect(self._take)
        self.recount.failed.connect(self._on_failed)
        session.closing.connect(self.recount.close)
        self._build()
        self._lay_out()
        self.labels, self.probability = self.form.labels, self.form.probability
        self.classes, self.connectivity = self.form.classes, self.form.connectivity
        self.form.changed.connect(self._refresh)
        self.list.chosen.connect(self.go_to)
        self.list.ticked.connect(self.answer)
        self.legend.filtered.connect(lambda _: self._show())
        session.job_started.connect(lambda _: self._refresh())
        session.job_ended.connect(self._refresh)
        self._refresh()

    @property
    def source(self) -> Any:
        """The layer that the proposal is of, None before there is one."""
        return self._source

    def propose(self) -> None:
        """Look for the cheapest repair in the background."""
        layer, run = self.form.labels.layer, self.form.make_run()
        self._session.start(
            lambda: run,
            title=tr("Repair"),
            on_result=lambda found: self.show_proposal(found, layer),
        )

    def show_proposal(self, proposal: Proposal, layer: Any) -> None:
        """List the edits of a proposal and lay them over the label map."""
        self.recount.forget()
        self.proposal, self._source = proposal, layer
        errors = layer_with(self._session.viewer, DEFECTS)
        if errors is not None:
            # Under the edits, of which they may be the same voxels.
            errors.visible = False
        self.form.labels.choose(layer)
        self.list.set_proposal(proposal, self.form.names())
        self._show()
        if not proposal.edits:
            text = tr("{name} has the numbers wanted: nothing to repair")
            self._session.say(text.format(name=layer.name))

    def answer(self, row: int, taken: bool) -> None:
        """Take or refuse one edit, and count anew; of a large map in the background."""
        self._answer([row], taken)

    def answer_all(self, taken: bool) -> None:
        """Take or refuse all edits that are listed."""
        self._answer(self.list.shown, taken)

    def step(self, forward: bool) -> None:
        """Go to the next or the previous edit of the list."""
        self.list.step(forward)

    def go_to(self, row: int) -> None:
        """Show the slice of an edit, with the edit in the middle of the view."""
        viewer = self._session.viewer
        if self.proposal is not None and self._source in viewer.layers:
            centre = self.proposal.edits[row].centre
            what = self.list.columns.columns[0].text(row)
            mark_here(viewer, self._source, centre, what, tr("current edit"))
            jump_to(viewer, self._source, centre)

    def apply(self) -> None:
        """Write the edits that are taken into the label map, in one stroke that can be undone.

        A label map that is not in memory stays as it is, and a repaired layer comes beside it. What
        was written is counted in the background, and held against what was promised.
        """
        proposal, layer = self.proposal, self._source
        if proposal is None or layer not in self._session.viewer.layers:
            raise InvalidConfig("there is no proposal for a layer that is open; press Propose")
        self._require_counted()
        repaired, written = apply_edits(self._session.viewer, layer, proposal)
        self.forget()
        # Ctrl+Z shall undo in the layer that was repaired.
        self._session.viewer.layers.selection.active = repaired
        self.form.list_classes()
        text = (
            tr("{n} voxels of {name} changed (Ctrl+Z in the layer undoes)")
            if repaired == layer
            else tr("{name} was added, {n} voxels changed: the label map itself is not in memory")
        )
        self._session.say(text.format(n=f"{written:,}", name=repaired.name))
        self._check(proposal, repaired)

    def pin(self) -> Any:
        """Make the chosen label map, with what is taken, an annotation that a network can train on.

        Returns
        -------
        Labels
            The annotation; None where the label map is not in memory, and is read first.

        Raises
        ------
        InvalidConfig
            If there is no label map, or it was changed since its repair was proposed.
        """
        layer = self.form.labels.layer
        if layer is None:
            raise InvalidConfig("there is no label map to train on; segment or open one first")
        if self.proposal is None or layer != self._source:
            return pin_layer(self._session, layer)
        self._require_counted()
        require_unchanged(layer, self.proposal)
        return pin_labels(self._session, layer, self.proposal.labels)

    def forget(self) -> None:
        """Drop the proposal and its overlay."""
        self.recount.forget()
        self.proposal = None
        self.list.set_proposal(None, {})
        self.legend.show_entries([])
        overlay = layer_with(self._session.viewer, EDITS)
        if overlay is not None:
            self._session.viewer.layers.remove(overlay)
        hide_mark(self._session.viewer)
        self.summary.setText("")
        self._refresh()

    def _check(self, proposal: Proposal, layer: Any) -> None:
        if self._session.busy:
            return
        labels, names = np.array(layer.data), self.form.names()
        self._session.start(
            lambda: check_numbers(labels, proposal),
            title=tr("Counting what was written"),
            on_result=lambda counted: self.summary.setText(checked_text(proposal, counted, names)),
        )

    def _answer(self, rows: Any, taken: bool) -> None:
        if self.proposal is None:
            return
        answers = np.array(self.recount.answers or self.proposal.accepted)
        answers[rows] = taken
        self.list.columns.set_ticks(answers)
        self.summary.setText(tr("Counting with the edits that are ticked…"))
        self.recount.send(self.proposal, answers.tolist())
        self._refresh()

    def _take(self, counted: Proposal) -> None:
        self.proposal = counted
        self.list.renew(counted)
        self._show()

    def _on_failed(self, error: BaseException) -> None:
        self._session.show_error(error)
        if self.proposal is not None:
            # With the boxes as they were.
            self._take(self.proposal)

    def _require_counted(self) -> None:
        if self.recount.answers is not None:
            raise InvalidConfig("what is ticked is still being counted; wait a moment")

    def _show(self) -> None:
        proposal = self.proposal
        if proposal is None:
            return
        kinds = np.array([kind_of_edit(each) for each in proposal.edits], np.str_)
        self.legend.show_entries(legend_entries(kinds))
        chosen = list(self.legend.chosen)
        shown = np.isin(kinds, chosen) if chosen else np.ones(len(kinds), np.bool_)
        self.list.show_only(shown)
        if self._source in self._session.viewer.layers:
            overlay = show_edits(self._session.viewer, self._source, proposal, shown=shown)
            self.overlay_made.emit(overlay)
        self.summary.setText("\n".join(numbers_lines(proposal, self.form.names())))
        self._refresh()

    def _refresh(self) -> None:
        some = self.proposal is not None and bool(self.proposal.edits)
        is_there = self.form.labels.layer is not None
        self.button.setEnabled(is_there and not self._session.busy)
        self.buttons.refresh(edits=some, counted=self.recount.answers is None, labels=is_there)

    def _build(self) -> None:
        self.form = RepairForm(self._session, self._known)
        self.button = button(
            tr("Propose a repair"),
            tr("Look for the cheapest edits that give each class its numbers; nothing changes yet"),
            lambda: self._session.attempt(self.propose),
        )
        self.list = EditsView()
        self.list.setMinimumHeight(90)
        self.summary = value(tr("Betti numbers before and after the edits that are taken"))
        self.legend = Legend()
        attempt = self._session.attempt
        self.buttons = RepairButtons(
            self.answer_all, self.step, lambda: attempt(self.apply), lambda: attempt(self.pin)
        )

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.form)
        layout.addWidget(self.button)
        layout.addWidget(self.summary)
        layout.addWidget(self.legend)
        layout.addLayout(self.buttons.above())
        layout.addWidget(self.list, 1)
        layout.addLayout(self.buttons.below())
        layout.addWidget(research_note())
