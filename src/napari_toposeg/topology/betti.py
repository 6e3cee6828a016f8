"""Betti numbers and Euler characteristic of a mask, without persistence.

The one idea: components and cavities are counted by labelling foreground and background, cells by
logical operations on shifted copies, and the loops follow from Euler: b1 = b0 + b2 - chi.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.topology.grid import (
    Connectivity,
    Mask,
    as_mask,
    background_connectivity,
    extent,
    foreground_connectivity,
    neighbourhood,
)


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

    Examples
    --------
    >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> betti_numbers(ring)
    BettiNumbers(b0=1, b1=1, b2=0)
    """
    mask = as_mask(mask)
    foreground = foreground_connectivity(mask.ndim, connectivity)
    mask = np.pad(mask[extent(mask)], 1)
    components = count_components(mask, foreground)
    enclosed = count_components(~mask, background_connectivity(foreground)) - 1
    if mask.ndim == 2:
        return BettiNumbers(components, enclosed, 0)
    loops = components + enclosed - count_cells(mask, foreground)
    return BettiNumbers(components, loops, enclosed)


def euler_characteristic(mask: NDArray[Any], *, connectivity: int | None = None) -> int:
    """Return chi = b0 - b1 + b2 of a mask, a sum over cells; arguments as for `betti_numbers`."""
    mask = as_mask(mask)
    foreground = foreground_connectivity(mask.ndim, connectivity)
    return count_cells(np.pad(mask, 1), foreground)


def count_components(mask: Mask, connectivity: Connectivity) -> int:
    """Return the number of connected components."""
    return int(ndimage.label(mask, neighbourhood(connectivity))[1])


def count_cells(padded: Mask, connectivity: Connectivity) -> int:
    """Return the alternating sum over the cells of a mask that has a margin of background.

    Voxels as vertices (6, 4): a cell is a group of 2^k neighbours that are *all* foreground.
    Voxels as top cells (26, 8): a cell is one that *any* of its 2^k voxels brings along.
    """
    if connectivity in (8, 26):
        sign = 1 if padded.ndim == 2 else -1
        return sign * alternate(padded, np.logical_or)
    return alternate(padded, np.logical_and)


def alternate(cells: Mask, join: np.ufunc, axis: int = 0) -> int:
    """Return the number of cells, less those joined along one axis, plus those along two, ..."""
    if axis == cells.ndim:
        return int(np.count_nonzero(cells))
    every = (slice(None),) * axis
    joined = join(cells[(*every, slice(1, None))], cells[(*every, slice(None, -1))])
    return alternate(cells, join, axis + 1) - alternate(joined, join, axis + 1)
