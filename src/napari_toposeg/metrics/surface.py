"""Distances between the surfaces of two masks, in mm.

The one idea: a surface is the set of foreground voxels with a face towards the background (outside
of the array is background); everything else follows from each one's distance to the nearest of
the other surface. These are the conventions of MONAI's metrics.

Empty masks: two empty ones agree (distance 0, share 1); if one is empty, the distance is infinite
and the share 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, spatial

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.metrics.overlap import as_masks
from napari_toposeg.topology.grid import Mask

Distances = tuple[NDArray[np.float64], NDArray[np.float64]]


def hausdorff95(prediction: NDArray[Any], truth: NDArray[Any], spacing: Sequence[float]) -> float:
    """Return the 95th percentile of the Hausdorff distance, in mm.

    Parameters
    ----------
    prediction, truth
        Masks ``(y, x)`` or ``(z, y, x)`` of equal shape.
    spacing
        Voxel size in mm, in the same axis order.

    Returns
    -------
    float
        The larger of both directions' 95th percentiles; 0 if both masks are empty, ``inf`` if one
        is.

    Raises
    ------
    ShapeMismatch
        If the masks differ in shape.
    InvalidConfig
        If the spacing does not fit.
    """
    return percentile95(surface_distances(prediction, truth, spacing))


def surface_dice(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    spacing: Sequence[float],
    tolerance: float,
) -> float:
    """Return the share of both surfaces that lies within a tolerance of the other.

    Parameters
    ----------
    prediction, truth
        Masks ``(y, x)`` or ``(z, y, x)`` of equal shape.
    spacing
        Voxel size in mm, in the same axis order.
    tolerance
        Largest accepted distance, in mm.

    Returns
    -------
    float
        In 0..1; 1 if both masks are empty, 0 if one is.

    Raises
    ------
    ShapeMismatch
        If the masks differ in shape.
    InvalidConfig
        If the spacing does not fit or the tolerance is negative.

    References
    ----------
    Nikolov et al. 2021, doi:10.2196/26151; surface voxels count alike, as in MONAI.
    """
    if not tolerance >= 0:
        raise InvalidConfig(f"tolerance {tolerance} mm must not be negative")
    return share_within(surface_distances(prediction, truth, spacing), tolerance)


def surface_distances(
    prediction: NDArray[Any], truth: NDArray[Any], spacing: Sequence[float]
) -> Distances:
    """Return the distance of each surface voxel of one mask to the other's surface, both ways.

    In mm; ``inf`` where the other mask is empty.
    """
    prediction, truth = as_masks(prediction, truth)
    if len(spacing) != truth.ndim or not all(0 < step < np.inf for step in spacing):
        raise InvalidConfig(
            f"spacing {tuple(spacing)} must be {truth.ndim} lengths in mm above 0, one an axis"
        )
    a, b = (np.argwhere(surface(mask)) * np.asarray(spacing) for mask in (prediction, truth))
    return nearest(a, b), nearest(b, a)


def surface(mask: Mask) -> Mask:
    """Return the foreground voxels that have a face towards the background."""
    return np.asarray(mask & ~ndimage.binary_erosion(mask))


def nearest(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each point to the nearest of the others."""
    if not len(others):
        return np.full(len(points), np.inf)
    return np.asarray(spatial.KDTree(others).query(points)[0], np.float64)


def percentile95(distances: Distances) -> float:
    """Return the larger 95th percentile of both directions; see `hausdorff95`."""
    if not any(map(len, distances)):
        return 0.0
    if not all(map(len, distances)):
        return np.inf
    return float(max(np.percentile(each, 95) for each in distances))


def share_within(distances: Distances, tolerance: float) -> float:
    """Return the share of distances of both directions within a tolerance; see `surface_dice`."""
    both = np.concatenate(distances)
    return float(np.mean(both <= tolerance)) if len(both) else 1.0
