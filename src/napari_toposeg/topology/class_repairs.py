"""Repair of several classes at once: one after the other, the largest first.

The one idea: a class stands against the best of its rivals that are not yet repaired, so its margin
is what it is ahead of them; voxels of a class already repaired are out of reach. Where nothing is
to be repaired, this gives each voxel its most probable class.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology.betti import BettiNumbers
from napari_toposeg.topology.class_maps import (
    BACKGROUND,
    bridgeable,
    by_size,
    lead_of,
    require_maps,
    without_say,
)
from napari_toposeg.topology.edits import Repair, differences
from napari_toposeg.topology.grid import foreground_connectivity
from napari_toposeg.topology.mending.task import Task
from napari_toposeg.topology.mending.told import MOST, Progress, Told
from napari_toposeg.topology.repairs import require_numbers, require_threshold, solve

Numbers = Collection[int]


@dataclass(frozen=True, eq=False)
class ClassRepairs:
    """A repaired label map, and the repair of each class in the order in which they were made.

    Parameters
    ----------
    labels
        int32, the class of each voxel, 0 for the background; read-only: change a copy.
    repairs
        By class. The costs of a class are the distances from its best rival or the threshold.
    free
        Classes that were not repaired: what they have counts as wanted.
    """

    labels: NDArray[np.int32]
    repairs: dict[int, Repair]
    free: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.labels.setflags(write=False)

    @property
    def reached(self) -> bool:
        """Whether every class has the numbers wanted of it."""
        return all(repair.reached for repair in self.repairs.values())

    @property
    def reason(self) -> str:
        """What each class that is not as wanted lacks, and why; empty where all is."""
        return "; ".join(
            f"class {number}: {self.reason_of(number)}"
            for number, repair in self.repairs.items()
            if not repair.reached
        )

    def reason_of(self, number: int) -> str:
        """Say what a class lacks, and what the classes before it have to do with that."""
        repair = self.repairs[number]
        earlier = list(self.repairs)[: list(self.repairs).index(number)]
        refused = [other for other in earlier if has_refused(self.repairs[other])]
        if refused and not has_refused(repair):
            return (
                f"{differences(repair.betti, repair.wanted)}, with edits of class "
                f"{', '.join(map(str, refused))} refused"
            )
        if not earlier:
            return repair.reason
        taken = ", ".join(map(str, earlier))
        return f"{repair.reason} (voxels of class {taken} were not to be taken)"

    def with_edits(
        self, number: int, accepted: Sequence[bool] | NDArray[np.bool_]
    ) -> "ClassRepairs":
        """Return the repairs with only some edits of one class, all labels and numbers made anew.

        The other classes keep what was accepted of them. A voxel that a refused edit had taken goes
        back to its most probable class, one that it had freed is out of reach for the classes
        repaired later, whatever their edits say. With all edits refused each voxel has its most
        probable class. What an edit costs and changes stays as it was found.

        Parameters
        ----------
        number
            Of the class.
        accepted
            For each edit of that class whether it shall be made.

        Raises
        ------
        InvalidConfig
            If there is no such class.
        ShapeMismatch
            If there is not one answer for each edit.
        """
        if number not in self.repairs:
            raise InvalidConfig(
                f"no class {number!r} was repaired; "
                f"name one of {', '.join(map(str, sorted(self.repairs)))}"
            )
        answered = {**self.repairs, number: self.repairs[number].with_edits(accepted)}
        labels = np.full(self.labels.shape, BACKGROUND, np.int32)
        for its, repair in answered.items():
            task = replace(repair.task, may_add=labels == BACKGROUND)
            redone = repair.redone(task)
            answered[its] = replace(redone, wanted=redone.betti) if its in self.free else redone
            labels[answered[its].mask] = its
        return ClassRepairs(labels, answered, self.free)


def has_refused(repair: Repair) -> bool:
    """Whether an edit was refused."""
    return not all(edit.accepted for edit in repair.edits)


def repair_by_class(
    probability: NDArray[Any] | Mapping[int, NDArray[Any]],
    wanted: Numbers | Mapping[int, Numbers],
    *,
    free: Collection[int] = (),
    threshold: float = 0.5,
    sure: float | None = None,
    connectivity: int | None = None,
    progress: Progress | None = None,
) -> ClassRepairs:
    """Repair each class of a segmentation, the largest first.

    Parameters
    ----------
    probability
        A map ``(y, x)`` or ``(z, y, x)`` for each class; or one array with the classes along its
        first axis, the background first, as a softmax gives them. The map of class 0, where there
        is one, is the background's. Classes are whole numbers that an int32 can hold.
    wanted
        Betti numbers of each class, or one set of them for every class.
    free
        Classes that are not repaired. They come last, and have what is most probable of the rest,
        whatever its numbers.
    threshold
        A voxel is of its most probable class, if that lies above the threshold and the background;
        of classes that tie, it is of the lowest number.
    sure
        Two components are joined by no bridge across voxels that are behind the threshold or a
        rival by so much, nor across those of another class. By costs alone a long bridge is worth
        it wherever both are large, though one may be false. None: costs alone decide.
    connectivity
        Of each class: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D.
    progress
        As for `repair`.

    Returns
    -------
    ClassRepairs
        A voxel freed from a class goes to the next most probable one, or to the background; there
        it costs nothing, and counts for nothing where pieces are joined or dropped. A voxel is
        never taken from a class that is already repaired; what cannot be reached so is said.
        Every voxel that is not of its most probable class is in an edit; where nothing has to be
        repaired, there is none.

    Raises
    ------
    InvalidVolume
        If the maps are not 2D or 3D, are empty or masked, or hold NaN or infinite values.
    ShapeMismatch
        If the maps differ in shape.
    InvalidConfig
        If numbers are missing for a class or cannot be, if a class is no whole number from 0, or
        if the threshold, what is sure, or the connectivity does not fit.

    Examples
    --------
    >>> maps = {1: np.array([[0.9, 0.9, 0.6, 0.0, 0.0]]), 2: np.array([[0.0, 0.0, 0.3, 0.9, 0.0]])}
    >>> repair_by_class(maps, (1, 0)).labels
    array([[1, 1, 1, 2, 0]], dtype=int32)
    """
    threshold = require_threshold(threshold)
    require_sure(sure)
    maps = require_maps(probability, threshold)
    floor = maps.pop(BACKGROUND)
    foreground = foreground_connectivity(floor.ndim, connectivity)
    numbers = numbers_of(wanted, sorted(maps.keys() - set(free)), floor.ndim)
    left = dict.fromkeys(sorted(by_size(maps, floor), key=lambda number: number not in numbers))
    labels = np.full(floor.shape, BACKGROUND, np.int32)
    freed = np.zeros(floor.shape, np.bool_)
    repairs = {}
    for done, number in enumerate(list(left)):
        del left[number]
        lead = without_say(lead_of(number, maps, floor, sorted(left)), freed)
        told = Told(share(progress, done, len(maps)))
        own = None if sure is None else bridgeable(lead, maps, floor, list(left), sure)
        task = Task(lead, labels == BACKGROUND, foreground, told, own)
        repairs[number] = solved(task, numbers.get(number))
        labels[repairs[number].mask] = number
        freed |= task.mask & ~repairs[number].mask
    if progress is not None:
        progress(1.0)
    return ClassRepairs(labels, repairs, frozenset(maps.keys() - numbers.keys()))


def require_sure(sure: float | None) -> None:
    """Raise InvalidConfig unless it is a lead above 0, or None."""
    if sure is not None and not sure > 0:
        raise InvalidConfig(
            f"{sure!r} is no lead from which on a voxel is surely not of a class; give a number "
            "above 0 on the scale of the maps, such as 0.9, or None"
        )


def solved(task: Task, wanted: BettiNumbers | None) -> Repair:
    """Repair a class, or take it as it is where nothing is wanted of it."""
    if wanted is not None:
        return solve(task, wanted)
    numbers = task.count(task.mask)
    return Repair(task.mask, numbers, numbers, (), replace(task, told=Told()))


def numbers_of(
    wanted: Numbers | Mapping[int, Numbers], classes: list[int], ndim: int
) -> dict[int, BettiNumbers]:
    """Return the Betti numbers wanted of each class."""
    if not isinstance(wanted, Mapping):
        wanted = dict.fromkeys(classes, wanted)
    missing = [number for number in classes if number not in wanted]
    if missing:
        raise InvalidConfig(
            f"no numbers are wanted of class {', '.join(map(str, missing))}; "
            "name them for every class that has a map, or let it be free"
        )
    return {number: require_numbers(wanted[number], ndim) for number in classes}


def share(progress: Progress | None, done: int, classes: int) -> Progress | None:
    """Return the progress of one class as its share of the whole."""
    if progress is None:
        return None
    return lambda fraction: progress(min((done + fraction) / classes, MOST))
