"""Small label maps whose errors can be counted by hand."""

import numpy as np


def two_bars() -> tuple[np.ndarray, np.ndarray]:
    """Return a prediction and its truth of two bars: one is cut, both are bridged, and a speck."""
    truth = np.zeros((10, 12, 14), np.uint8)
    truth[4, 3, 2:12] = 1
    truth[4, 8, 2:12] = 1
    prediction = truth.copy()
    prediction[4, 3, 6:8] = 0
    prediction[4, 4:8, 2] = 1
    prediction[8, 1, 1] = 1
    return prediction, truth


def two_classes() -> tuple[np.ndarray, np.ndarray]:
    """Return the two bars as class 1, and a class 2 of three voxels that the prediction lacks."""
    prediction, truth = two_bars()
    truth[1, 1, 1:4] = 2
    return prediction, truth
