"""How much each class weighs in Dice and cross-entropy.

Of a tumour there are a thousand times fewer voxels than of what is around it. Weights by the whole
inverse of the frequency would let it have all the say, and each false voxel of it cost nothing:
Dice falls. So weights grow with the root of the inverse frequency, and end at ten.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.examples import Example

MOST = 10.0
"""Largest weight, relative to that of the most frequent class."""


def weights_of(
    config: FinetuneConfig, examples: Sequence[Example], classes: int
) -> tuple[float, ...]:
    """Return the weights of background and classes; none where all weigh alike.

    Parameters
    ----------
    examples
        What is trained on.
    classes
        Number of classes besides the background.

    Raises
    ------
    InvalidConfig
        If there are not as many weights as classes.
    """
    if config.class_weights == ("equal",):
        return ()
    if config.class_weights == ("balanced",):
        return balanced(voxel_counts(examples, classes))
    given = config.weights_given
    if len(given) != classes + 1:
        raise InvalidConfig(
            f"class_weights: {len(given)} numbers were given, and there are {classes} classes; "
            f"give {classes + 1}, the background's first"
        )
    return given


def voxel_counts(examples: Sequence[Example], classes: int) -> NDArray[np.int64]:
    """Count the labelled voxels of background and classes; unlabelled ones are of none."""
    counts = np.zeros(classes + 1, np.int64)
    for example in examples:
        labelled = example.places.labelled
        if labelled is not None:
            np.add.at(counts, labelled.classes, labelled.counts.astype(np.int64))
    return counts


def balanced(counts: NDArray[np.int64]) -> tuple[float, ...]:
    """Return weights for so many voxels of each class; a class without any has the largest."""
    weights = np.sqrt(counts.max() / np.maximum(counts, 1))
    return tuple(float(weight) for weight in np.minimum(weights, MOST).round(3))
