"""All metrics of one case: a predicted label map against the true one, class by class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume, ShapeMismatch
from napari_toposeg.metrics.overlap import cldice, dice
from napari_toposeg.metrics.surface import percentile95, share_within, surface_distances
from napari_toposeg.metrics.topological import betti_errors
from napari_toposeg.topology.grid import Mask, extent
from napari_toposeg.volume import Spacing, Volume

METRICS = (
    "dice",
    "hausdorff95",
    "surface_dice",
    "cldice",
    "betti_error_0",
    "betti_error_1",
    "betti_error_2",
    "betti_exact",
)
"""Names of the metrics, in order; ``betti_exact`` is 1 where all three Betti numbers agree."""

TOLERANCE = 1.0
"""Default tolerance of the surface Dice, in mm."""


def measure_case(
    prediction: Volume,
    truth: Volume,
    classes: Sequence[str] | None = None,
    *,
    tolerance: float = TOLERANCE,
) -> dict[str, dict[str, float]]:
    """Measure a predicted label map against the true one.

    Parameters
    ----------
    prediction, truth
        Label maps on one grid, 0 background.
    classes
        Names of the labels 1, 2, ...; each of them is then measured. By default the labels that
        occur in one of the two maps, named by their number.
    tolerance
        Of the surface Dice, in mm.

    Returns
    -------
    dict
        Class name -> metric (one of `METRICS`) -> value. ``hausdorff95`` is in mm, ``inf`` where
        one of the two masks is empty. Betti numbers are those of a 26-connected foreground.

    Raises
    ------
    ShapeMismatch
        If the two do not share a grid.
    InvalidVolume
        If voxels are not whole numbers from 0.
    """
    require_same_grid(prediction, truth)
    found, true = as_labels(prediction), as_labels(truth)
    return {
        name: measure_class(found == label, true == label, truth.spacing, tolerance)
        for label, name in named_labels(found, true, classes).items()
    }


def named_labels(
    found: NDArray[Any], true: NDArray[Any], classes: Sequence[str] | None
) -> Mapping[int, str]:
    """Return label -> name of the classes to measure."""
    if classes is not None:
        return dict(enumerate(classes, start=1))
    present = np.union1d(np.unique(found), np.unique(true))
    return {int(label): str(label) for label in present if label != 0}


def measure_class(
    prediction: Mask, truth: Mask, spacing: Spacing, tolerance: float
) -> dict[str, float]:
    """Return every metric of one class."""
    box = extent(prediction | truth)
    prediction, truth = prediction[box], truth[box]
    distances = surface_distances(prediction, truth, spacing)
    errors = betti_errors(prediction, truth)
    return {
        "dice": dice(prediction, truth),
        "hausdorff95": percentile95(distances),
        "surface_dice": share_within(distances, tolerance),
        "cldice": cldice(prediction, truth),
        "betti_error_0": float(errors[0]),
        "betti_error_1": float(errors[1]),
        "betti_error_2": float(errors[2]),
        "betti_exact": float(errors == (0, 0, 0)),
    }


def as_labels(volume: Volume) -> NDArray[np.int64]:
    """Return the voxels as whole numbers, or raise InvalidVolume."""
    voxels = np.asarray(volume.voxels)
    if not np.isfinite(voxels).all() or (voxels < 0).any() or (voxels != np.rint(voxels)).any():
        raise InvalidVolume(
            f"{volume.name} is no label map: it holds voxels that are not whole numbers from 0; "
            "give label maps, not images or probabilities"
        )
    return voxels.astype(np.int64)


def require_same_grid(prediction: Volume, truth: Volume) -> None:
    """Raise ShapeMismatch unless both have one shape, and corners less than 1/50 voxel apart."""
    if prediction.shape != truth.shape:
        raise ShapeMismatch(
            f"prediction {prediction.name} has {prediction.shape} voxels and truth {truth.name} "
            f"{truth.shape}; resample the prediction to the truth's grid first"
        )
    ends = [(0, n - 1) for n in reversed(truth.shape)]
    corners = np.stack([*np.meshgrid(*ends), np.ones((2, 2, 2))]).reshape(4, -1)
    apart = np.linalg.norm(((prediction.affine - truth.affine) @ corners)[:3], axis=0).max()
    if apart > min(truth.spacing) / 50:
        raise ShapeMismatch(
            f"prediction {prediction.name} and truth {truth.name} lie up to {apart:.3g} mm "
            "apart, on different grids; resample the prediction to the truth's grid first"
        )
