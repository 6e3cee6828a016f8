"""Where a prediction's topology is wrong: its error components, and what each one does.

The one idea: an error matters to topology by what *correcting it alone* would change. Each
connected component of the false positives and of the false negatives is flipped in thought, and the
exact change of the prediction's Betti numbers tells what the error does. Effects of single errors
need not add up: two halves of a cut each do nothing alone.

References
----------
Lux et al. 2024 (Topograph), arXiv 2411.03228: regions and their neighbours, in 2D. In 3D a loop is
not seen by neighbours alone, hence the graph of regions and its blocks (`masks.effects`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.betti import as_labels, class_boxes
from napari_toposeg.topology.grid import (
    Connectivity,
    Mask,
    as_mask,
    foreground_connectivity,
    require_same_shape,
)
from napari_toposeg.topology.masks.bits import pack
from napari_toposeg.topology.masks.effects import Report, find_effects
from napari_toposeg.topology.masks.extents import measure, paint
from napari_toposeg.topology.masks.harmless import find_harmless
from napari_toposeg.topology.masks.runs import encode_runs

Kind = Literal[
    "merges",
    "splits",
    "spurious",
    "missing",
    "makes a loop",
    "breaks a loop",
    "fills a loop",
    "makes a cavity",
    "opens a cavity",
    "fills a cavity",
    "mixed",
    "compensated",
    "harmless",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

# What an error does, where flipping it lets b0, b1, b2 fall or rise.
Effects = tuple[tuple[Kind, Kind], tuple[Kind, Kind], tuple[Kind, Kind]]
EFFECTS_OF_EXTRA: Effects = (
    ("spurious", "merges"),
    ("makes a loop", "fills a loop"),
    ("makes a cavity", "fills a cavity"),
)
EFFECTS_OF_MISSING: Effects = (
    ("splits", "missing"),
    ("makes a loop", "breaks a loop"),
    ("makes a cavity", "opens a cavity"),
)


@dataclass(frozen=True, eq=False)
class Defects:
    """Error components of a prediction, as columns; row i is label i + 1.

    Parameters
    ----------
    labels
        int32, the shape of the masks: 0 where there is no error, i on the i-th error component.
    kind
        ``(n,)`` strings out of `KINDS`: what the error does to the prediction.
    change
        ``(n, 3)``: what flipping this component alone adds to the prediction's b0, b1, b2.
    size
        ``(n,)`` voxels.
    centre
        ``(n, ndim)`` indices of the component's voxel nearest to its centroid.
    connectivity
        Of the foreground.
    """

    labels: NDArray[np.int32]
    kind: NDArray[np.str_]
    change: NDArray[np.int64]
    size: NDArray[np.int64]
    centre: NDArray[np.int64]
    connectivity: Connectivity

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def is_critical(self) -> NDArray[np.bool_]:
        """Whether flipping the component alone changes a Betti number."""
        return np.asarray(np.any(self.change != 0, axis=1))


def find_defects(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    *,
    connectivity: int | None = None,
    progress: Report | None = None,
) -> Defects:
    """Find each error component of a prediction and what it does to its topology.

    Parameters
    ----------
    prediction, truth
        Masks ``(y, x)`` or ``(z, y, x)`` of equal shape; all that is not 0 is foreground.
    connectivity
        Of the foreground: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D. Error components
        themselves are always 26 (8) connected, false positives apart from false negatives.
    progress
        Called with the fraction that is done, in the calling thread, after each stage of the work;
        an exception that it raises ends the work and is passed on.

    Returns
    -------
    Defects
        All error components in scan order, the harmless ones too.

    Raises
    ------
    ShapeMismatch
        If the masks differ in shape.
    InvalidVolume
        If they are not 2D or 3D, are empty, or hold NaN.
    InvalidConfig
        If the connectivity does not fit the number of axes.

    Notes
    -----
    Kinds, by the error's sort and by what flipping it would change:

    - false positive: *spurious* (b0 falls), *merges* (b0 rises), *makes a loop* (b1 falls),
      *fills a loop* (b1 rises), *makes a cavity* (b2 falls), *fills a cavity* (b2 rises);
    - false negative: *missing* (b0 rises), *splits* (b0 falls), *makes a loop* (b1 falls),
      *breaks a loop* (b1 rises), *makes a cavity* (b2 falls), *opens a cavity* (b2 rises);
    - *mixed*: several Betti numbers change;
    - *harmless*: none changes, and the component can be flipped voxel by voxel without changing the
      topology on the way; *compensated*: none changes, but what is lost in one place is made in
      another, as far as can be told.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 1, 1]])
    >>> cut = np.array([[1, 1, 0, 1, 1]])
    >>> defects = find_defects(cut, truth)
    >>> defects.kind.tolist(), defects.change.tolist()
    (['splits'], [[-1, 0, 0]])
    """
    prediction, truth = as_mask(prediction), as_mask(truth)
    require_same_shape(prediction, truth)
    foreground = foreground_connectivity(prediction.ndim, connectivity)
    wide, shape = foreground in (8, 26), prediction.shape
    report = progress or (lambda fraction: None)
    words = pack(prediction), pack(truth)
    runs = encode_runs(*words, shape[-1])
    report(0.2)
    found = find_effects(*words, runs, wide, report)
    doubtful = np.asarray(~np.any(found.change, axis=1))
    harmless = find_harmless(prediction, runs, found.error, found.is_extra, doubtful, wide)
    report(0.8)
    size, centre = measure(runs, found.error, len(doubtful), shape)
    labels = paint(runs, found.error, shape)
    report(1.0)
    return Defects(
        labels=labels,
        kind=name_kinds(found.is_extra, found.change, harmless),
        change=found.change,
        size=size,
        centre=centre,
        connectivity=foreground,
    )


def name_kinds(is_extra: Mask, change: NDArray[np.int64], harmless: Mask) -> NDArray[np.str_]:
    """Name what each error does, from its sort and from the change by flipping it."""
    widest = max(map(len, KINDS))
    kinds = np.where(harmless, "harmless", "compensated").astype(f"<U{widest}")
    for extra, names in ((True, EFFECTS_OF_EXTRA), (False, EFFECTS_OF_MISSING)):
        for number, (falls, rises) in enumerate(names):
            kinds[(is_extra == extra) & (change[:, number] < 0)] = falls
            kinds[(is_extra == extra) & (change[:, number] > 0)] = rises
    kinds[np.count_nonzero(change, axis=1) > 1] = "mixed"
    return kinds


def find_defects_by_class(
    prediction: NDArray[Any], truth: NDArray[Any], *, connectivity: int | None = None
) -> dict[int, Defects]:
    """Find the error components of each class of two label maps, each class against all the rest.

    Parameters
    ----------
    prediction, truth
        Label maps ``(y, x)`` or ``(z, y, x)`` of equal shape.
    connectivity
        Of each class: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D. The rest takes the other.

    Returns
    -------
    dict
        Defects on the whole grid for each value but 0 that occurs in either map. A voxel of a wrong
        class is an error of two classes: missing in one, too much in the other.

    Raises
    ------
    ShapeMismatch
        If the label maps differ in shape.
    InvalidVolume
        If they are not 2D or 3D, are empty, or hold other than whole numbers.
    InvalidConfig
        If the connectivity does not fit the number of axes.

    Examples
    --------
    >>> truth = np.array([[1, 1, 2, 1, 1]])
    >>> found = find_defects_by_class(np.ones_like(truth), truth)
    >>> {number: defects.kind.tolist() for number, defects in found.items()}
    {1: ['merges'], 2: ['missing']}
    """
    prediction, truth = as_labels(prediction), as_labels(truth)
    require_same_shape(prediction, truth)
    foreground_connectivity(prediction.ndim, connectivity)
    found = {}
    for number, box, errors in each_class(prediction, truth, connectivity):
        labels = np.zeros(prediction.shape, np.int32)
        labels[box] = errors.labels
        centre = errors.centre + [side.start for side in box]
        found[number] = replace(errors, labels=labels, centre=centre)
    return found


def each_class(
    prediction: NDArray[np.integer],
    truth: NDArray[np.integer],
    connectivity: int | None,
    progress: Report | None = None,
) -> Iterator[tuple[int, tuple[slice, ...], Defects]]:
    """Yield each class of two label maps, a box around it, and its defects on the grid of the box.

    The box saves time and memory where there are many classes or small ones.
    """
    boxes = class_boxes(prediction), class_boxes(truth)
    numbers = sorted((boxes[0].keys() | boxes[1].keys()) - {0})
    for done, number in enumerate(numbers):
        box = around_both(*(held[number] for held in boxes if number in held))
        of_class = share_of(progress, done, len(numbers))
        yield (
            number,
            box,
            find_defects(
                prediction[box] == number,
                truth[box] == number,
                connectivity=connectivity,
                progress=of_class,
            ),
        )


def share_of(progress: Report | None, done: int, parts: int) -> Report | None:
    """Return the progress of one part as its share of the whole."""
    if progress is None:
        return None
    return lambda fraction: progress((done + fraction) / parts)


def around_both(*boxes: tuple[slice, ...]) -> tuple[slice, ...]:
    """Return the smallest box that holds some boxes."""
    return tuple(
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )
