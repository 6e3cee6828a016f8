"""Overlap of two masks, by volume and by centreline.

Empty masks: two empty ones agree (1), an empty and a filled one do not (0).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from napari_toposeg.topology.grid import Mask, as_mask, require_same_shape


def dice(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the Dice coefficient 2 |P and G| / (|P| + |G|).

    Parameters
    ----------
    prediction, truth
        Masks ``(y, x)`` or ``(z, y, x)`` of equal shape.

    Returns
    -------
    float
        In 0..1; 1 if both are empty.

    Raises
    ------
    ShapeMismatch
        If the masks differ in shape.
    """
    prediction, truth = as_masks(prediction, truth)
    total = int(np.count_nonzero(prediction) + np.count_nonzero(truth))
    return 2 * int(np.count_nonzero(prediction & truth)) / total if total else 1.0


def cldice(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the centreline Dice: how far each skeleton runs inside of the other mask.

    Parameters
    ----------
    prediction, truth
        Masks ``(y, x)`` or ``(z, y, x)`` of equal shape.

    Returns
    -------
    float
        Harmonic mean of the share of the prediction's skeleton in the truth and of the truth's
        skeleton in the prediction, in 0..1; 1 if both masks are empty, 0 if one is.

    Raises
    ------
    ShapeMismatch
        If the masks differ in shape.

    References
    ----------
    Shit et al. 2021, doi:10.1109/CVPR46437.2021.01629. Skeletons: Lee et al. 1994 (3D), Zhang and
    Suen 1984 (2D), as scikit-image has them.
    """
    prediction, truth = as_masks(prediction, truth)
    if not (prediction.any() and truth.any()):
        return float(prediction.any() == truth.any())
    precision = share_inside(skeletonize(prediction) > 0, truth)
    sensitivity = share_inside(skeletonize(truth) > 0, prediction)
    if precision + sensitivity == 0:
        return 0.0
    return 2 * precision * sensitivity / (precision + sensitivity)


def share_inside(part: Mask, whole: Mask) -> float:
    """Return the share of one mask that lies in the other."""
    size = int(np.count_nonzero(part))
    return int(np.count_nonzero(part & whole)) / size if size else 0.0


def as_masks(prediction: NDArray[Any], truth: NDArray[Any]) -> tuple[Mask, Mask]:
    """Return two arrays as masks of one shape, or raise."""
    prediction, truth = as_mask(prediction), as_mask(truth)
    require_same_shape(prediction, truth)
    return prediction, truth
