"""Wrong regions of a planar mask that matter to its topology, by their neighbours alone.

The one idea: lay prediction over truth, and the plane falls into regions of four categories. A
wrong region that touches exactly one region of right background and exactly one part of the
foreground can be shrunk away; every other one joins, parts, makes or fills something. In the plane
that is all there is to see, in space it is not: a loop is not seen by neighbours (`find_defects`).

References
----------
Lux et al. 2025 (Topograph), arXiv 2411.03228.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.topology.grid import as_mask, require_same_shape
from napari_toposeg.topology.masks.runs import FALSE_NEGATIVE, FALSE_POSITIVE, Indices, root, unite

Categories = NDArray[np.uint8]

TRUE_NEGATIVE = 0
TRUE_POSITIVE = 3
NONE, SEVERAL = -1, -2


def critical_regions(prediction: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.int32]:
    """Label the critical regions of a planar prediction, as Topograph defines them.

    Parameters
    ----------
    prediction, truth
        Masks ``(y, x)`` of equal shape, the foreground 8-connected, background outside.

    Returns
    -------
    int32, the shape of the masks: 1, 2, ... on critical regions in scan order, 0 elsewhere.

    Raises
    ------
    ShapeMismatch
        If the masks differ in shape.
    InvalidVolume
        If they are not 2D, are empty, or hold NaN.

    Notes
    -----
    A false positive is regular if it touches one region of true negatives and one part of the
    *truth's* foreground; a false negative, one region of true negatives and one part of the
    *prediction's* foreground. All others are critical. Regions that share a corner only touch if
    one of them is right foreground, or if the other two voxels at that corner are right background;
    so the map of regions stays planar.

    Examples
    --------
    >>> critical_regions(np.array([[1, 0, 1, 1]]), np.array([[1, 1, 1, 0]]))
    array([[0, 1, 0, 0]], dtype=int32)
    """
    prediction, truth = as_mask(prediction), as_mask(truth)
    require_same_shape(prediction, truth)
    if prediction.ndim != 2:
        raise InvalidVolume(
            f"regions tell of topology in the plane only, got shape {prediction.shape}; "
            "use find_defects in 3D"
        )
    # The last column only spares a check: each voxel then has one above and to the right.
    category = np.pad(2 * prediction.view(np.uint8) + truth.view(np.uint8), ((1, 1), (1, 2)))
    region, predicted, true = (np.arange(category.size) for _ in range(3))
    outside = np.pad(np.zeros_like(prediction), ((1, 1), (1, 2)), constant_values=True)
    region[outside.ravel()] = 0
    join_regions(category, region, predicted, true)
    background, foreground = np.full((2, category.size), NONE, np.int64)
    find_neighbours(category, region, predicted, true, background, foreground)
    label = np.zeros(category.size, np.int32)
    number_critical(category, region, background, foreground, label)
    return np.ascontiguousarray(label.reshape(category.shape)[1:-1, 1:-2])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def contact(category: Categories, y: int, x: int, number: int) -> tuple[int, int, int]:
    """Return one of four earlier voxels around (y, x), and how the two touch.

    0: not at all, 1: only their foregrounds do, 2: their regions do.
    """
    if number == 0:
        return y, x - 1, 2
    if number == 1:
        return y - 1, x, 2
    beside = x - 1 if number == 2 else x + 1
    a, b = category[y, x], category[y - 1, beside]
    c, d = category[y, beside], category[y - 1, x]
    if a == TRUE_NEGATIVE or b == TRUE_NEGATIVE:
        return y - 1, beside, 0
    if a == TRUE_POSITIVE or b == TRUE_POSITIVE or c == d == TRUE_NEGATIVE:
        return y - 1, beside, 2
    one_is_background = c == TRUE_NEGATIVE or d == TRUE_NEGATIVE
    return y - 1, beside, int(a == b and one_is_background)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join_regions(category: Categories, region: Indices, predicted: Indices, true: Indices) -> None:
    """Join voxels to regions of one category, and to the parts of the two foregrounds."""
    height, width = category.shape
    for y in range(1, height):
        for x in range(1, width - 1):
            for number in range(4):
                v, u, touch = contact(category, y, x, number)
                a, b = category[y, x], category[v, u]
                here, there = y * width + x, v * width + u
                if touch == 2 and a == b:
                    unite(region, here, there)
                if touch and a >= FALSE_POSITIVE and b >= FALSE_POSITIVE:
                    unite(predicted, here, there)
                if touch and a & FALSE_NEGATIVE and b & FALSE_NEGATIVE:
                    unite(true, here, there)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_neighbours(
    category: Categories,
    region: Indices,
    predicted: Indices,
    true: Indices,
    background: Indices,
    foreground: Indices,
) -> None:
    """Write the only neighbour of each wrong region on either side, or that there are several."""
    height, width = category.shape
    for y in range(1, height):
        for x in range(1, width - 1):
            for number in range(4):
                v, u, touch = contact(category, y, x, number)
                a, b = category[y, x], category[v, u]
                if touch < 2 or a == b:
                    continue
                here, there = y * width + x, v * width + u
                for wrong, kind, other, met in ((here, a, there, b), (there, b, here, a)):
                    if kind in (TRUE_NEGATIVE, TRUE_POSITIVE):
                        continue
                    own = root(region, wrong)
                    if met == TRUE_NEGATIVE:
                        note(background, own, root(region, other))
                    else:
                        parts = true if kind == FALSE_POSITIVE else predicted
                        note(foreground, own, root(parts, other))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def note(only: Indices, region: int, neighbour: int) -> None:
    """Keep a region's neighbour as its only one, or that it is not the only one."""
    if only[region] == NONE:
        only[region] = neighbour
    elif only[region] != neighbour:
        only[region] = SEVERAL


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def number_critical(
    category: Categories,
    region: Indices,
    background: Indices,
    foreground: Indices,
    label: NDArray[np.int32],
) -> None:
    """Give numbers to the wrong regions that lack an only neighbour on either side."""
    width, numbers = category.shape[1], 0
    for voxel in range(category.size):
        kind = category[voxel // width, voxel % width]
        if kind in (TRUE_NEGATIVE, TRUE_POSITIVE):
            continue
        # The representative is the region's first voxel, so it has its number already.
        own = root(region, voxel)
        if background[own] >= 0 and foreground[own] >= 0:
            continue
        if own == voxel:
            numbers += 1
            label[voxel] = numbers
        else:
            label[voxel] = label[own]
