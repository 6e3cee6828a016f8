"""Repair of several classes at once: one after the other, the largest first.

The one idea: a class stands against the best of its rivals that are not yet repaired, so its margin
is what it is ahead of them; voxels of a class already repaired are out of reach.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.topology.betti import BettiNumbers
from napari_toposeg.topology.edits import Repair
from napari_toposeg.topology.grid import (
    foreground_connectivity,
    require_finite,
    require_grid,
    require_same_shape,
)
from napari_toposeg.topology.mending.task import Task
from napari_toposeg.topology.repairs import Progress, Told, margin_of, require_numbers, solve

BACKGROUND = 0
Numbers = Collection[int]


@dataclass(frozen=True, eq=False)
class ClassRepairs:
    """A repaired label map, and the repair of each class in the order in which they were made.

    Parameters
    ----------
    labels
        int32, the class of each voxel, 0 for the background.
    repairs
        By class. The costs of a class are the distances from its best rival or the threshold.
    """

    labels: NDArray[np.int32]
    repairs: dict[int, Repair]

    @property
    def reached(self) -> bool:
        """Whether every class has the numbers wanted of it."""
        return all(repair.reached for repair in self.repairs.values())

    @property
    def reason(self) -> str:
        """What each class that is not as wanted lacks, and why; empty where all is."""
        return "; ".join(
            f"class {number}: {repair.reason}"
            + (taken if (taken := self.taken_before(number)) else "")
            for number, repair in self.repairs.items()
            if not repair.reached
        )

    def taken_before(self, number: int) -> str:
        """Say which classes were out of reach."""
        earlier = list(self.repairs)[: list(self.repairs).index(number)]
        if not earlier:
            return ""
        return f" (voxels of class {', '.join(map(str, earlier))} were not to be taken)"


def repair_by_class(
    probability: NDArray[Any] | Mapping[int, NDArray[Any]],
    wanted: Numbers | Mapping[int, Numbers],
    *,
    threshold: float = 0.5,
    connectivity: int | None = None,
    progress: Progress | None = None,
) -> ClassRepairs:
    """Repair each class of a segmentation, the largest first.

    Parameters
    ----------
    probability
        A map ``(y, x)`` or ``(z, y, x)`` for each class; or one array with the classes along its
        first axis, the background first, as a softmax gives them. The map of class 0, where there
        is one, is the background's.
    wanted
        Betti numbers of each class, or one set of them for every class.
    threshold
        A voxel is of its most probable class, if that lies above the threshold and the background.
    connectivity
        Of each class: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D.
    progress
        As for `repair`.

    Returns
    -------
    ClassRepairs
        A voxel freed from a class goes to the next most probable one, or to the background. A voxel
        is never taken from a class that is already repaired; what cannot be reached so is said.

    Raises
    ------
    InvalidVolume
        If the maps are not 2D or 3D, are empty, or hold NaN or infinite values.
    ShapeMismatch
        If the maps differ in shape.
    InvalidConfig
        If numbers are missing for a class or cannot be, or the connectivity does not fit.

    Examples
    --------
    >>> maps = {1: np.array([[0.9, 0.9, 0.6, 0.0, 0.0]]), 2: np.array([[0.0, 0.0, 0.3, 0.9, 0.0]])}
    >>> repair_by_class(maps, (1, 0)).labels
    array([[1, 1, 1, 2, 0]], dtype=int32)
    """
    margins = require_maps(probability, threshold)
    floor = margins.pop(BACKGROUND, None)
    if floor is None:
        floor = np.zeros_like(next(iter(margins.values())))
    foreground = foreground_connectivity(floor.ndim, connectivity)
    numbers = numbers_of(wanted, list(margins), floor.ndim)
    left = dict.fromkeys(by_size(margins, floor))
    labels = np.zeros(floor.shape, np.int32)
    repairs = {}
    for done, number in enumerate(list(left)):
        del left[number]
        rivals = [np.maximum(floor, 0), *(margins[other] for other in left)]
        ahead = margins[number] - np.max(rivals, axis=0)
        told = Told(share(progress, done, len(margins)))
        task = Task(ahead, labels == BACKGROUND, foreground, told.heed)
        repairs[number] = solve(task, numbers[number])
        labels[repairs[number].mask] = number
    if progress is not None:
        progress(1.0)
    return ClassRepairs(labels, repairs)


def require_maps(
    probability: NDArray[Any] | Mapping[int, NDArray[Any]], threshold: float
) -> dict[int, NDArray[np.floating]]:
    """Return the map of each class less the threshold."""
    if not isinstance(probability, Mapping):
        stack = np.asarray(probability)
        if stack.ndim not in (3, 4) or len(stack) < 2:
            raise InvalidVolume(
                "an array of classes has at least the background and one class along its first "
                f"axis, got shape {stack.shape}; for one map alone use repair()"
            )
        probability = dict(enumerate(stack))
    maps = {int(number): np.asarray(values) for number, values in probability.items()}
    if not maps.keys() - {BACKGROUND}:
        raise InvalidVolume("there is no class to repair; give a map for at least one")
    first = next(iter(maps.values()))
    for values in maps.values():
        require_grid(values)
        require_finite(values)
        require_same_shape(values, first)
    return {number: margin_of(values, threshold) for number, values in maps.items()}


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
            "name them for every class that has a map"
        )
    return {number: require_numbers(wanted[number], ndim) for number in classes}


def by_size(margins: dict[int, NDArray[np.floating]], floor: NDArray[np.floating]) -> list[int]:
    """Return the classes from the one with the most voxels on; ties by number."""
    classes = sorted(margins)
    ahead = np.argmax([np.maximum(floor, 0), *(margins[number] for number in classes)], axis=0)
    size = np.bincount(ahead.ravel(), minlength=len(classes) + 1)[1:]
    return [classes[place] for place in np.argsort(-size, kind="stable")]


def share(progress: Progress | None, done: int, classes: int) -> Progress | None:
    """Return the progress of one class as its share of the whole."""
    if progress is None:
        return None
    return lambda fraction: progress((done + fraction) / classes)
