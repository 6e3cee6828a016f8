"""The plain repair that every other has to beat: largest components kept, their cavities filled.

The one idea: it looks at no probability and knows no wanted numbers. What it cannot mend are loops,
components that belong together, and what a class needs several of.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.topology.betti import as_labels, class_boxes
from napari_toposeg.topology.grid import (
    Connectivity,
    Mask,
    background_connectivity,
    foreground_connectivity,
    neighbourhood,
)

BACKGROUND = 0


def largest_and_filled(
    labels: NDArray[Any], *, connectivity: int | None = None
) -> NDArray[np.integer[Any]]:
    """Keep the largest component of each class and fill its cavities.

    Parameters
    ----------
    labels
        ``(y, x)`` or ``(z, y, x)`` of whole numbers, 0 the background.
    connectivity
        Of each class: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D. The rest takes the other.

    Returns
    -------
    ndarray
        A new label map. Of components equally large the first in scan order is kept; the others
        become background. A cavity (in 2D a hole) is filled with its class only where it is
        background: no voxel is taken from another class. What several classes enclose goes to the
        one whose hull, the class with its cavities, is smallest; to the lower number where these
        tie.

    Raises
    ------
    InvalidVolume
        If the array is not 2D or 3D, is empty, or holds other than whole numbers.
    InvalidConfig
        If the connectivity does not fit the number of axes.

    Examples
    --------
    >>> largest_and_filled(np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 2]]))
    array([[1, 1, 1, 0],
           [1, 1, 1, 0],
           [1, 1, 1, 0],
           [0, 0, 0, 2]])
    >>> largest_and_filled(np.array([[1, 1, 0, 1, 0, 2]]))
    array([[1, 1, 0, 0, 0, 2]])
    """
    labels = as_labels(labels)
    foreground = foreground_connectivity(labels.ndim, connectivity)
    kept = np.zeros_like(labels)
    hulls: list[tuple[int, int, tuple[slice, ...], Mask]] = []
    for number, box in class_boxes(labels).items():
        if number != BACKGROUND:
            component = largest_component(labels[box] == number, foreground)
            hull = with_cavities(component, foreground)
            kept[box][component] = number
            hulls.append((int(np.count_nonzero(hull)), number, box, hull))
    for _, number, box, hull in sorted(hulls, key=lambda each: each[:2]):
        kept[box][hull & (kept[box] == BACKGROUND)] = number
    return kept


def largest_component(mask: Mask, connectivity: Connectivity) -> Mask:
    """Return the component of most voxels; of several the first in scan order."""
    parts, count = ndimage.label(mask, neighbourhood(connectivity))
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == sizes.argmax())


def with_cavities(mask: Mask, connectivity: Connectivity) -> Mask:
    """Return the mask with all that no path of the background leads out of."""
    outside = np.pad(~mask, 1, constant_values=True)
    parts, _ = ndimage.label(outside, neighbourhood(background_connectivity(connectivity)))
    inner = (slice(1, -1),) * mask.ndim
    return np.asarray(parts[inner] != parts.flat[0])
