"""All metrics of one case: a predicted label map against the true one, class by class."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import PARTS
from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch
from napari_toposeg.metrics.catalogue import metrics_of
from napari_toposeg.metrics.overlap import cldice, dice
from napari_toposeg.metrics.surface import (
    average,
    percentile95,
    require_tolerance,
    share_within,
    surface_distances,
)
from napari_toposeg.metrics.topological import (
    all_exact,
    betti_errors,
    betti_matching_error,
    defect_counts,
)
from napari_toposeg.topology.betti import class_boxes
from napari_toposeg.topology.defects import around_both
from napari_toposeg.topology.grid import Mask
from napari_toposeg.volume import Spacing, Volume, corner_distance

NOWHERE = (slice(0, 1),) * 3
"""Box of a class that is in neither map."""

TOLERANCE = 1.0
"""Default tolerance of the surface Dice, in mm."""


def measure_case(
    prediction: Volume,
    truth: Volume,
    classes: Sequence[str] | None = None,
    *,
    tolerance: float = TOLERANCE,
    parts: Collection[str] = PARTS,
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
    parts
        What to measure, of `PARTS`; by default everything.

    Returns
    -------
    dict
        Class name -> metric (one of `METRICS`) -> value. Distances are in mm, ``inf`` where one of
        the two masks is empty. Betti numbers, matching and defects are those of a 26-connected
        foreground.

    Raises
    ------
    ShapeMismatch
        If the two do not share a grid.
    InvalidVolume
        If voxels are not whole numbers from 0.
    InvalidConfig
        If a part is unknown, a class named twice or the tolerance negative.
    """
    require_same_grid(prediction, truth)
    require_tolerance(tolerance)
    wanted = [metric.name for metric in metrics_of(parts)]
    found, true = as_labels(prediction), as_labels(truth)
    boxes = class_boxes(found), class_boxes(true)
    measured = {}
    for label, name in named_labels(boxes, classes).items():
        found_in = [each[label] for each in boxes if label in each]
        box = around_both(*found_in) if found_in else NOWHERE
        masks = found[box] == label, true[box] == label
        values = measure_class(*masks, truth.spacing, tolerance, parts)
        measured[name] = {metric: values[metric] for metric in wanted}
    return measured


def measure_absent(tolerance: float, parts: Collection[str]) -> dict[str, float]:
    """Return the metrics of a class that is in neither map of a case: of two empty masks."""
    empty = np.zeros((1, 1, 1), bool)
    values = measure_class(empty, empty, (1.0, 1.0, 1.0), tolerance, parts)
    return {metric.name: values[metric.name] for metric in metrics_of(parts)}


def measure_exactness(
    prediction: Volume, truth: Volume, classes: Sequence[str] | None = None
) -> float:
    """Return 1 if all Betti numbers of every class and of their union are the truth's, else 0.

    Parameters and errors are those of `measure_case`.
    """
    require_same_grid(prediction, truth)
    found, true = as_labels(prediction), as_labels(truth)
    labels = named_labels((class_boxes(found), class_boxes(true)), classes)
    return float(all_exact(found, true, list(labels)))


def named_labels(
    present: Sequence[Collection[int]], classes: Sequence[str] | None
) -> Mapping[int, str]:
    """Return label -> name of the classes to measure, by default of all labels present."""
    if classes is not None:
        require_distinct_classes(classes)
        return dict(enumerate(classes, start=1))
    return {label: str(label) for label in sorted(set().union(*present) - {0})}


def require_distinct_classes(classes: Sequence[str]) -> None:
    """Raise InvalidConfig if a class is named twice."""
    if twice := [name for name in dict.fromkeys(classes) if list(classes).count(name) > 1]:
        raise InvalidConfig(
            f"classes are named twice ({', '.join(twice)}); give each of the labels 1, 2, ... a "
            "name of its own"
        )


def measure_class(
    prediction: Mask, truth: Mask, spacing: Spacing, tolerance: float, parts: Collection[str]
) -> dict[str, float]:
    """Return the metrics of one class that some parts make."""
    values: dict[str, float] = {}
    for part in parts:
        match part:
            case "dice":
                values["dice"] = dice(prediction, truth)
            case "surface":
                values |= measure_surfaces(prediction, truth, spacing, tolerance)
            case "cldice":
                values["cldice"] = cldice(prediction, truth)
            case "betti":
                errors = betti_errors(prediction, truth)
                values |= {f"betti_error_{k}": float(error) for k, error in enumerate(errors)}
                values["betti_exact"] = float(errors == (0, 0, 0))
            case "matching":
                values["betti_matching_error"] = float(betti_matching_error(prediction, truth))
            case "defects":
                counts = defect_counts(prediction, truth)
                values |= {f"defects_{kind}": float(count) for kind, count in counts.items()}
    return values


def measure_surfaces(
    prediction: Mask, truth: Mask, spacing: Spacing, tolerance: float
) -> dict[str, float]:
    """Return the metrics of surfaces, from one search for the nearest voxels."""
    distances = surface_distances(prediction, truth, spacing)
    return {
        "hausdorff95": percentile95(distances),
        "assd": average(distances),
        "surface_dice": share_within(distances, tolerance),
    }


def as_labels(volume: Volume) -> NDArray[Any]:
    """Return the voxels as integers, or raise InvalidVolume."""
    voxels = np.asarray(volume.voxels)
    if voxels.dtype.kind == "f":
        whole = np.isfinite(voxels).all() and (voxels == np.rint(voxels)).all()
    else:
        whole = True
    if not whole or voxels.min() < 0:
        raise InvalidVolume(
            f"{volume.name} is no label map: it holds voxels that are not whole numbers from 0; "
            "give label maps, not images or probabilities"
        )
    match voxels.dtype.kind:
        case "f":
            return voxels.astype(np.int64)
        case "b":
            return voxels.view(np.uint8)
    return voxels


def require_same_grid(prediction: Volume, truth: Volume) -> None:
    """Raise ShapeMismatch unless both have one shape, and corners less than 1/50 voxel apart."""
    if prediction.shape != truth.shape:
        raise ShapeMismatch(
            f"prediction {prediction.name} has {prediction.shape} voxels and truth {truth.name} "
            f"{truth.shape}; resample the prediction to the truth's grid first"
        )
    apart = corner_distance(prediction, truth)
    if apart > min(truth.spacing) / 50:
        raise ShapeMismatch(
            f"prediction {prediction.name} and truth {truth.name} lie up to {apart:.3g} mm "
            "apart, on different grids; resample the prediction to the truth's grid first"
        )
