"""Betti curve loss: the area between two curves that count features over the threshold.

    L = sum_k integral |b_k(X; t) - b_k(T; t)| dt ,

b_k(X; t) being the Betti number of ``{X >= t}``, less the features of persistence up to tau. The
curves are steps at births and deaths, so the integral is exact, without a grid of thresholds or a
temperature: with the steps sorted, L = sum over steps of t (|difference above| - |difference
below|), linear in the values of the critical voxels. It is cheap, as blind to place as a diagram,
and forgets besides which birth belongs to which death.

References
----------
Chung, Lawson 2022, doi:10.1007/s10444-021-09893-4 (persistence curves).
"""

# N fields

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_toposeg.learning.losses.batches import Batch, lasting_features
from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays
from napari_toposeg.topology import PersistenceDiagram


@dataclass(frozen=True)
class Area:
    """The area of one field, its slope in the value of each voxel, and the values it holds for."""

    area: float
    voxels: NDArray[np.int64]
    values: NDArray[np.float64]
    slopes: NDArray[np.float64]


@dataclass(frozen=True)
class BettiCurve:
    """The loss, a `TopologicalLoss`.

    Parameters
    ----------
    dimensions
        Which of 0 (components), 1 (loops), 2 (cavities) count, of superlevel features, 26-connected
        (8 in 2D).
    tau
        Features of at most this persistence, in the fields' unit, are left out of both curves.

    Notes
    -----
    The essential component never dies: below both births it counts in both curves and cancels.
    """

    dimensions: tuple[int, ...] = (0, 1)
    tau: float = 0.05

    def prepare(self, target: Image) -> PersistenceDiagram:
        """Return the diagram of one image ``([Z,] Y, X)``."""
        return lasting_features(target, self.dimensions, self.tau)

    def __call__(
        self,
        fields_NZYX: Tensor,
        targets_NZYX: Tensor,
        prepared: Sequence[PersistenceDiagram] | None = None,
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        if prepared is None:
            prepared = in_threads(self.prepare, to_arrays(targets_NZYX))
        areas = in_threads(self.measure, to_arrays(fields_NZYX), prepared)
        batch = Batch.of(fields_NZYX)
        voxels = [area.voxels for area in areas]
        # From the values that were measured, so that large terms do not cancel in float32.
        moved = batch.values_at(voxels) - batch.constants([area.values for area in areas])
        steps = batch.constants([area.slopes for area in areas]) * moved
        return batch.sums(steps, voxels) + batch.constants([area.area for area in areas])

    def measure(self, field: Image, target: PersistenceDiagram) -> Area:
        """Return the area between the curves of one field and its target."""
        own = self.prepare(field)
        areas = [area_between(own, target, k) for k in self.dimensions]
        return Area(
            sum(area.area for area in areas),
            np.concatenate([area.voxels for area in areas] or [np.empty(0, np.int64)]),
            np.concatenate([area.values for area in areas] or [np.empty(0)]),
            np.concatenate([area.slopes for area in areas] or [np.empty(0)]),
        )


def area_between(own: PersistenceDiagram, target: PersistenceDiagram, dimension: int) -> Area:
    """Return the area between the Betti curves of one dimension."""
    values, steps, voxels = (
        np.concatenate(columns)
        for columns in zip(curve_steps(own, dimension), curve_steps(target, dimension), strict=True)
    )
    mine = np.arange(len(values)) < len(curve_steps(own, dimension)[0])
    steps = np.where(mine, steps, -steps)
    falling = np.argsort(-values, kind="stable")
    below = np.cumsum(steps[falling])
    above = np.concatenate([[0.0], below])[:-1]
    first, last = tied_ends(values[falling])
    above, below, step = above[first], below[last], steps[falling]
    slopes = np.empty(len(values))
    # The mean of the slopes upwards and downwards; they differ only where steps coincide.
    slopes[falling] = (abs(above + step) - abs(above) + abs(below) - abs(below - step)) / 2
    area = -float(np.sum(np.diff(values[falling]) * abs(below[:-1])))
    return Area(area, voxels[mine], values[mine], slopes[mine])


def tied_ends(sorted_values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each value the first and the last place of those equal to it."""
    begins = np.append(True, np.diff(sorted_values) != 0)[: len(sorted_values)]
    group = np.cumsum(begins) - 1
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(sorted_values)) - 1
    return starts[group], ends[group]


def curve_steps(
    diagram: PersistenceDiagram, dimension: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return where the curve steps as the threshold falls, by +1 or -1, and at which voxels."""
    chosen = diagram.dimension == dimension
    dies = chosen & np.isfinite(diagram.death)
    values = np.concatenate([diagram.birth[chosen], diagram.death[dies]])
    steps = np.where(np.arange(len(values)) < np.count_nonzero(chosen), 1.0, -1.0)
    return values, steps, np.concatenate([diagram.birth_voxel[chosen], diagram.death_voxel[dies]])
