"""Judging: how well a network segments the labelled part of a validation case.

Overlap is judged over all labelled voxels together. Topology is judged slice by slice, since what
is painted are slices: a loop of a slice is seen there whether or not its neighbours are labelled.
"""

# Z, Y, X as everywhere; K classes

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.data.utils import dense_patch_slices
from numpy.typing import NDArray

from napari_toposeg.config import Size3
from napari_toposeg.learning.examples import Example, boxed, with_channels
from napari_toposeg.learning.losses.overlap import IGNORED, hard_dice
from napari_toposeg.learning.seeds import random_of
from napari_toposeg.topology.betti import BettiNumbers, betti_numbers

VALIDATION_WINDOWS = 12
MOST_SLICES = 12
"""Slices of a validation that are shown, at most."""

Box = tuple[slice, slice, slice]
Wanted = Mapping[int, tuple[int, int, int]]


@dataclass(frozen=True)
class JudgedSlice:
    """A labelled slice as it was judged, to be looked at.

    Parameters
    ----------
    image
        Grey values ``(rows, columns)`` as the network sees them.
    truth, prediction
        Class numbers, -1 in the truth where nothing is labelled.
    """

    image: NDArray[np.float32]
    truth: NDArray[np.int16]
    prediction: NDArray[np.int16]


@dataclass(frozen=True)
class Judgement:
    """What was found of one case.

    Parameters
    ----------
    dice
        ``(K,)``; NaN where neither prediction nor truth has the class.
    betti_error
        ``(K,)``: the difference in b0 plus that in b1, a mean over the labelled slices; foreground
        8-connected, background 4-connected; unlabelled voxels count as background of both.
    topological_error
        ``(K,)`` in 0..1: the same differences as a share of the larger number of features; of a
        class whose Betti numbers are wanted, its distance from those.
    slices
        The slices to be looked at.
    """

    dice: NDArray[np.float64]
    betti_error: NDArray[np.float64]
    topological_error: NDArray[np.float64]
    slices: tuple[JudgedSlice, ...]


def judge(
    pieces: Sequence[Example],
    predictions: Sequence[NDArray[np.integer]],
    classes: int,
    wanted: Wanted | None = None,
) -> Judgement:
    """Compare predictions with the labels of the pieces of one case.

    Parameters
    ----------
    pieces
        Boxes of the case with targets.
    predictions
        Class numbers of each, ``(z, y, x)``.
    wanted
        Betti numbers in 3D of some classes, foreground 26-connected. They are looked at where the
        case is judged in one piece: parts of a structure have other numbers than the whole.
    """
    truths = [np.asarray(piece.target) for piece in pieces]
    found, true = (
        torch.from_numpy(np.concatenate([np.asarray(each, np.int64).ravel() for each in part]))
        for part in (predictions, truths)
    )
    dice = hard_dice(found, true, classes).double().numpy()
    planes = [
        plane
        for piece, prediction in zip(pieces, predictions, strict=True)
        for plane in labelled_planes(piece, prediction)
    ]
    counts = np.array([[planar_numbers(plane, k + 1) for plane in planes] for k in range(classes)])
    counts = counts.reshape(classes, -1, 2, 2)
    apart = np.abs(counts[:, :, 0] - counts[:, :, 1]).sum((1, 2))
    most = counts.max(2, initial=0).sum((1, 2))
    error = apart / np.maximum(most, 1)
    if len(pieces) == 1:
        for number, numbers in (wanted or {}).items():
            if 1 <= number <= classes:
                error[number - 1] = distance(betti_numbers(predictions[0] == number), numbers)
    return Judgement(dice, apart / max(len(planes), 1), error, tuple(shown(planes)))


def labelled_planes(piece: Example, prediction: NDArray[np.integer]) -> list[JudgedSlice]:
    """Return the slices of a piece that have a label, across the axis that they were painted on."""
    target, image = np.asarray(piece.target), with_channels(np.asarray(piece.image))[0]
    axis = slice_axis(target)
    known = (target != IGNORED).any(tuple(other for other in range(3) if other != axis))
    return [
        JudgedSlice(
            np.asarray(image.take(index, axis), np.float32),
            np.asarray(target.take(index, axis), np.int16),
            np.asarray(prediction.take(index, axis), np.int16),
        )
        for index in np.flatnonzero(known)
    ]


def slice_axis(target: NDArray[np.integer]) -> int:
    """Return the axis across which slices are labelled: that with the smallest share of them."""
    known = target != IGNORED
    shares = [
        float(known.any(tuple(other for other in range(3) if other != axis)).mean())
        for axis in range(3)
    ]
    return int(np.argmin(shares))


def planar_numbers(plane: JudgedSlice, number: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (b0, b1) of a class in the prediction and in the truth of a slice."""
    known = plane.truth != IGNORED
    found = betti_numbers((plane.prediction == number) & known)
    true = betti_numbers(plane.truth == number)
    return found[:2], true[:2]


def distance(found: BettiNumbers, wanted: tuple[int, int, int]) -> float:
    """Return how far Betti numbers are from those wanted: 0 where they agree, at most 1."""
    apart = sum(abs(a - b) for a, b in zip(found, wanted, strict=True))
    return apart / max(1, sum(max(a, b) for a, b in zip(found, wanted, strict=True)))


def shown(planes: Sequence[JudgedSlice]) -> list[JudgedSlice]:
    """Return at most so many slices as are shown, spread over all of them."""
    if len(planes) <= MOST_SLICES:
        return list(planes)
    return [planes[index] for index in np.linspace(0, len(planes) - 1, MOST_SLICES).astype(int)]


def pieces_to_judge(example: Example, crop: Size3, seed: int) -> list[Example]:
    """Return the boxes of `places_to_judge` as examples of their own."""
    example = example.loaded()
    target = np.asarray(example.target)
    return [
        Example(
            example.name,
            np.ascontiguousarray(boxed(np.asarray(example.image), place)),
            np.ascontiguousarray(target[place]),
        )
        for place in places_to_judge(target, crop, seed)
    ]


def places_to_judge(target: NDArray[np.integer], crop: Size3, seed: int) -> list[Box]:
    """Return the box of the labelled part of a case, or where it is large some windows of it.

    At most `VALIDATION_WINDOWS` windows are judged, half of them with a class where there are so
    many: a validation should not take longer than the training between two of them.
    """
    part = labelled_box(target, crop)
    inside = target[part]
    z, y, x = (min(edge, size) for edge, size in zip(crop, inside.shape, strict=True))
    places = dense_patch_slices(inside.shape, (z, y, x), (z, y, x))
    if len(places) <= VALIDATION_WINDOWS:
        return [part]
    labelled = [place for place in places if np.any(inside[place] != IGNORED)]
    order = random_of(seed, 0, len(places)).permutation(len(labelled))
    shuffled = [labelled[index] for index in order]
    with_class = [place for place in shuffled if np.any(inside[place] > 0)]
    first = with_class[: VALIDATION_WINDOWS // 2]
    rest = [place for place in shuffled if place not in first]
    chosen = (first + rest)[:VALIDATION_WINDOWS]
    # The first is the one that is shown.
    chosen.sort(key=lambda place: np.count_nonzero(inside[place] > 0), reverse=True)
    return [moved(place, part) for place in chosen]


def moved(place: Sequence[slice], part: Box) -> Box:
    """Return a box within a part as a box of the whole."""
    z, y, x = (
        slice(outer.start + inner.start, outer.start + inner.stop)
        for inner, outer in zip(place, part, strict=True)
    )
    return z, y, x


def labelled_box(target: NDArray[np.integer], crop: Size3) -> Box:
    """Return the box of labelled voxels, grown to at least a crop where the volume allows."""
    places = np.nonzero(target != IGNORED)
    if not places[0].size:
        places = tuple(np.array([0, size - 1]) for size in target.shape)
    box = []
    for place, edge, size in zip(places, crop, target.shape, strict=True):
        first, last = int(place.min()), int(place.max()) + 1
        spare = max(0, edge - (last - first))
        start = min(max(0, first - spare // 2), max(0, size - (last - first + spare)))
        box.append(slice(start, min(size, start + last - first + spare)))
    z, y, x = box
    return z, y, x
