"""RepairPanel: a label map gets the Betti numbers that are wanted, edit by edit.

The one idea: nothing changes before it was seen. A proposal is a list and an overlay; only what is
ticked is written, in one stroke that the layer can undo.
"""

from typing import Any

import numpy as np
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names, is_image
from napari_toposeg.plugin.canvas.marks import EDITS, jump_to, layer_with, mark_here
from napari_toposeg.plugin.finetune.annotation_layer import annotation_of
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.compare_panel import is_label_map
from napari_toposeg.plugin.topology.edits_view import EditsView
from napari_toposeg.plugin.topology.marking import show_edits
from napari_toposeg.plugin.topology.repairing import Proposal, propose
from napari_toposeg.plugin.widgets.forms import button, value
from napari_toposeg.plugin.widgets.pickers import LayerPicker, narrow
from napari_toposeg.plugin.widgets.plotting import EDIT_COLOURS
from napari_toposeg.plugin.widgets.wanted_table import WantedTable
from napari_toposeg.topology import BettiNumbers

LEGEND = {"adds": "joins", "removes": "is taken away", "refused": "left as it was"}


class RepairPanel(QWidget):
    """Proposes the cheapest repair found, and writes what a person takes of it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.proposal: Proposal | None = None
        self._source: Any = None
        self._build()
        self._lay_out()
        self.labels.layer_chosen.connect(self._list_classes)
        self.list.chosen.connect(self.go_to)
        self.list.answered.connect(self.answer)
        session.job_started.connect(lambda _: self._refresh())
        session.job_ended.connect(self._refresh)
        self._list_classes()

    def propose(self) -> None:
        """Look for the cheapest repair in the background."""
        layer = self.labels.layer
        if layer is None:
            raise InvalidConfig("there is no label map to repair; segment or open one first")
        volume, wanted = self._session.volume_of(layer), self.classes.wanted
        # A copy: a person may go on painting while the repair is looked for.
        labels, spacing = volume.voxels.copy(), volume.spacing
        connectivity = self.connectivity.currentData()
        chosen = self.probability.layer
        probability = None if chosen is None else self._session.volume_of(chosen).voxels
        if probability is not None and (probability.min() < 0 or probability.max() > 1):
            raise InvalidConfig(
                f"{chosen.name} has values from {probability.min():.3g} to "
                f"{probability.max():.3g}; choose a probability, which lies in 0..1, or none"
            )
        self._session.start(
            lambda: propose(
                labels,
                wanted,
                probability=probability,
                connectivity=connectivity,
                spacing=spacing,
            ),
            title="Repair",
            on_result=lambda found: self.show_proposal(found, layer),
        )

    def show_proposal(self, proposal: Proposal, layer: Any) -> None:
        """List the edits of a proposal and lay them over the label map."""
        self.proposal, self._source = proposal, layer
        self.list.set_proposal(proposal, self._names())
        self._show()
        if not proposal.edits:
            self._session.say(f"{layer.name} has the numbers wanted: nothing to repair")

    def answer(self, row: int, taken: bool) -> None:
        """Take or refuse one edit, and count anew."""
        if self.proposal is not None:
            answers = list(self.proposal.accepted)
            answers[row] = taken
            self._take(answers)

    def answer_all(self, taken: bool) -> None:
        """Take or refuse all edits."""
        if self.proposal is not None:
            self._take([taken] * len(self.proposal.edits))

    def go_to(self, row: int) -> None:
        """Show the slice of an edit, with the edit in the middle of the view."""
        viewer = self._session.viewer
        if self.proposal is not None and self._source in viewer.layers:
            centre = self.proposal.edits[row].centre
            what = str(self.list.edits_model.index(row, 0).data())
            mark_here(viewer, self._source, centre, what, "current edit")
            jump_to(viewer, self._source, centre)

    def apply(self) -> None:
        """Write the edits that are taken into the label map, in one stroke that can be undone."""
        proposal, layer = self.proposal, self._source
        if proposal is None or layer not in self._session.viewer.layers:
            raise InvalidConfig("there is no proposal for a layer that is open; press Propose")
        if not np.array_equal(layer.data, proposal.before):
            raise InvalidConfig(
                f"{layer.name} was changed since the repair was proposed; propose it again"
            )
        after = proposal.labels
        voxels = np.nonzero(after != proposal.before)
        if len(voxels[0]):
            layer.data_setitem(voxels, after[voxels])
        self.forget()
        self._list_classes()
        self._session.say(
            f"{len(voxels[0]):,} voxels of {layer.name} changed (Ctrl+Z in the layer undoes)"
        )

    def pin(self) -> Any:
        """Make the label map, with what is taken, an annotation that a network can train on."""
        layer = self._source if self.proposal is not None else self.labels.layer
        if layer is None:
            raise InvalidConfig("there is no label map to train on; segment or open one first")
        labels = np.asarray(layer.data) if self.proposal is None else self.proposal.labels
        made = annotation_of(self._session.viewer, layer, labels)
        self._session.say(f"{made.name} can be trained on in the Fine-tune tab")
        return made

    def forget(self) -> None:
        """Drop the proposal and its overlay."""
        self.proposal = None
        self.list.set_proposal(None, {})
        overlay = layer_with(self._session.viewer, EDITS)
        if overlay is not None:
            self._session.viewer.layers.remove(overlay)
        self.summary.setText("")
        self._refresh()

    def _take(self, answers: list[bool]) -> None:
        assert self.proposal is not None
        self.proposal = self.proposal.with_answers(answers)
        self.list.edits_model.renew(self.proposal)
        self._show()

    def _show(self) -> None:
        proposal = self.proposal
        assert proposal is not None
        if self._source in self._session.viewer.layers:
            show_edits(self._session.viewer, self._source, proposal)
        names = self._names()
        lines = [
            f"{names.get(number, f'label {number}')}: {numbers_text(proposal.counted[number])} → "
            f"{numbers_text(repair.betti)} {'✓' if repair.reached else '✗ ' + repair.reason}"
            for number, repair in sorted(proposal.found.repairs.items())
        ]
        taken, count = sum(proposal.accepted), len(proposal.edits)
        lines.append(f"{taken} of {count} edits taken" if count else "There is nothing to repair.")
        self.summary.setText("\n".join(lines))
        self._refresh()

    def _refresh(self) -> None:
        some = self.proposal is not None and bool(self.proposal.edits)
        self.button.setEnabled(self.labels.layer is not None and not self._session.busy)
        for each in (self.all, self.none, self.apply_button, self.previous, self.next):
            each.setEnabled(some)
        self.pin_button.setEnabled(self.labels.layer is not None)

    def _names(self) -> dict[int, str]:
        return class_names(self.labels.layer)

    def _list_classes(self, _: object = None) -> None:
        layer = self.labels.layer
        self.classes.show_classes(None if layer is None else np.asarray(layer.data), self._names())
        self._refresh()

    def _build(self) -> None:
        self.labels = LayerPicker(self._session, is_label_map, empty="no labels")
        self.labels.setToolTip("Label map that is repaired")
        self.probability = LayerPicker(
            self._session, is_probability, empty="none: distance counts", optional=True
        )
        self.probability.setToolTip(
            "Probability of the foreground, which says what an edit costs; "
            "without one it is the distance from the surface"
        )
        self.connectivity = QComboBox()
        for number in (26, 6):
            self.connectivity.addItem(f"{number} (background {32 - number})", number)
        self.connectivity.setToolTip("Betti numbers depend on how voxels are joined")
        narrow(self.connectivity)
        self.classes = WantedTable()
        self.button = button(
            "Propose a repair",
            "Look for the cheapest edits that give each class its numbers; nothing is changed yet",
            lambda: self._session.attempt(self.propose),
        )
        self.list = EditsView()
        self.list.setMinimumHeight(90)
        self.summary = value("Betti numbers before and after the edits that are taken")
        self.legend = QLabel(
            "&nbsp; ".join(
                f'<span style="color: {EDIT_COLOURS[kind]}">■</span> {text}'
                for kind, text in LEGEND.items()
            )
        )
        self.all = button("All", "Tick every edit", lambda: self.answer_all(True))
        self.none = button("None", "Clear every box", lambda: self.answer_all(False))
        self.previous = button("Previous", "Go to the edit before", lambda: self.list.step(False))
        self.next = button("Next", "Go to the next edit", lambda: self.list.step(True))
        self.apply_button = button(
            "Apply ticked",
            "Write the ticked edits into the label map; Ctrl+Z in the layer undoes it",
            lambda: self._session.attempt(self.apply),
        )
        self.pin_button = button(
            "Train on this",
            "Make an annotation of the label map, with the ticked edits, for the Fine-tune tab",
            lambda: self._session.attempt(self.pin),
        )

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("&Labels", self.labels)
        form.addRow("P&robability", self.probability)
        form.addRow("&Joined", self.connectivity)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(form)
        layout.addWidget(self.classes)
        layout.addWidget(self.button)
        layout.addWidget(self.summary)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.legend)
        layout.addLayout(side_by_side(self.all, self.none, self.previous, self.next))
        layout.addLayout(side_by_side(self.apply_button, self.pin_button))


def side_by_side(*widgets: QWidget) -> QHBoxLayout:
    """Return a row of widgets."""
    layout = QHBoxLayout()
    for each in widgets:
        # As narrow as the dock asks for, and all of one width.
        each.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout.addWidget(each)
    return layout


def is_probability(layer: Any) -> bool:
    """Tell whether a layer can be a probability: an image of fractions."""
    return is_image(layer) and np.asarray(layer.data[:0]).dtype.kind == "f"


def numbers_text(numbers: BettiNumbers) -> str:
    """Write Betti numbers for a person."""
    return " ".join(map(str, numbers))
