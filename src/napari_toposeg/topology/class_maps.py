"""Maps of several classes on one grid, and how far each class is ahead of the others.

The one idea: a tie goes to the lower number, as argmax has it, so that every voxel has one most
probable class, and a class that takes it by a tie has the least lead there is.
"""

from collections.abc import Mapping
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch
from napari_toposeg.topology.grid import Mask, as_array, require_finite
from napari_toposeg.topology.repairs import type_of_margin

BACKGROUND = 0
MOST = int(np.iinfo(np.int32).max)


def require_maps(
    probability: NDArray[Any] | Mapping[int, NDArray[Any]], threshold: float
) -> dict[int, NDArray[np.floating]]:
    """Return the map of each class in a common type; that of the background, or the threshold."""
    if not isinstance(probability, Mapping):
        stack = np.asanyarray(probability)
        if stack.ndim not in (3, 4) or len(stack) < 2:
            raise InvalidVolume(
                "an array of classes has at least the background and one class along its first "
                f"axis, got shape {stack.shape}; for one map alone use repair()"
            )
        probability = dict(enumerate(stack))
    given = {require_class(number): as_array(values) for number, values in probability.items()}
    if not given.keys() - {BACKGROUND}:
        raise InvalidVolume("there is no class to repair; give a map for at least one")
    first = next(iter(given))
    for number, values in given.items():
        require_finite(values)
        if values.shape != given[first].shape:
            raise ShapeMismatch(
                f"the map of class {number} has shape {values.shape}, that of class {first} "
                f"{given[first].shape}; resample the maps to one grid first"
            )
    kind = type_of_margin(list(given.values()), threshold)
    maps = {number: values.astype(kind, order="C") for number, values in given.items()}
    floor = np.full(given[first].shape, threshold, kind)
    maps[BACKGROUND] = np.maximum(maps.get(BACKGROUND, floor), floor)
    return maps


def require_class(number: object) -> int:
    """Return the number of a class, or raise InvalidConfig for what cannot be one."""
    try:
        its = -1 if isinstance(number, bool) else index(number)  # type: ignore[arg-type]
    except TypeError:
        its = -1
    if not 0 <= its <= MOST:
        raise InvalidConfig(
            f"class {number!r} has a map, but classes are whole numbers from 0, the background, to "
            f"{MOST}; number the maps so"
        )
    return its


def lead_of(
    number: int,
    maps: dict[int, NDArray[np.floating]],
    floor: NDArray[np.floating],
    rivals: list[int],
) -> NDArray[np.floating]:
    """Return how far a class is ahead of the background and of its rivals.

    Where it ties with rivals of higher numbers only, its lead is the least that counts as one: the
    values are subtracted from each other, not from the threshold, so what differs does not tie.
    """
    before = [maps[other] for other in rivals if other < number]
    after = [maps[other] for other in rivals if other > number]
    best = np.max([floor, *before], axis=0)
    wins = maps[number] > best
    lead = maps[number] - np.max([best, *after], axis=0)
    lead[wins & (lead == 0)] = least_of(lead)
    return np.asarray(lead)


def least_of(lead: NDArray[np.floating]) -> float:
    """Return the least lead there is, next to nothing beside the others."""
    kind = np.finfo(lead.dtype)
    return float(max(kind.eps * np.abs(lead).max(), kind.tiny))


def without_say(lead: NDArray[np.floating], freed: Mask) -> NDArray[np.floating]:
    """Return the lead of a class, next to none where it only has what another class gave up.

    So it has such voxels, but they count for nothing where it is to be chosen what it keeps: a
    false piece of one class is no piece of the next.
    """
    heir = freed & (lead > 0)
    if not heir.any():
        return lead
    lead = lead.copy()
    lead[heir] = np.minimum(lead[heir], least_of(lead))
    return lead


def bridgeable(
    lead: NDArray[np.floating],
    maps: dict[int, NDArray[np.floating]],
    floor: NDArray[np.floating],
    rivals: list[int],
    sure: float,
) -> Mask:
    """Return where a class may be bridged: neither another class nor surely something else."""
    best = np.max([maps[other] for other in rivals], axis=0) if rivals else floor
    return np.asarray((lead > -sure) & (best <= floor))


def by_size(maps: dict[int, NDArray[np.floating]], floor: NDArray[np.floating]) -> list[int]:
    """Return the classes from the one with the most voxels on; ties by number."""
    classes = sorted(maps)
    most_probable = np.argmax([floor, *(maps[number] for number in classes)], axis=0)
    size = np.bincount(most_probable.ravel(), minlength=len(classes) + 1)[1:]
    return [classes[place] for place in np.argsort(-size, kind="stable")]
