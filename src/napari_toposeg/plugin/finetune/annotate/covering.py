"""Covering: the slices, across any of the axes, that a painted array is made of.

The one idea: nobody says which slices were painted. They are the fewest that together hold every
painted voxel, found greedily: complete slices first, then always the one that holds most of what is
left. A drawing on one slice touches many slices of the other axes, each of them little. No Qt here.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNLABELLED = 0
Labels = NDArray[np.integer]
Counts = tuple[NDArray[np.intp], ...]


@dataclass(frozen=True, order=True)
class Slice:
    """One slice: the axis that it lies across, 0, 1, 2 for z, y, x, and its index there."""

    axis: int
    index: int


def painted_counts(labels: Labels) -> Counts:
    """Return the number of painted voxels in each slice across z, across y and across x."""
    painted = labels != UNLABELLED
    by_zy = np.count_nonzero(painted, axis=2)
    by_yx = np.count_nonzero(painted, axis=0)
    return by_zy.sum(axis=1), by_zy.sum(axis=0), by_yx.sum(axis=0)


def axis_order(counts: Counts, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes, the one across which a person painted first.

    That is the axis with the largest share of complete slices among the touched ones, then the one
    with the fewest touched: a drawing on one slice touches many slices of the other axes. z wins
    ties.
    """

    def rank(axis: int) -> tuple[float, int]:
        touched = int((counts[axis] > 0).sum())
        whole = int((counts[axis] == math.prod(shape) // shape[axis]).sum())
        return -whole / max(touched, 1), touched

    return tuple(sorted(range(3), key=rank))


def cover(
    labels: Labels, counts: Counts, order: Sequence[int]
) -> Iterator[tuple[Slice, NDArray[np.integer]]]:
    """Yield few slices that together hold every painted voxel, and what each adds to the others.

    Complete slices come first, then always the slice that holds most of what is left.

    Parameters
    ----------
    labels
        Annotation ``(z, y, x)``.
    counts
        Its `painted_counts`.
    order
        Axes, the likeliest first: it wins ties.

    Yields
    ------
    Slice, array
        A slice, and the values of its painted voxels that no slice before it holds.
    """
    left, open_voxels = [count.copy() for count in counts], labels != UNLABELLED
    for axis in order:
        whole = labels.size // labels.shape[axis]
        for index in map(int, np.flatnonzero(counts[axis] == whole)):
            if left[axis][index]:
                yield Slice(axis, index), _take(labels, open_voxels, left, axis, index)
    while max(int(count.max(initial=0)) for count in left):
        axis = max(order, key=lambda a: int(left[a].max()))
        index = int(np.argmax(left[axis]))
        yield Slice(axis, index), _take(labels, open_voxels, left, axis, index)


def _take(
    labels: Labels,
    open_voxels: NDArray[np.bool_],
    left: list[NDArray[np.intp]],
    axis: int,
    index: int,
) -> NDArray[np.integer]:
    """Take a slice out of what is left, and return the values that it held there."""
    plane = np.moveaxis(open_voxels, axis, 0)[index]
    values: NDArray[np.integer] = np.moveaxis(labels, axis, 0)[index][plane]
    first, second = (other for other in range(3) if other != axis)
    left[first] -= np.count_nonzero(plane, axis=1)
    left[second] -= np.count_nonzero(plane, axis=0)
    left[axis][index] = 0
    plane[...] = False
    return values


def count_values(values: NDArray[np.integer]) -> list[tuple[int, int]]:
    """Return each value with its number; bytes are counted, since sorting takes longer."""
    if values.dtype == np.uint8:
        numbers = np.bincount(values, minlength=1)
        return [(int(value), int(numbers[value])) for value in np.flatnonzero(numbers)]
    found, counted = np.unique(values, return_counts=True)
    return list(zip(map(int, found), map(int, counted), strict=True))
