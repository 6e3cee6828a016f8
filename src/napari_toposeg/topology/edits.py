"""The result of a repair: a mask, and the edits that lead to it from the threshold's mask.

The one idea: the voxels in which the two masks differ fall into connected sets, and each set can be
taken or left by itself. What a set does alone is known, what a choice of sets does is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.topology.betti import BettiNumbers
from napari_toposeg.topology.grid import Mask
from napari_toposeg.topology.mending.task import Task

PLURALS = ("components", "loops", "cavities")
NOT_ALONE = "the missing could not be made without changing other numbers"


@dataclass(frozen=True, eq=False)
class Edit:
    """One connected set of voxels flipped against the threshold.

    Parameters
    ----------
    voxels
        Flat C-order indices, rising.
    adds
        True where the voxels join the foreground, False where they leave it.
    cost
        Sum over the voxels of ``abs(probability - threshold)``.
    change
        What this edit *alone* adds to b0, b1, b2 of the threshold's mask. Changes of several edits
        need not add up.
    accepted
        Whether the mask of the `Repair` has it.
    """

    voxels: NDArray[np.int64]
    adds: bool
    cost: float
    change: BettiNumbers
    accepted: bool = True


@dataclass(frozen=True, eq=False)
class Repair:
    """A repaired mask and the edits that lead to it.

    Parameters
    ----------
    mask
        Bool, the shape of the map; read-only, so that its numbers stay true: change a copy.
    betti
        Betti numbers of the mask, counted.
    wanted
        Betti numbers that were asked for.
    edits
        What was changed against the threshold's mask, the dearest first; with all of them accepted
        the mask is the one that was found.
    """

    mask: Mask
    betti: BettiNumbers
    wanted: BettiNumbers
    edits: tuple[Edit, ...]
    task: Task = field(repr=False)

    def __post_init__(self) -> None:
        self.mask.setflags(write=False)

    @property
    def reached(self) -> bool:
        """Whether the mask has exactly the wanted Betti numbers."""
        return self.betti == self.wanted

    @property
    def cost(self) -> float:
        """Cost of the accepted edits together."""
        return float(sum(edit.cost for edit in self.edits if edit.accepted))

    @property
    def reason(self) -> str:
        """What is missing or too much, and why; empty where the wanted was reached."""
        if self.reached:
            return ""
        if not all(edit.accepted for edit in self.edits):
            refused = sum(not edit.accepted for edit in self.edits)
            return f"{differences(self.betti, self.wanted)}, with {refused} edits refused"
        return f"{differences(self.betti, self.wanted)}: {explain(self)}"

    def with_edits(self, accepted: Sequence[bool] | NDArray[np.bool_]) -> "Repair":
        """Return the repair with only some of its edits, its mask counted anew.

        Parameters
        ----------
        accepted
            For each edit whether the mask shall have it.

        Raises
        ------
        ShapeMismatch
            If there is not one answer for each edit.
        """
        answers = [bool(answer) for answer in accepted]
        if len(answers) != len(self.edits):
            raise ShapeMismatch(
                f"{len(answers)} answers for {len(self.edits)} edits; give one for each, in order"
            )
        edits = tuple(
            replace(edit, accepted=answer) for edit, answer in zip(self.edits, answers, strict=True)
        )
        return replace(self, edits=edits).redone(self.task)

    def redone(self, task: Task) -> "Repair":
        """Return the repair with its accepted edits made on another task's mask."""
        mask = task.mask.copy()
        for edit in self.edits:
            if edit.accepted:
                mask.ravel()[edit.voxels] = edit.adds
        mask &= task.may_add
        return replace(self, mask=mask, betti=task.count(mask), task=task)


def list_edits(task: Task, mask: Mask) -> tuple[Edit, ...]:
    """Return the edits from the threshold's mask to another, the dearest first."""
    pieces = task.pieces(task.mask, mask)
    voxels = np.flatnonzero(pieces.label)
    owner = pieces.label.ravel()[voxels]
    order = np.argsort(owner, kind="stable")
    ends = np.cumsum(np.bincount(owner, minlength=len(pieces) + 1)[1:])
    groups = np.split(voxels[order], ends[:-1]) if len(pieces) else []
    return tuple(
        Edit(
            voxels=groups[piece],
            adds=bool(mask.ravel()[groups[piece][0]]),
            cost=float(pieces.cost[piece]),
            change=BettiNumbers(*map(int, pieces.change[piece])),
        )
        for piece in np.argsort(-pieces.cost, kind="stable").tolist()
    )


def differences(found: BettiNumbers, wanted: BettiNumbers) -> str:
    """Say how the numbers differ."""
    parts = [
        f"{is_now} of {goal} {plural}" if is_now < goal else f"{is_now} {plural} instead of {goal}"
        for is_now, goal, plural in zip(found, wanted, PLURALS, strict=True)
        if is_now != goal
    ]
    return " and ".join(parts)


def explain(repair: Repair) -> str:
    """Say why the wanted numbers were not reached."""
    found, wanted, diagram = repair.betti, repair.wanted, repair.task.diagram
    causes = []
    if found.b0 < wanted.b0:
        causes.append(lack_of_components(repair.task, wanted))
    for k in (1, 2):
        if found[k] < wanted[k]:
            known = len(diagram.select(k))
            causes.append(
                f"over all thresholds the map has {known} {PLURALS[k]}"
                + (f", but {NOT_ALONE}" if known >= wanted[k] else "")
            )
    if any(is_now > goal for is_now, goal in zip(found, wanted, strict=True)):
        causes.append("what is too much could not be taken away without changing other numbers")
    return "; ".join(causes)


def lack_of_components(task: Task, wanted: BettiNumbers) -> str:
    """Say why there are too few components: the grid is full, or loops and cavities are in the way.

    Without loops and cavities only the room can be what lacks.
    """
    if wanted.b0 > most_components(task) or (wanted[1:] == (0, 0) and task.may_add.all()):
        return "the grid has no room for more components that do not touch"
    if wanted[1:] == (0, 0):
        return "no room was found for more components that do not touch"
    return "more components were not found beside the loops and cavities that are wanted"


def most_components(task: Task) -> int:
    """Return a number of components that no mask on this grid exceeds.

    Voxels of one block touch: of a cube of two voxels a side, or of a pair along the last axis.
    """
    sides = (2,) * task.may_add.ndim if task.foreground in (8, 26) else (2,)
    blocks = task.may_add
    for axis, side in zip(range(-len(sides), 0), sides, strict=True):
        blocks = np.logical_or.reduceat(blocks, np.arange(0, blocks.shape[axis], side), axis=axis)
    return int(np.count_nonzero(blocks))
