"""Calibration: one temperature by which a model's probabilities become those that come true.

The one idea: probabilities are raised to the power 1 / temperature and add up to 1 again, which is
what dividing the logits does. It is done after windows and mirrored views are averaged, on the
scan's own grid, so what is calibrated is what is written; the most probable class stays the same.

References
----------
Guo et al. 2017, arXiv:1706.04599 (temperature scaling).
"""

# K classes with background, N voxels

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

RANGE = (0.1, 10.0)
"""Temperatures among which the best is sought."""

LEAST = 1e-7
"""A probability of less counts as so much, as the precision of a float32 near 1 has it."""


def tempered(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities ``(K, ...)`` at a temperature: above 1 less sure, below 1 surer."""
    if temperature == 1.0:
        return probabilities
    powers = np.maximum(probabilities, 0.0) ** np.float32(1 / temperature)
    result: NDArray[np.float32] = powers / powers.sum(0)
    return result


def fit_temperature(
    probabilities: Sequence[NDArray[np.float32]], truths: Sequence[NDArray[np.integer]]
) -> float:
    """Return the temperature at which the truths are likeliest.

    Parameters
    ----------
    probabilities
        Of each case ``(K, z, y, x)``, at temperature 1.
    truths
        Class numbers of each case ``(z, y, x)``; negative where nothing is known.

    Returns
    -------
    float
        Where the mean negative log-likelihood, each known voxel counting alike, is least: that is
        convex in the inverse temperature.
    """
    known = [truth >= 0 for truth in truths]
    pairs = zip(probabilities, known, strict=True)
    values_KN = np.concatenate([values[:, where] for values, where in pairs], axis=1)
    true_N = np.concatenate([truth[where] for truth, where in zip(truths, known, strict=True)])
    found = optimize.minimize_scalar(
        lambda inverse: surprise(values_KN, true_N, 1 / inverse),
        bounds=(1 / RANGE[1], 1 / RANGE[0]),
        method="bounded",
    )
    return float(1 / found.x)


def surprise(
    values_KN: NDArray[np.floating], true_N: NDArray[np.integer], temperature: float = 1.0
) -> float:
    """Return the mean negative log-likelihood of true classes, in nats.

    Parameters
    ----------
    values_KN
        Probabilities at temperature 1, background first.
    """
    logs_KN = np.log(np.maximum(values_KN, LEAST)) / np.float32(temperature)
    true_logs_N = np.take_along_axis(logs_KN, true_N[None].astype(np.intp), 0)[0]
    return float(np.mean(special.logsumexp(logs_KN, axis=0) - true_logs_N, dtype=np.float64))
