"""Betti numbers and Euler characteristic of a mask, without persistence.

The one idea: components and cavities are counted by joining runs of foreground and background,
cells by logical operations on packed rows, and the loops follow from Euler: b1 = b0 + b2 - chi.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.topology.grid import as_array, as_mask, foreground_connectivity
from napari_toposeg.topology.masks.bits import pack
from napari_toposeg.topology.masks.counting import count_cells, count_components

# Label maps with larger values are renumbered before their classes are boxed.
LARGEST_LABEL = 2**16
"""Label maps of larger numbers are numbered anew before their boxes are looked up in a list."""

LARGEST_EXACT = 2**53
"""Floats beyond skip whole numbers."""


class BettiNumbers(NamedTuple):
    """Numbers of components, loops (tunnels) and cavities; b2 is 0 in 2D."""

    b0: int
    b1: int
    b2: int


def betti_numbers(mask: NDArray[Any], *, connectivity: int | None = None) -> BettiNumbers:
    """Count components, loops and cavities of a mask.

    Parameters
    ----------
    mask
        ``(y, x)`` or ``(z, y, x)``; all that is not 0 is foreground. Outside is background.
    connectivity
        Of the foreground: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D. The background takes the
        other one.

    Raises
    ------
    InvalidVolume
        If the array is not 2D or 3D, is empty, or holds NaN.
    InvalidConfig
        If the connectivity does not fit the number of axes.

    Notes
    -----
    Safe to call from several threads at once; the compiled code holds no interpreter lock.

    Examples
    --------
    >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> betti_numbers(ring)
    BettiNumbers(b0=1, b1=1, b2=0)
    """
    mask = as_mask(mask)
    wide = foreground_connectivity(mask.ndim, connectivity) in (8, 26)
    words = pack(mask)
    components, enclosed = count_components(words, wide)
    if mask.ndim == 2:
        return BettiNumbers(components, enclosed, 0)
    loops = components + enclosed - count_cells(words, wide)
    return BettiNumbers(components, loops, enclosed)


def euler_characteristic(mask: NDArray[Any], *, connectivity: int | None = None) -> int:
    """Return chi = b0 - b1 + b2 of a mask, a sum over cells; arguments as for `betti_numbers`."""
    mask = as_mask(mask)
    wide = foreground_connectivity(mask.ndim, connectivity) in (8, 26)
    return count_cells(pack(mask), wide)


def betti_numbers_by_class(
    labels: NDArray[Any],
    *,
    classes: Collection[int] | None = None,
    connectivity: int | None = None,
) -> dict[int, BettiNumbers]:
    """Count components, loops and cavities of each class of a label map, against all the rest.

    Parameters
    ----------
    labels
        ``(y, x)`` or ``(z, y, x)`` of whole numbers.
    classes
        Values to count, absent ones as (0, 0, 0); by default all that occur but 0.
    connectivity
        Of each class: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D. The rest takes the other.

    Raises
    ------
    InvalidVolume
        If the array is not 2D or 3D, is empty, or holds other than whole numbers.
    InvalidConfig
        If the connectivity does not fit the number of axes.

    Examples
    --------
    >>> betti_numbers_by_class(np.array([[1, 1, 1], [1, 2, 1], [1, 1, 1]]))
    {1: BettiNumbers(b0=1, b1=1, b2=0), 2: BettiNumbers(b0=1, b1=0, b2=0)}
    """
    labels = as_labels(labels)
    foreground_connectivity(labels.ndim, connectivity)
    boxes = class_boxes(labels)
    wanted = sorted(boxes.keys() - {0}) if classes is None else classes
    return {
        number: betti_numbers(labels[boxes[number]] == number, connectivity=connectivity)
        if number in boxes
        else BettiNumbers(0, 0, 0)
        for number in wanted
    }


def as_labels(array: NDArray[Any]) -> NDArray[Any]:
    """Return a label map as integers.

    Raises
    ------
    InvalidVolume
        If the array is not 2D or 3D, is empty, or holds other than whole numbers.
    """
    array = as_array(array)
    if array.dtype.kind == "f":
        whole = np.abs(array) <= LARGEST_EXACT
        whole &= array == np.rint(array)
        if not whole.all():
            raise InvalidVolume(
                f"a label map holds whole numbers of at most 2^53, got {array[~whole][0]}; "
                "threshold or round it first"
            )
        return array.astype(np.int64)
    return array.view(np.uint8) if array.dtype.kind == "b" else array


def class_boxes(labels: NDArray[Any]) -> dict[int, tuple[slice, ...]]:
    """Return the smallest box of each value that occurs in a label map of integers.

    That of 0, which is seldom asked for, is the whole map.
    """
    least, greatest = int(labels.min()), int(labels.max())
    if least < 0 or greatest > LARGEST_LABEL:
        values = np.unique(labels)
        numbered = np.searchsorted(values, labels) + 1
    else:
        values = np.arange(1, greatest + 1)
        numbered = labels
    found = ndimage.find_objects(numbered)
    boxes = {int(value): box for value, box in zip(values, found, strict=True) if box}
    if (labels == 0).any():
        boxes[0] = (slice(None),) * labels.ndim
    return boxes
