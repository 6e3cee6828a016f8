"""What the numbers of a volume are, where a file does not say it.

The one idea: say only what is nearly certain. A DICOM header is believed; then words of the file
name; then the range of Hounsfield units. Label maps are never guessed, for their numbers look like
those of an image.
"""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.volume import Modality

LABEL_WORDS = frozenset({"seg", "segmentation", "mask", "label", "labels", "votes", "lm", "gt"})
CT_WORDS = frozenset({"ct", "cta", "cbct", "hrct"})
MR_WORDS = frozenset(
    {"mr", "mri", "t1", "t2", "t1w", "t2w", "flair", "dwi", "bold", "adc", "pdw", "t1c"}
)
PT_WORDS = frozenset({"pet", "pt", "suv"})

AIR = (-2048.0, -900.0)
"""The least value of a CT: air, or a scanner's padding."""


def guess_modality(voxels: NDArray[Any], name: str) -> Modality:
    """Guess from the file's name and the range of its values.

    Parameters
    ----------
    voxels
        Values of any shape.
    name
        File name without ending.
    """
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    if words & LABEL_WORDS:
        return "unknown"
    low, high = float(voxels.min()), float(voxels.max())
    if words & MR_WORDS:
        return "MR"
    if words & PT_WORDS:
        return "PT"
    wide = high - low > 200
    if (words & CT_WORDS and low < 0 and wide) or (AIR[0] * 2 <= low <= AIR[1] and 100 < high):
        return "CT" if voxels.dtype != np.uint8 else "unknown"
    return "unknown"
