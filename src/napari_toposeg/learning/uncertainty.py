"""Uncertainty: how sure a segmentation is of each voxel, from 0 (sure) to 1 (all classes alike).

Entropy is that of the mean of all models. What of it remains when the mean of each model's own
entropy is taken away is disagreement: each may be sure, but not of the same.

References
----------
Smith and Gal 2018, arXiv:1803.08533 (mutual information).
"""

import numpy as np
from numpy.typing import NDArray


def entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the entropy over classes, as a share of the largest that there can be.

    Parameters
    ----------
    probabilities
        ``(K, z, y, x)``, at least two classes, the background among them.

    Returns
    -------
    NDArray
        ``(z, y, x)`` float32 in 0..1.
    """
    total = np.zeros(probabilities.shape[1:], np.float32)
    for values in probabilities:
        # The limit of p log p at 0 is 0.
        total -= values * np.log(np.maximum(values, np.finfo(np.float32).tiny))
    share: NDArray[np.float32] = np.clip(total / np.float32(np.log(len(probabilities))), 0.0, 1.0)
    return share
