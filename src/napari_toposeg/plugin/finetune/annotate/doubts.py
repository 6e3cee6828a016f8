"""Doubts: the voxels on which the topology of a segmentation hangs.

The one idea: the mask of a probability changes its topology exactly where a feature of the diagram
is born or dies. An end near the threshold is a doubt: a slightly other value there joins two
pieces, opens a ring, fills a cavity. Ends of features that hardly last are noise and count little.
No Qt here.

References
----------
Hu et al. 2019, "Topology-preserving deep image segmentation" (critical points of a likelihood);
Edelsbrunner and Harer 2010, "Computational topology" (stability of diagrams).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.topology import PersistenceDiagram, persistence

Kind = Literal["gap or bridge", "speck", "hole", "cavity"]
KINDS: tuple[Kind, ...] = get_args(Kind)

THRESHOLD = 0.5
WITHIN = 0.3
"""Distance from the threshold at which nothing is in doubt any more."""
FAINTEST = 0.05
"""Features that last less are noise."""
MOST_VOXELS = 200**3
"""Voxels looked at in one go; more are looked at in slabs."""
MARGIN = 8
"""Slices that a slab shares with its neighbours, so that little is cut at its ends."""

OF_ENDS: dict[tuple[int, bool], Kind] = {
    (0, True): "speck",
    (0, False): "gap or bridge",
    (1, True): "gap or bridge",
    (1, False): "hole",
    (2, True): "hole",
    (2, False): "cavity",
}
"""What an end of a feature is, by dimension and whether it is the birth: two pieces join where a
component dies, and a ring closes where a loop is born."""


@dataclass(frozen=True, eq=False)
class Doubts:
    """Doubtful voxels.

    Parameters
    ----------
    voxels
        ``(n, 3)`` voxels ``(z, y, x)``.
    weights
        ``(n,)`` in 0..1, 1 for a lasting feature that is born or dies at the threshold.
    kinds
        ``(n,)`` indices into `KINDS`.
    note
        How it was looked for, where it was not all at once; for a person.
    """

    voxels: NDArray[np.intp]
    weights: NDArray[np.float64]
    kinds: NDArray[np.intp]
    note: str = ""

    def __len__(self) -> int:
        return len(self.weights)


def doubts_run(probability: NDArray[np.floating]) -> Run[Doubts]:
    """Find the doubtful voxels of a probability.

    Parameters
    ----------
    probability
        ``(z, y, x)`` in 0..1.

    Raises
    ------
    InvalidConfig
        If it is no probability.
    """
    return follow(
        lambda report: find_doubts(probability, progress=report),
        "Looking for voxels on which the topology hangs",
    )


def find_doubts(
    probability: NDArray[np.floating],
    *,
    most: int = MOST_VOXELS,
    progress: Callable[[float], object] = lambda _: None,
) -> Doubts:
    """Find the doubtful voxels of a probability; see `doubts_run`.

    Parameters
    ----------
    probability
        ``(z, y, x)`` in 0..1.
    most
        Voxels looked at in one go.
    progress
        Called with the fraction done; what it raises ends the search.
    """
    require_probability(probability)
    box = possible_box(probability)
    if box is None:
        return Doubts(np.empty((0, 3), np.intp), np.empty(0), np.empty(0, np.intp))
    inside = probability[box]
    parts = list(slabs(inside.shape, most))
    found = []
    for number, (cut, own) in enumerate(parts):

        def report(fraction: float, number: int = number) -> None:
            progress((number + fraction) / len(parts))

        diagram = persistence(
            inside[cut], superlevel=True, min_persistence=FAINTEST, progress=report
        )
        found.append(_of_diagram(diagram, cut.start, own))
    start = np.array([axis.start for axis in box])
    count = len(parts)
    note = f"looked at in {count} slabs, each with {MARGIN} slices of the next" if count > 1 else ""
    return Doubts(
        np.concatenate([each.voxels for each in found]) + start,
        np.concatenate([each.weights for each in found]),
        np.concatenate([each.kinds for each in found]),
        note,
    )


def require_probability(probability: NDArray[np.floating]) -> None:
    """Raise InvalidConfig unless all values lie in 0..1."""
    low, high = float(probability.min()), float(probability.max())
    # Negated, since every comparison with NaN is false.
    if not (0 <= low <= high <= 1):
        raise InvalidConfig(
            f"the values run from {low:.3g} to {high:.3g}; choose a probability, which lies in 0..1"
        )


def possible_box(probability: NDArray[np.floating]) -> tuple[slice, slice, slice] | None:
    """Return the box outside of which nothing can be in doubt, None where nothing can be at all."""
    there = probability > THRESHOLD - WITHIN
    spans = []
    for axis in range(3):
        along = np.flatnonzero(there.any(axis=tuple(a for a in range(3) if a != axis)))
        if not len(along):
            return None
        last = probability.shape[axis]
        spans.append(slice(max(int(along[0]) - 1, 0), min(int(along[-1]) + 2, last)))
    z, y, x = spans
    return z, y, x


def slabs(shape: tuple[int, ...], most: int) -> Iterator[tuple[slice, tuple[int, int]]]:
    """Yield the slabs across z that a volume is looked at in, and the slices that each counts."""
    thick = max(1, most // (shape[1] * shape[2]) - 2 * MARGIN)
    if shape[0] * shape[1] * shape[2] <= most:
        thick = shape[0]
    for first in range(0, shape[0], thick):
        last = min(first + thick, shape[0])
        yield slice(max(first - MARGIN, 0), min(last + MARGIN, shape[0])), (first, last)


def _of_diagram(diagram: PersistenceDiagram, start: int, own: tuple[int, int]) -> Doubts:
    """Return the doubtful ends of a diagram's features whose voxels lie in a slab's own slices."""
    lasting = np.minimum(diagram.persistence, WITHIN) / WITHIN
    parts = []
    for ends, places, is_birth in (
        (diagram.birth, diagram.birth_voxel, True),
        (diagram.death, diagram.death_voxel, False),
    ):
        near = np.maximum(0.0, 1 - np.abs(ends - THRESHOLD) / WITHIN)
        kept = np.flatnonzero((near > 0) & (places >= 0))
        voxels = np.stack(np.unravel_index(places[kept], diagram.shape), axis=-1)
        voxels[:, 0] += start
        mine = (voxels[:, 0] >= own[0]) & (voxels[:, 0] < own[1])
        kinds = np.array(
            [KINDS.index(OF_ENDS[int(d), is_birth]) for d in diagram.dimension[kept]], np.intp
        )
        parts.append(Doubts(voxels[mine], (near * lasting)[kept][mine], kinds[mine]))
    first, second = parts
    return Doubts(
        np.concatenate([first.voxels, second.voxels]),
        np.concatenate([first.weights, second.weights]),
        np.concatenate([first.kinds, second.kinds]),
    )
