"""What is shown black and white at first.

The one idea: a sample of a million voxels tells it as well as all of a scan, in milliseconds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.io.windows import WINDOWS
from napari_toposeg.volume import Volume


def contrast_limits(volume: Volume) -> tuple[float, float]:
    """Return the grey values shown black and white: a window for CT, else the middle 98.5 %."""
    sample = spread(volume.voxels)
    if volume.modality == "CT":
        # A fifth of air-filled tissue means that the lungs are what there is to see.
        lungs = np.mean((sample > -980) & (sample < -600)) > 0.2
        return WINDOWS["lung" if lungs else "mediastinum"]
    low, high = (float(value) for value in np.percentile(sample, (1, 99.5)))
    if low < high:
        return low, high
    least, most = float(sample.min()), float(sample.max())
    return (least, most) if least < most else (least, least + 1)


def spread(voxels: NDArray[Any]) -> NDArray[Any]:
    """Return at most about a million voxels, evenly spread over an array in memory."""
    stride = max(1, int(np.ceil((voxels.size / 1e6) ** (1 / 3))))
    sample: NDArray[np.float64] = voxels[::stride, ::stride, ::stride].astype(np.float64)
    return sample


def from_zero(voxels: NDArray[Any]) -> tuple[float, float]:
    """Return 0 and the value that all but a thousandth of the voxels stay under."""
    top = float(np.percentile(spread(voxels), 99.9))
    return 0.0, top if top > 0 else 1.0
