"""EditsView: the list of the edits of a repair, each with a box to take it or to leave it.

The one idea: as in the list of errors, columns are shown and the view says which row was chosen;
ticking a box only says so, and the panel counts anew.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.topology.errors.comparison import Against
from napari_toposeg.plugin.topology.errors.defects_view import change_text, name_of, short
from napari_toposeg.plugin.topology.errors.kind_icons import icon_of
from napari_toposeg.plugin.topology.errors.kinds import EDIT_STYLES, word_of
from napari_toposeg.plugin.topology.errors.legend import Entry
from napari_toposeg.plugin.topology.errors.overlays import kind_of_edit
from napari_toposeg.plugin.topology.errors.repairing import ClassEdit, Proposal
from napari_toposeg.plugin.topology.errors.wanted_defects import from_edits
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.column_table import Column, ColumnTable

WANTED: Against = "wanted"
COST = 2


class EditsView(ColumnTable):
    """The list of edits, the dearest first."""

    def __init__(self) -> None:
        super().__init__()
        self._edits: tuple[ClassEdit, ...] = ()

    def set_proposal(self, proposal: Proposal | None, names: Mapping[int, str]) -> None:
        """Show the edits of another proposal, the dearest first, or none."""
        self._edits = () if proposal is None else proposal.edits
        if proposal is None or not proposal.edits:
            self.set_columns(())
            return
        mends = mended_kinds(proposal)
        self.set_columns(
            columns_of(proposal, names),
            sort=COST,
            descending=True,
            icon=lambda row: icon_of(EDIT_STYLES[kind_of_edit(self._edits[row])]),
            tip=lambda row: tip_of(self._edits[row], mends[row], names),
            ticks=np.array(proposal.accepted),
        )

    def renew(self, proposal: Proposal) -> None:
        """Show the same edits with other answers."""
        self._edits = proposal.edits
        self.columns.set_ticks(np.array(proposal.accepted))


def columns_of(proposal: Proposal, names: Mapping[int, str]) -> tuple[Column, ...]:
    """Return the columns of a list: edit with class, size, cost, change."""
    edits = [each.edit for each in proposal.edits]
    labels = np.array([each.label for each in proposal.edits])
    adds = np.array([edit.adds for edit in edits])
    size = np.array([len(edit.voxels) for edit in edits])
    cost = np.array([edit.cost for edit in edits])
    change = np.array([edit.change for edit in edits], np.int64)
    many = 1 + int(labels.max(initial=0))

    def what(row: int) -> str:
        return name_of(int(labels[row]), names)

    return (
        Column(
            tr("Edit"),
            tr("Whether the edit is taken, and what it does"),
            (~adds) * many + labels,
            what,
        ),
        Column(
            tr("Size"),
            tr("How many voxels it changes; {volume:.3g} mm³ each").format(
                volume=proposal.voxel_mm3
            ),
            size,
            lambda row: f"{size[row]:,}",
        ),
        Column(
            tr("Cost"),
            tr(
                "How sure the voxels were, all together: the dearest edits are the boldest. With a "
                "probability, the sum of its distances from 0.5; without, by the distance from the "
                "surface of the class"
            ),
            cost,
            lambda row: short(cost[row]),
        ),
        Column(
            "Δb",
            tr("What it alone adds to the Betti numbers b0, b1, b2 of its class"),
            np.abs(change).sum(axis=1),
            lambda row: change_text(change[row]),
        ),
    )


def legend_entries(kinds: NDArray[np.str_]) -> list[Entry]:
    """Return the entries of a legend for edits of these kinds, each with its count."""
    return [
        Entry(kind, icon_of(style), tr(style.word), int((kinds == kind).sum()), tr(style.tip))
        for kind, style in EDIT_STYLES.items()
        if (kinds == kind).any()
    ]


def mended_kinds(proposal: Proposal) -> list[str]:
    """Return the kind of error that each edit mends."""
    found = from_edits(list(proposal.edits), proposal.before.shape, proposal.voxel_mm3)
    return [str(kind) for kind in found.kind]


def tip_of(each: ClassEdit, mends: str, names: Mapping[int, str]) -> str:
    """Say all of an edit, over its row."""
    style = EDIT_STYLES[kind_of_edit(each)]
    return "\n".join(
        (
            f"{name_of(each.label, names)}: {tr(style.word)}",
            tr("mends: {kind}").format(kind=tr(word_of(mends, WANTED))),
            tr("at z y x {place}").format(place=" ".join(map(str, each.centre))),
        )
    )
