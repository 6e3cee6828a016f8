"""Suggestions: which slice to paint next, and why.

The one idea: a slice is worth painting where the topology hangs on doubtful voxels, where the
network is unsure, and where nothing near it is painted. The last is a factor, not a term: two
neighbours teach the same twice, however doubtful they are. Without a probability, structure in the
image takes the place of doubt. No Qt here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.annotate.annotations import AXIS_NAMES
from napari_toposeg.plugin.finetune.annotate.doubts import KINDS, Doubts, doubts_run
from napari_toposeg.plugin.translation import tr
from napari_toposeg.progress import Run, Step

TOPOLOGY_SHARE = 0.7
"""Weight of topological doubt beside that of entropy."""
SURELY = 0.1
"""Doubts of less weight are not counted in the reason."""
MOST_PIXELS = 256**2
"""Pixels of a slice whose gradients are looked at; larger slices are thinned."""


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A slice to paint next.

    Parameters
    ----------
    axis, index
        The slice.
    score
        How much it is worth, 1 being the best there can be.
    distance
        Distance in mm to the nearest slice that is painted or suggested before it; None if it is
        the first.
    doubts
        Number of doubtful voxels by kind.
    unsure
        Share of its voxels with a probability of 0.3 to 0.7; None without a probability.
    structure
        Its gradients as a share of those of the slice with most; None with a probability.
    voxels
        ``(n, 3)`` the doubtful voxels, heaviest first.
    """

    axis: int
    index: int
    score: float
    distance: float | None
    doubts: dict[str, int] = field(default_factory=dict)
    unsure: float | None = None
    structure: float | None = None
    voxels: NDArray[np.intp] = field(default_factory=lambda: np.empty((0, 3), np.intp))


def suggest_run(
    painted: Sequence[int],
    axis: int,
    spacing: Sequence[float],
    *,
    probability: NDArray[np.floating] | None = None,
    image: NDArray[np.number] | None = None,
    count: int = 5,
) -> Run[tuple[Suggestion, ...]]:
    """Rank slices by a probability, or by the image where there is none.

    Parameters
    ----------
    painted
        Indices along the axis of the slices that are painted.
    axis
        Axis across which slices are painted.
    spacing
        Voxel size ``(z, y, x)`` in mm.
    probability, image
        Either of them, ``(z, y, x)``.
    count
        Number of slices to suggest.
    """
    yield Step(0, 100, message="Looking at the slices")
    if probability is not None:
        doubts = yield from doubts_run(probability)
        return suggest_by_doubt(probability, doubts, painted, axis, spacing, count=count)
    if image is None:
        raise InvalidConfig("slices are suggested by a probability or by an image, got neither")
    return suggest_by_structure(image, painted, axis, spacing, count=count)


def suggest_by_doubt(
    probability: NDArray[np.floating],
    doubts: Doubts,
    painted: Sequence[int],
    axis: int,
    spacing: Sequence[float],
    *,
    count: int = 5,
) -> tuple[Suggestion, ...]:
    """Rank slices by the doubts in them and by entropy; see `suggest_run`."""
    length = probability.shape[axis]
    at = doubts.voxels[:, axis]
    topology = np.bincount(at, doubts.weights, minlength=length).astype(np.float64)
    worth = TOPOLOGY_SHARE * _share(topology) + (1 - TOPOLOGY_SHARE) * _share(
        entropies(probability, axis)
    )
    chosen = []
    for index, score, distance in choose(worth, painted, spacing[axis], count):
        inside = np.flatnonzero(at == index)
        heavy = inside[np.argsort(-doubts.weights[inside], kind="stable")]
        heavy = heavy[doubts.weights[heavy] >= SURELY]
        plane = probability.take(index, axis=axis)
        chosen.append(
            Suggestion(
                axis,
                index,
                score,
                distance,
                doubts={
                    kind: int(np.count_nonzero(doubts.kinds[heavy] == number))
                    for number, kind in enumerate(KINDS)
                },
                unsure=float(np.mean((plane > 0.3) & (plane < 0.7))),
                voxels=doubts.voxels[heavy],
            )
        )
    return tuple(chosen)


def suggest_by_structure(
    image: NDArray[np.number],
    painted: Sequence[int],
    axis: int,
    spacing: Sequence[float],
    *,
    count: int = 5,
) -> tuple[Suggestion, ...]:
    """Rank slices by their gradients and their distance from painted ones; see `suggest_run`."""
    worth = _share(gradients(image, axis))
    # Where there is nothing painted, distance alone must spread the slices.
    return tuple(
        Suggestion(axis, index, score, distance, structure=float(worth[index]))
        for index, score, distance in choose(0.3 + 0.7 * worth, painted, spacing[axis], count)
    )


def choose(
    worth: NDArray[np.float64], painted: Sequence[int], thickness: float, count: int
) -> list[tuple[int, float, float | None]]:
    """Choose slices one by one, each far from those painted and chosen before.

    Parameters
    ----------
    worth
        Worth of each slice, 0..1.
    painted
        Indices of painted slices.
    thickness
        Distance of neighbouring slices in mm.
    count
        Number of slices to choose.

    Returns
    -------
    list
        Index, score, and distance in mm to the nearest slice painted or chosen before, None where
        there was none.
    """
    there, chosen = list(painted), []
    reach = max(2.0, len(worth) / (len(painted) + count))
    for _ in range(min(count, len(worth) - len(set(painted)))):
        gap = slices_away(len(worth), there)
        near = np.exp(-((gap / reach) ** 2)) if there else np.zeros(len(worth))
        score = np.where(gap > 0, worth * (1 - near), -1.0)
        index = int(np.argmax(score))
        chosen.append(
            (index, float(score[index]), float(gap[index]) * thickness if there else None)
        )
        there.append(index)
    return chosen


def slices_away(length: int, there: Sequence[int]) -> NDArray[np.float64]:
    """Return the distance of each slice from the nearest of some, in slices; infinite if none."""
    if not there:
        return np.full(length, np.inf)
    away = np.abs(np.arange(length)[:, None] - np.asarray(there)[None])
    nearest: NDArray[np.float64] = away.min(axis=1).astype(float)
    return nearest


def entropies(probability: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    """Return the mean entropy of the voxels of each slice, in bits."""
    return np.array([_entropy(plane) for plane in np.moveaxis(probability, axis, 0)])


def _entropy(plane: NDArray[np.floating]) -> float:
    p = np.clip(plane.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


def gradients(image: NDArray[np.number], axis: int) -> NDArray[np.float64]:
    """Return the mean gradient within each slice."""
    planes = np.moveaxis(image, axis, 0)
    step = max(1, int(np.ceil((planes[0].size / MOST_PIXELS) ** 0.5)))
    return np.array(
        [_gradient(np.nan_to_num(plane[::step, ::step].astype(np.float64))) for plane in planes]
    )


def _gradient(plane: NDArray[np.float64]) -> float:
    return sum(
        float(np.abs(np.diff(plane, axis=axis)).mean())
        for axis in range(2)
        if plane.shape[axis] > 1
    )


def _share(values: NDArray[np.float64]) -> NDArray[np.float64]:
    top = values.max(initial=0.0)
    return values / top if top > 0 else np.zeros(len(values))


def explain(suggestion: Suggestion) -> str:
    """Say which slice it is, and why it should be painted next."""
    parts = [*_doubts_in_words(suggestion.doubts)]
    if suggestion.unsure is not None:
        unsure = tr("{share} unsure")
        parts.append(unsure.format(share=f"{100 * suggestion.unsure:.2g} %"))
    if suggestion.structure is not None:
        structure = tr("{share} of the busiest slice's structure")
        parts.append(structure.format(share=f"{100 * suggestion.structure:.0f} %"))
    if suggestion.distance is None:
        parts.append(tr("no slice is painted yet"))
    else:
        away = tr("{distance} mm from the nearest painted or listed")
        parts.append(away.format(distance=f"{suggestion.distance:.3g}"))
    return tr("{axis} {index}: {why}").format(
        axis=AXIS_NAMES[suggestion.axis], index=suggestion.index, why=", ".join(parts)
    )


def _doubts_in_words(doubts: dict[str, int]) -> list[str]:
    words = {
        "gap or bridge": (tr("1 gap or bridge"), tr("{n} gaps or bridges")),
        "speck": (tr("1 speck"), tr("{n} specks")),
        "hole": (tr("1 hole"), tr("{n} holes")),
        "cavity": (tr("1 cavity"), tr("{n} cavities")),
    }
    said = [
        words[kind][0] if number == 1 else words[kind][1].format(n=number)
        for kind, number in doubts.items()
        if number
    ]
    if not said:
        return []
    return [tr("{what} in doubt").format(what=", ".join(said))]
