"""What the numbers of a volume are, where a file does not say it.

The one idea: say only what is nearly certain. A DICOM header is believed; then words of the file
name; then the range of Hounsfield units. Label maps are never guessed, for their numbers look like
those of an image.
"""

import re
from typing import Any

from numpy.typing import NDArray

from napari_toposeg.io.slabs import extremes
from napari_toposeg.volume import Modality

LABEL_WORDS = frozenset(
    {"seg", "segmentation", "mask", "label", "labels", "votes", "lm", "gt", "roi"}
)
CT_WORDS = frozenset({"ct", "cta", "cbct", "hrct"})
MR_WORDS = frozenset(
    {"mr", "mri", "t1", "t2", "t1w", "t2w", "t1c", "flair", "dwi", "adc", "bold", "pdw"}
)
PT_WORDS = frozenset({"pet", "pt", "suv"})

AIR = (-4096.0, -900.0)
"""Between these lies the least value of nearly every CT: air, or the padding around the scan."""

TISSUE = 100.0
"""Every CT of a body reaches above this."""


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
    if words & MR_WORDS:
        return "MR"
    if words & PT_WORDS:
        return "PT"
    low, high = (float(end) for end in extremes(voxels))
    named = bool(words & CT_WORDS) and low < 0
    return "CT" if (named or AIR[0] <= low <= AIR[1]) and high > TISSUE else "unknown"
