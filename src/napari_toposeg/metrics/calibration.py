"""Calibration: whether voxels of probability p are of the class in a share p of all cases.

The one idea: voxels are counted in bins of probability, and the counts add up over cases, so that
every figure here is one of a table that a person can read too.

Bins are of equal width, closed below, open above, the last one closed. Voxels far from a structure
are right with certainty and many: figures of whole volumes flatter, so those of voxels near the
truth are given beside them.

References
----------
Guo et al. 2017, arXiv:1706.04599 (expected calibration error). Brier 1950,
doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2. Mehrtash et al. 2020,
doi:10.1109/TMI.2020.3006437 (of segmentations).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch
from napari_toposeg.topology.grid import Mask
from napari_toposeg.volume import Spacing

BINS = 15
NEAR = 10.0
"""How far from the true foreground, along each axis, voxels still count as near, in mm."""

FOREGROUND, MOST_PROBABLE = "foreground", "most probable class"


@dataclass(frozen=True, eq=False)
class Reliability:
    """Voxels counted in bins of probability.

    Parameters
    ----------
    voxels, true
        ``(bins,)`` how many voxels each bin has, and how many of them are of the class.
    probability
        ``(bins,)`` sums of the voxels' probabilities.
    squared
        Sum over all voxels of (probability - truth)^2.
    """

    voxels: NDArray[np.int64]
    true: NDArray[np.int64]
    probability: NDArray[np.float64]
    squared: float

    def __add__(self, other: "Reliability") -> "Reliability":
        """Count the voxels of both."""
        return Reliability(
            self.voxels + other.voxels,
            self.true + other.true,
            self.probability + other.probability,
            self.squared + other.squared,
        )

    @property
    def expected_calibration_error(self) -> float:
        """Mean over voxels of how far a bin's mean probability is from its share of the class."""
        if not (total := int(self.voxels.sum())):
            return np.nan
        return float(np.abs(self.probability - self.true).sum() / total)

    @property
    def brier(self) -> float:
        """Mean squared difference of probability and truth, 0 (certain and right) to 1."""
        total = int(self.voxels.sum())
        return self.squared / total if total else np.nan

    def rows(self) -> list[tuple[float, float, int, float, float]]:
        """Return the bins that hold voxels: edges, voxels, mean probability, share of the class."""
        edges = np.linspace(0, 1, len(self.voxels) + 1)
        return [
            (float(low), float(high), int(voxels), float(total / voxels), float(true / voxels))
            for low, high, voxels, total, true in zip(
                edges[:-1], edges[1:], self.voxels, self.probability, self.true, strict=True
            )
            if voxels
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and the bins as plain data."""
        names = ("low", "high", "voxels", "mean_probability", "share")
        return {
            "expected_calibration_error": self.expected_calibration_error,
            "brier": self.brier,
            "voxels": int(self.voxels.sum()),
            "bins": [dict(zip(names, row, strict=True)) for row in self.rows()],
        }


def reliability(probability: NDArray[Any], truth: NDArray[Any], *, bins: int = BINS) -> Reliability:
    """Count voxels by their probability of being of a class.

    Parameters
    ----------
    probability
        Of any shape, in 0..1.
    truth
        Of the same shape: whether a voxel is of the class.
    bins
        How many, of equal width.

    Raises
    ------
    ShapeMismatch
        If the shapes differ.
    InvalidVolume
        If a probability is not in 0..1.
    InvalidConfig
        If there is no bin.
    """
    values, is_true = np.asarray(probability), np.asarray(truth).astype(bool)
    if values.shape != is_true.shape:
        raise ShapeMismatch(
            f"probability {values.shape} and truth {is_true.shape} differ; "
            "resample the probability to the truth's grid first"
        )
    if bins < 1:
        raise InvalidConfig(f"bins must be 1 or more, got {bins}")
    if not ((values >= 0) & (values <= 1)).all():
        raise InvalidVolume("probabilities must lie in 0..1; give the softmax, not the logits")
    values = values.astype(np.float64).ravel()
    is_true = is_true.ravel()
    place = np.minimum((values * bins).astype(np.int64), bins - 1)
    return Reliability(
        np.bincount(place, minlength=bins),
        np.bincount(place[is_true], minlength=bins),
        np.bincount(place, values, bins).astype(np.float64),
        float(((values - is_true) ** 2).sum()),
    )


def expected_calibration_error(
    probability: NDArray[Any], truth: NDArray[Any], *, bins: int = BINS
) -> float:
    """Return the expected calibration error; arguments and errors as for `reliability`."""
    return reliability(probability, truth, bins=bins).expected_calibration_error


def brier_score(probability: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the Brier score; arguments and errors as for `reliability`."""
    return reliability(probability, truth, bins=1).brier


def measure_calibration(
    probabilities: Mapping[int, NDArray[Any]],
    truth: NDArray[Any],
    *,
    region: Mask | None = None,
    bins: int = BINS,
) -> dict[int | str, Reliability]:
    """Measure how far the probabilities of all classes can be trusted.

    Parameters
    ----------
    probabilities
        Label, from 1 on -> map in 0..1; the background has what is left.
    truth
        True label map, of the maps' shape.
    region
        Which voxels count; by default all.
    bins
        How many, of equal width.

    Returns
    -------
    dict
        For each label; for `FOREGROUND`, the sum over the labels, against all that is labelled so;
        and for `MOST_PROBABLE`, the largest probability of a voxel, that of the background too,
        against whether that class is the true one, as Guo et al. have it.

    Raises
    ------
    ShapeMismatch
        If shapes differ.
    InvalidVolume
        If a probability, or a sum over the classes, is not in 0..1.
    """
    counted = np.ones(truth.shape, bool) if region is None else region
    labels = sorted(probabilities)
    for label in labels:
        if probabilities[label].shape != truth.shape:
            raise ShapeMismatch(
                f"the probability of class {label} has shape {probabilities[label].shape}, the "
                f"truth {truth.shape}; resample it to the truth's grid first"
            )
    stack_KN = np.stack([probabilities[label][counted].astype(np.float64) for label in labels])
    true_N = truth[counted]
    # Maps that were stored in single precision add up to a little more than 1.
    foreground_N = stack_KN.sum(axis=0)
    foreground_N = np.where(foreground_N < 1 + 1e-4, np.minimum(foreground_N, 1), foreground_N)
    found = {
        label: reliability(values_N, true_N == label, bins=bins)
        for label, values_N in zip(labels, stack_KN, strict=True)
    }
    found_KN = np.concatenate([1 - foreground_N[None], stack_KN])
    chosen_N = np.array([0, *labels])[found_KN.argmax(axis=0)]
    return found | {
        FOREGROUND: reliability(foreground_N, np.isin(true_N, labels), bins=bins),
        MOST_PROBABLE: reliability(found_KN.max(axis=0), chosen_N == true_N, bins=bins),
    }


def near(truth: NDArray[Any], spacing: Spacing, distance: float = NEAR) -> Mask:
    """Return the box about the true foreground, wider by a distance in mm on every side.

    All of the volume where there is no foreground.
    """
    box = ndimage.find_objects((truth != 0).astype(np.uint8))
    if not box:
        return np.ones(truth.shape, bool)
    region = np.zeros(truth.shape, bool)
    wider = [round(distance / step) for step in spacing]
    region[
        tuple(
            slice(max(0, side.start - more), side.stop + more)
            for side, more in zip(box[0], wider, strict=True)
        )
    ] = True
    return region
