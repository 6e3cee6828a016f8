"""Repair: from a probability map, the cheapest mask found that has the Betti numbers wanted.

The one idea: every voxel that is flipped against the threshold costs its distance from it, and the
difference between threshold mask and repaired mask falls into connected edits, each of which a
person can accept or refuse. How the mask is found: `mending.repairing`.
"""

from collections.abc import Collection
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology.betti import BettiNumbers
from napari_toposeg.topology.edits import Repair, list_edits
from napari_toposeg.topology.grid import as_array, foreground_connectivity, require_finite
from napari_toposeg.topology.mending.repairing import repair_mask
from napari_toposeg.topology.mending.task import Task
from napari_toposeg.topology.mending.told import Progress, Told


def repair(
    probability: NDArray[Any],
    wanted: Collection[int],
    *,
    threshold: float = 0.5,
    connectivity: int | None = None,
    progress: Progress | None = None,
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
        If the map is not 2D or 3D, is empty or masked, or holds NaN or infinite values.
    InvalidConfig
        If the wanted numbers, the threshold or the connectivity cannot be.

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
    probability = as_array(probability)
    require_finite(probability)
    threshold = require_threshold(threshold)
    foreground = foreground_connectivity(probability.ndim, connectivity)
    numbers = require_numbers(wanted, probability.ndim)
    may_add = np.ones(probability.shape, np.bool_)
    margin = margin_of(probability, threshold)
    task = Task(margin, may_add, foreground, Told(progress))
    found = solve(task, numbers)
    if progress is not None:
        progress(1.0)
    return found


def margin_of(probability: NDArray[Any], threshold: float) -> NDArray[np.floating]:
    """Return the map less its threshold, in its own precision but at least float32."""
    values = probability.astype(type_of_margin([probability], threshold))
    return np.ascontiguousarray(values - values.dtype.type(threshold))


def type_of_margin(maps: list[NDArray[Any]], threshold: float) -> np.dtype[np.floating]:
    """Return the floating type for these maps, in which the threshold is finite."""
    kinds = (values.dtype if values.dtype.kind == "f" else np.float64 for values in maps)
    kind = np.result_type(np.float32, *kinds)
    return kind if abs(threshold) <= float(np.finfo(kind).max) else np.dtype(np.float64)


def require_threshold(threshold: float) -> float:
    """Return the threshold as a float, or raise InvalidConfig for what is no finite number."""
    try:
        value = float(threshold)
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise InvalidConfig(
            f"threshold {threshold!r} is no finite number; give one on the scale of the map"
        )
    return value


def require_numbers(wanted: Collection[int], ndim: int) -> BettiNumbers:
    """Return the wanted Betti numbers, or raise InvalidConfig for what cannot be."""
    try:
        numbers = [as_count(number) for number in wanted]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if ndim == 2 and len(numbers) == 2:
        numbers.append(0)
    if len(numbers) != 3 or min(numbers) < 0:
        raise InvalidConfig(
            f"wanted {wanted!r} must be three counts (components, loops, cavities) from 0"
            + (", or the first two" if ndim == 2 else "")
            + "; give whole numbers, as in "
            + ("(1, 0)" if ndim == 2 else "(1, 0, 0)")
        )
    b0, b1, b2 = numbers
    if ndim == 2 and b2:
        raise InvalidConfig(f"{b2} cavities are wanted of a 2D map, which can have none; want 0")
    if b0 == 0 and (b1 or b2):
        raise InvalidConfig(
            f"{b1} loops and {b2} cavities are wanted without a component; want at least one"
        )
    return BettiNumbers(b0, b1, b2)


def as_count(number: object) -> int:
    """Return a whole number as an int; a float will do where it is whole."""
    if isinstance(number, float | np.floating) and number.is_integer():
        return int(number)
    return index(number)  # type: ignore[arg-type]


def solve(task: Task, wanted: BettiNumbers) -> Repair:
    """Repair a map and list the edits."""
    mask = repair_mask(task, wanted).copy()
    task.told.enter(1.0)
    return Repair(
        mask=mask,
        betti=task.count(mask),
        wanted=wanted,
        edits=list_edits(task, mask),
        # The map's task outlives its call, the caller's progress does not.
        task=Task(task.margin, task.may_add, task.foreground),
    )
