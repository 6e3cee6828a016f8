"""Distances between the surfaces of two masks, in mm.

The one idea: a surface is the set of foreground voxels with a face towards the background (outside
of the array is background); everything else follows from each one's distance to the nearest of
the other surface. These are the conventions of MONAI's metrics.

References
----------
Maier-Hein et al. 2024, doi:10.1038/s41592-023-02151-z (which distance for what). Heimann et al.
2009, doi:10.1109/TMI.2009.2013851 (average symmetric surface distance). Nikolov et al. 2021,
doi:10.2196/26151 (surface Dice).

Empty masks: two empty ones agree (distance 0, share 1); if one is empty, the distance is infinite
and the share 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import spatial

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


def assd(prediction: NDArray[Any], truth: NDArray[Any], spacing: Sequence[float]) -> float:
    """Return the average symmetric surface distance, in mm.

    Parameters
    ----------
    prediction, truth
        Masks ``(y, x)`` or ``(z, y, x)`` of equal shape.
    spacing
        Voxel size in mm, in the same axis order.

    Returns
    -------
    float
        The mean over the surface voxels of both masks together; 0 if both masks are empty, ``inf``
        if one is.

    Raises
    ------
    ShapeMismatch
        If the masks differ in shape.
    InvalidConfig
        If the spacing does not fit.
    """
    return average(surface_distances(prediction, truth, spacing))


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
    require_tolerance(tolerance)
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
    a, b = surface(prediction), surface(truth)
    return nearest(a, b, spacing), nearest(b, a, spacing)


def surface(mask: Mask) -> Mask:
    """Return the foreground voxels that have a face towards the background."""
    padded = np.pad(mask, 1)
    inner = mask.copy()
    for axis in range(mask.ndim):
        for step in (slice(None, -2), slice(2, None)):
            beside = [slice(1, -1)] * mask.ndim
            beside[axis] = step
            inner &= padded[tuple(beside)]
    return np.asarray(mask & ~inner)


def nearest(here: Mask, there: Mask, spacing: Sequence[float]) -> NDArray[np.float64]:
    """Return the distance in mm of each voxel of a mask to the nearest of another, in scan order.

    Those in both, most of them in a good segmentation, need no search.
    """
    if not there.any():
        return np.full(np.count_nonzero(here), np.inf)
    distances = np.zeros(np.count_nonzero(here))
    apart = ~there[here]
    # A balanced tree takes longer to build than it saves: each is asked about as often as it is
    # large.
    tree = spatial.KDTree(np.argwhere(there) * np.asarray(spacing), balanced_tree=False)
    distances[apart] = tree.query(np.argwhere(here & ~there) * np.asarray(spacing))[0]
    return distances


def percentile95(distances: Distances) -> float:
    """Return the larger 95th percentile of both directions; see `hausdorff95`."""
    if not any(map(len, distances)):
        return 0.0
    if not all(map(len, distances)):
        return np.inf
    return float(max(np.percentile(each, 95) for each in distances))


def average(distances: Distances) -> float:
    """Return the mean over both directions together; see `assd`."""
    both = np.concatenate(distances)
    return float(both.mean()) if len(both) else 0.0


def share_within(distances: Distances, tolerance: float) -> float:
    """Return the share of distances of both directions within a tolerance; see `surface_dice`."""
    both = np.concatenate(distances)
    return float(np.mean(both <= tolerance)) if len(both) else 1.0


def require_tolerance(tolerance: float) -> None:
    """Raise InvalidConfig for a tolerance that is negative or no number."""
    if not tolerance >= 0:
        raise InvalidConfig(f"tolerance {tolerance} mm must not be negative")
