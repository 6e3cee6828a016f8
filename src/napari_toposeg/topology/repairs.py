"""Repair: from a probability map, the cheapest mask found that has the Betti numbers wanted.

The one idea: every voxel that is flipped against the threshold costs its distance from it, and the
difference between threshold mask and repaired mask falls into connected edits, each of which a
person can accept or refuse. How the mask is found: `_repairing`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.topology._repairing import repair_mask
from napari_toposeg.topology._task import Task
from napari_toposeg.topology.betti import BettiNumbers
from napari_toposeg.topology.grid import (
    Mask,
    foreground_connectivity,
    require_finite,
    require_grid,
)

PLURALS = ("components", "loops", "cavities")


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
        Bool, the shape of the map.
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
        mask = self.task.mask
        edits = tuple(
            replace(edit, accepted=answer) for edit, answer in zip(self.edits, answers, strict=True)
        )
        for edit in edits:
            if edit.accepted:
                mask.ravel()[edit.voxels] = edit.adds
        return replace(self, mask=mask, betti=self.task.count(mask), edits=edits)


def repair(
    probability: NDArray[Any],
    wanted: Collection[int],
    *,
    threshold: float = 0.5,
    connectivity: int | None = None,
    progress: Callable[[float], object] | None = None,
) -> Repair:
    """Find a cheap mask that has exactly the wanted numbers of components, loops and cavities.

    Parameters
    ----------
    probability
        Map ``(y, x)`` or ``(z, y, x)`` of finite real numbers; any scale does.
    wanted
        Betti numbers ``(b0, b1, b2)``; in 2D ``(b0, b1)`` will do.
    threshold
        Voxels above it are foreground unless an edit says otherwise.
    connectivity
        Of the foreground: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D.
    progress
        Called with the fraction that is done, in the calling thread, several times a second on
        long work; an exception that it raises ends the work and is passed on.

    Returns
    -------
    Repair
        ``reached`` tells whether the mask has the wanted numbers; if not, it is the nearest mask
        found, and ``reason`` says what is missing. Without loops and cavities the wanted is reached
        wherever the grid has room for that many components.

    Raises
    ------
    InvalidVolume
        If the map is not 2D or 3D, is empty, or holds NaN or infinite values.
    InvalidConfig
        If the wanted numbers or the connectivity cannot be.

    Notes
    -----
    The cost of a mask is the sum of ``abs(probability - threshold)`` over the voxels that differ
    from the threshold's mask: unlike log-odds it stays finite where a network is sure. The least
    cost is hard to find (joining components alone is a Steiner tree problem), so the mask is the
    cheapest *found*; that it has the wanted numbers is counted. Ties go by voxel index, and the
    same map always gives the same mask.

    Examples
    --------
    >>> row = np.array([[0.9, 0.8, 0.4, 0.9, 0.1, 0.6]])
    >>> found = repair(row, (1, 0))
    >>> found.mask.astype(int).tolist(), found.reached
    ([[1, 1, 1, 1, 0, 0]], True)
    >>> [(edit.adds, round(edit.cost, 2)) for edit in found.edits]
    [(True, 0.1), (False, 0.1)]
    """
    probability = np.asarray(probability)
    require_grid(probability)
    require_finite(probability)
    foreground = foreground_connectivity(probability.ndim, connectivity)
    numbers = require_numbers(wanted, probability.ndim)
    may_add = np.ones(probability.shape, np.bool_)
    margin = margin_of(probability, threshold)
    task = Task(margin, may_add, foreground, Told(progress).heed)
    found = solve(task, numbers)
    if progress is not None:
        progress(1.0)
    return found


def margin_of(probability: NDArray[Any], threshold: float) -> NDArray[np.floating]:
    """Return the map less its threshold, in its own precision but at least float32."""
    if probability.dtype.kind != "f":
        probability = probability.astype(np.float64)
    elif probability.dtype.itemsize < 4:
        probability = probability.astype(np.float32)
    return np.ascontiguousarray(probability - probability.dtype.type(threshold))


def require_numbers(wanted: Collection[int], ndim: int) -> BettiNumbers:
    """Return the wanted Betti numbers, or raise InvalidConfig for what cannot be."""
    numbers = list(wanted)
    if ndim == 2 and len(numbers) == 2:
        numbers.append(0)
    if len(numbers) != 3 or any(n != int(n) or n < 0 for n in numbers):
        raise InvalidConfig(
            f"wanted {tuple(wanted)} must be three counts (components, loops, cavities) from 0"
            + (", or the first two" if ndim == 2 else "")
        )
    b0, b1, b2 = map(int, numbers)
    if ndim == 2 and b2:
        raise InvalidConfig(f"{b2} cavities are wanted of a 2D map, which can have none; want 0")
    if b0 == 0 and (b1 or b2):
        raise InvalidConfig(
            f"{b1} loops and {b2} cavities are wanted without a component; want at least one"
        )
    return BettiNumbers(b0, b1, b2)


class Told:
    """Tells a fraction that nears 1 but does not reach it: how many steps are left is not known."""

    def __init__(self, progress: Callable[[float], object] | None) -> None:
        self.progress = progress
        self.fraction = 0.0

    def heed(self) -> None:
        """Tell that a step is done."""
        if self.progress is not None:
            self.fraction += (1 - self.fraction) / 20
            self.progress(self.fraction)


def solve(task: Task, wanted: BettiNumbers) -> Repair:
    """Repair a map and list the edits."""
    mask = repair_mask(task, wanted)
    return Repair(
        mask=mask,
        betti=task.count(mask),
        wanted=wanted,
        edits=list_edits(task, mask),
        # The map's task outlives its call, the caller's progress does not.
        task=Task(task.margin, task.may_add, task.foreground),
    )


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
    if repair.betti.b0 < repair.wanted.b0:
        return "the grid has no room for more components that do not touch"
    missing = [k for k in (1, 2) if repair.betti[k] < repair.wanted[k]]
    if not missing:
        return "what is too much could not be taken away without changing other numbers"
    return "; ".join(
        f"over all thresholds the map has {len(repair.task.diagram.select(k))} {PLURALS[k]}"
        + (
            ", and the others could not be made without changing other numbers"
            if len(repair.task.diagram.select(k)) >= repair.wanted[k]
            else ""
        )
        for k in missing
    )
