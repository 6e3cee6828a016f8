"""The labelled data of a fine-tuning run, on one grid; `labelled_files` reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import Intensity
from napari_toposeg.learning.cases import (
    BACKGROUND,
    Case,
)
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.model_grid import planned_spacing, prepare_case
from napari_toposeg.learning.phantom_cases import PHANTOM_SPACING
from napari_toposeg.learning.places import IGNORED
from napari_toposeg.volume import Spacing

MOST_CLASSES = 254
MOST_SLICES = 0.5
"""Share of slices from which on a volume counts as labelled throughout."""


@dataclass(frozen=True)
class LabelledData:
    """Labelled cases on one grid.

    Parameters
    ----------
    classes
        Number of classes besides the background.
    spacing
        Voxel size in mm along ``(z, y, x)``.
    intensity
        What became 0 and 1: see `cards.Card`.
    names
        Those of the classes, where they are known.
    sliced_axis
        Axis across which a few slices of each volume are labelled; None where more is.
    unlabelled
        Further images, whose labels, if they have any, may not be used.
    """

    training: list[Example]
    validation: list[Example]
    classes: int
    spacing: Spacing
    intensity: Intensity | None = None
    names: tuple[str, ...] = ()
    sliced_axis: int | None = None
    unlabelled: Sequence[Example] = ()

    @property
    def channels(self) -> int:
        """Number of channels of the images.

        Raises
        ------
        InvalidConfig
            If they differ in it.
        """
        examples = (*self.training, *self.validation, *self.unlabelled)
        counts = {example.channels for example in examples}
        if len(counts) > 1:
            raise InvalidConfig(
                f"the images have {sorted(counts)} channels; a model reads one number of them"
            )
        return counts.pop()


def prepare_labelled(
    config: FinetuneConfig, cases: Sequence[Case], intensity: Intensity | None
) -> LabelledData:
    """Bring cases in memory to one grid.

    Raises
    ------
    InvalidConfig
        If nothing is labelled, or the labels cannot be class numbers.
    """
    count = count_classes(cases)
    drawn = [case for case in cases if case.role == "train"]
    kept = [case for case in cases if case.role == "validation"]
    spacing = config.spacing or (
        PHANTOM_SPACING if config.phantoms else planned_spacing(case.image for case in drawn)
    )
    training, validation = (
        [prepare_case(case, spacing, intensity) for case in part] for part in (drawn, kept)
    )
    training = [example for example in training if is_labelled(example)]
    if not training:
        raise InvalidConfig(
            "no voxel is labelled for training; paint classes and background on some slices first"
        )
    sliced = sliced_axis(training) if all(case.annotated for case in drawn) else None
    return LabelledData(training, validation, count, spacing, intensity, sliced_axis=sliced)


def sliced_axis(examples: Sequence[Example]) -> int | None:
    """Return the axis across which less than half of the slices of each example are labelled."""
    shares = [
        max(float(np.mean(labelled_slices(example, axis))) for example in examples)
        for axis in range(3)
    ]
    return int(np.argmin(shares)) if min(shares) < MOST_SLICES else None


def labelled_slices(example: Example, axis: int) -> NDArray[np.bool_]:
    """Return which slices across an axis hold a labelled voxel."""
    others = tuple(other for other in range(3) if other != axis)
    labelled: NDArray[np.bool_] = np.any(np.asarray(example.target) != IGNORED, axis=others)
    return labelled


def is_labelled(example: Example) -> bool:
    """Tell whether any voxel of an example has a label."""
    return example.target is not None and bool(np.any(example.target != IGNORED))


def count_classes(cases: Sequence[Case]) -> int:
    """Return the number of classes besides the background.

    Raises
    ------
    InvalidConfig
        If labels are negative, fractional or too many, or there is no class at all.
    """
    largest = 0
    for case in cases:
        values = np.unique(case.labels.voxels)
        values = values[values != BACKGROUND] if case.annotated else values
        if (
            (values != np.round(values)).any()
            or values.min(initial=0) < 0
            or values.max(initial=0) > MOST_CLASSES
        ):
            raise InvalidConfig(
                f"labels of {case.name!r} must be whole numbers from 0 to {MOST_CLASSES}, got "
                f"{values[:8].tolist()}; number the classes from 1 (in a mask of 0 and 255 put 1 "
                "for 255), or give annotated where 255 is painted background; or is this the image?"
            )
        largest = max(largest, int(values.max(initial=0)))
    if not largest:
        raise InvalidConfig("no voxel has a class; label at least one voxel with 1 or more")
    return largest
