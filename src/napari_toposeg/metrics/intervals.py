"""Means with bootstrap intervals.

The one idea: the interval in which 95 % of the means of resampled values lie, by percentiles.

References
----------
Efron, Tibshirani 1986, doi:10.1214/ss/1177013815; Owen 2007, doi:10.1214/07-AOAS122 (pigeonhole
bootstrap of tables).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000


def mean_with_interval(values: NDArray[np.float64], seed: int) -> dict[str, float]:
    """Return the mean of the finite values with its 95 % percentile-bootstrap interval."""
    counted = values[np.isfinite(values)]
    low = high = mean = np.nan
    if len(counted):
        mean = float(counted.mean())
    if len(counted) > 1:
        means = counted[resamples(len(counted), seed)].mean(axis=1)
        low, high = (float(edge) for edge in np.percentile(means, [2.5, 97.5]))
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "cases": len(counted),
        "infinite": len(values) - len(counted),
    }


@lru_cache(maxsize=2)
def resamples(count: int, seed: int) -> NDArray[np.int64]:
    """Return the places ``(RESAMPLES, count)`` that are drawn: for all metrics the same."""
    return np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))


def crossed_mean_with_interval(values_RC: NDArray[np.float64], seed: int) -> dict[str, float]:
    """Return the mean of a table with its 95 % interval over rows and columns.

    Rows, such as seeds of training, and columns, such as cases, are resampled each by themselves: a
    case that is hard in every row is one case, however many rows there are.

    Parameters
    ----------
    values_RC
        Finite, ``(rows, columns)``, at least two of each.
    """
    random = np.random.default_rng(seed)
    rows, columns = (random.integers(n, size=(RESAMPLES, n)) for n in values_RC.shape)
    means = values_RC[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
    low, high = (float(edge) for edge in np.percentile(means, [2.5, 97.5]))
    return {"mean": float(values_RC.mean()), "low": low, "high": high}
