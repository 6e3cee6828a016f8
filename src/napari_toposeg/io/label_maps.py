"""Label maps that stand where scans should.

The one idea: values alone are a hint, for a rare scan has as few; with a word of the file's or the
folder's name, or of a DICOM header, they are proof.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.io.modality import LABEL_WORDS
from napari_toposeg.volume import Volume

MOST_VALUES = 32
"""A scan has more different values than this; few label maps do."""

STRIDE = 8
"""Of these along each axis one voxel is looked at first: a scan shows its many values there."""

FOLDER_WORDS = LABEL_WORDS | {"labelstr", "labelsts", "masks", "segmentations", "annotations"}


def is_label_map(volume: Volume, path: Path) -> bool:
    """Tell whether a volume is a label map for certain.

    Parameters
    ----------
    path
        The file or folder that it was read from.
    """
    named = words(path.name) & LABEL_WORDS or words(path.absolute().parent.name) & FOLDER_WORDS
    return volume.modality == "label" or (bool(named) and looks_like_labels(volume.voxels))


def looks_like_labels(voxels: NDArray[Any]) -> bool:
    """Tell whether there are but a few values, all whole numbers from 0 on, and more than one."""
    for part in (voxels[::STRIDE, ::STRIDE, ::STRIDE], voxels):
        values = np.unique(part)
        if len(values) > MOST_VALUES or values[0] < 0 or (values != np.round(values)).any():
            return False
    return len(values) > 1


def words(name: str) -> set[str]:
    """Return the words of a name, in small letters."""
    return set(re.split(r"[^a-z0-9]+", name.lower()))
