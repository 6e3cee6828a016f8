"""Means with bootstrap intervals.

The one idea: the interval in which 95 % of the means of resampled values lie, by percentiles.

References
----------
Efron, Tibshirani 1986, doi:10.1214/ss/1177013815.
"""

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
        random = np.random.default_rng(seed)
        means = random.choice(counted, (RESAMPLES, len(counted))).mean(axis=1)
        low, high = (float(edge) for edge in np.percentile(means, [2.5, 97.5]))
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "cases": len(counted),
        "infinite": len(values) - len(counted),
    }
