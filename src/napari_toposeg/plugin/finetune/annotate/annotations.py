"""Annotations: what a person painted in a Labels layer, read as training and validation slices.

The one idea: a voxel nobody painted is *unlabelled*, which is not background. So 0 is unlabelled,
1..K are the classes, and background is painted too, with `BACKGROUND`. Slices, not voxels, are
what a person paints and what is kept back for validation. Slices may lie across several axes in
one annotation: they are the fewest that hold all that is painted. No Qt and no torch here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.annotate.covering import (
    UNLABELLED,
    Labels,
    Slice,
    axis_order,
    count_values,
    cover,
    painted_counts,
)
from napari_toposeg.plugin.translation import tr

BACKGROUND = 255
AXIS_NAMES = ("z", "y", "x")


@dataclass(frozen=True)
class Annotation:
    """What is painted in an annotation.

    Parameters
    ----------
    axis
        Axis across which most slices lie: 0, 1, 2 for z, y, x.
    train, validation
        Indices along the axis of the slices that train the model and of those that choose the best
        one.
    complete
        Indices along the axis of the slices without an unlabelled voxel.
    voxels
        Painted voxels by class 1..K.
    background
        Voxels painted as background.
    crossing
        Slices across the other axes. They train, except where they cross a validation slice.
    """

    axis: int
    train: tuple[int, ...]
    validation: tuple[int, ...]
    complete: tuple[int, ...]
    voxels: dict[int, int]
    background: int
    crossing: tuple[Slice, ...] = ()

    @property
    def slices(self) -> tuple[int, ...]:
        """Indices of the annotated slices along the axis, in order."""
        return tuple(sorted(self.train + self.validation))

    def across(self, axis: int) -> tuple[int, ...]:
        """Return the indices of the annotated slices across one of the axes, in order."""
        if axis == self.axis:
            return self.slices
        return tuple(sorted(each.index for each in self.crossing if each.axis == axis))

    @property
    def classes(self) -> int:
        """K, the highest class that is painted, 0 where none is."""
        return max(self.voxels, default=0)

    @property
    def faults(self) -> tuple[str, ...]:
        """What must still be painted before a model can be trained, each in one sentence."""
        if not self.slices:
            return (tr("Nothing is painted yet: paint the classes on a few slices."),)
        faults = []
        if not self.voxels:
            faults.append(tr("No class is painted: paint label 1 on the structure."))
        if not self.background:
            faults.append(tr("No background is painted: unlabelled voxels teach nothing."))
        missing = set(range(1, self.classes)) - set(self.voxels)
        if missing:
            faults.append(
                tr(
                    "Label {label} is not painted, but {highest} is: "
                    "number the classes from 1 without a gap."
                ).format(label=min(missing), highest=self.classes)
            )
        return tuple(faults)


def read_annotation(labels: Labels, *, axis: int | None = None, seed: int = 0) -> Annotation:
    """Find the annotated slices and split them.

    Parameters
    ----------
    labels
        Array ``(z, y, x)``: 0 unlabelled, 1..K classes, 255 background.
    axis
        Axis whose slices are split; by default the one across which most slices lie.
    seed
        Seed of the choice of validation slices.
    """
    counts = painted_counts(labels)
    order = axis_order(counts, labels.shape)
    found: list[Slice] = []
    painted: dict[int, int] = {}
    for each, values in cover(labels, counts, order):
        found.append(each)
        for value, number in count_values(values):
            painted[value] = painted.get(value, 0) + number
    by_axis = {a: sorted(each.index for each in found if each.axis == a) for a in order}
    axis = max(order, key=lambda a: len(by_axis[a])) if axis is None else axis
    slices, whole = by_axis[axis], labels.size // max(labels.shape[axis], 1)
    planes = np.moveaxis(labels, axis, 0)
    shown = [classes_in(planes[index]) for index in slices]
    kept = validation_slices(slices, shown, seed=seed)
    return Annotation(
        axis=axis,
        train=tuple(index for index in slices if index not in kept),
        validation=kept,
        complete=tuple(index for index in slices if counts[axis][index] == whole),
        voxels={v: n for v, n in sorted(painted.items()) if v != BACKGROUND},
        background=painted.get(BACKGROUND, 0),
        crossing=tuple(sorted(each for each in found if each.axis != axis)),
    )


def classes_in(plane: Labels) -> int:
    """Return how many classes are painted in a slice."""
    return sum(value not in (UNLABELLED, BACKGROUND) for value, _ in count_values(plane.ravel()))


def validation_slices(
    slices: Sequence[int], shown: Sequence[int], *, seed: int, every: int = 4
) -> tuple[int, ...]:
    """Choose the slices that are kept for validation: one of each full group.

    It is drawn from those that show most classes: of a class that no kept slice shows, the Dice is
    0 or unknown, and would choose the best model by chance.

    Parameters
    ----------
    slices
        Indices of the annotated slices in order.
    shown
        Number of classes that each shows.
    seed
        Seed of the choice.
    every
        Neighbouring annotated slices in a group; with fewer than this, none is kept.
    """
    random = np.random.default_rng(seed)
    kept = []
    for start in range(0, len(slices) - every + 1, every):
        group = range(start, start + every)
        most = max(shown[each] for each in group)
        kept.append(slices[random.choice([each for each in group if shown[each] == most])])
    return tuple(int(index) for index in kept)


def split_annotation(
    labels: Labels, validation: Sequence[int], axis: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the annotation of the training slices and that of the validation slices.

    Parameters
    ----------
    labels
        Annotation ``(z, y, x)``, labels up to 255.
    validation
        Indices along the axis of the slices kept for validation.
    axis
        Axis across which the slices lie.

    Raises
    ------
    InvalidConfig
        If a label lies outside of 0..255.
    """
    if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) <= BACKGROUND:
        raise InvalidConfig(
            f"labels of an annotation are 0 (unlabelled), 1 to 254 (classes) and 255 (background), "
            f"got {int(labels.min())} to {int(labels.max())}; renumber the classes"
        )
    train, kept = labels.astype(np.uint8), labels.astype(np.uint8)
    others = np.setdiff1d(np.arange(labels.shape[axis]), np.asarray(validation, dtype=int))
    train[_at(axis, np.asarray(validation, dtype=int))] = UNLABELLED
    kept[_at(axis, others)] = UNLABELLED
    return train, kept


def unlabelled_voxels(labels: Labels, axis: int, index: int) -> tuple[NDArray[np.intp], ...]:
    """Return the indices ``(z, y, x)`` of the voxels of one slice that are not painted.

    Raises
    ------
    InvalidConfig
        If there is no such slice.
    """
    if not 0 <= index < labels.shape[axis]:
        raise InvalidConfig(
            f"slice {AXIS_NAMES[axis]} = {index} lies outside of 0 to {labels.shape[axis] - 1}; "
            "move the slider onto the annotation"
        )
    found = list(np.nonzero(labels.take(index, axis=axis) == UNLABELLED))
    found.insert(axis, np.full(len(found[0]), index, dtype=np.intp))
    return tuple(found)


def describe_slices(slices: Sequence[int]) -> str:
    """Write slice indices for a person, runs joined: ``"3, 7 - 9"``."""
    runs: list[list[int]] = []
    for index in slices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ", ".join(
        ", ".join(map(str, run)) if len(run) < 3 else f"{run[0]} - {run[-1]}" for run in runs
    )


def _at(axis: int, indices: NDArray[np.intp]) -> tuple[slice | NDArray[np.intp], ...]:
    return (slice(None),) * axis + (indices,)
