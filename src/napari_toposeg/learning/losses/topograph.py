"""Topograph and the defect loss: the wrong probability of the regions that change the topology.

A probability field is thresholded at 0.5 and laid over its target; what is wrong falls into
regions, few of which matter to topology. The loss of one such region r, with p the probability and
t the target (0 or 1), is an aggregate of how wrong its voxels are, and that of a field their sum:

    L = sum_r w_r agg_(v in r) |p(v) - t(v)| .

Which regions count is piecewise constant in p, so the gradient is that of the formula, and flows to
the voxels of those regions only. Fields and targets alike are foreground above 0.5, background
outside.

- `Topograph`: w = 1; in 2D the critical regions of Lux et al., found by their neighbours; in 3D,
  where neighbours do not see loops, the error components that change a Betti number.
- `DefectLoss`: in both the error components that change a Betti number, w = how many Betti errors
  each makes, |db0| + |db1| + |db2|.

In 2D the two differ in three ways. Topograph is strict about place: it counts an error that changes
nothing alone because it makes in one place what it breaks in another. It reads the neighbours of a
region as if the errors of the other sort that it touches were corrected too; the defect loss flips
one error and no other. And at a corner where only two wrong voxels meet, Topograph takes them for
one region if the other two are right background, the defect loss always.

References
----------
Lux et al. 2025 (Topograph), arXiv 2411.03228.
"""

# N fields, R regions, V voxels of regions

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays
from napari_toposeg.topology import critical_regions, find_defects
from napari_toposeg.topology.grid import Mask

Aggregation = Literal["mean", "rms", "max", "sum"]
THRESHOLD = 0.5


@dataclass(frozen=True)
class Regions:
    """Regions of one field: flat voxels, the region (from 0) of each, and the regions' weights."""

    voxels_V: NDArray[np.int64]
    region_V: NDArray[np.int64]
    weight_R: NDArray[np.float64]


@dataclass(frozen=True)
class Topograph:
    """The loss of Lux et al. in 2D, and on exact defects in 3D; a `TopologicalLoss`.

    Parameters
    ----------
    aggregation
        Of the wrong probabilities of a region: their mean (the authors' default), root mean square,
        maximum or sum.

    Notes
    -----
    The authors add the classes and divide by their number and the batch's; here each field has its
    own loss, and the caller takes the mean.
    """

    aggregation: Aggregation = "mean"

    def prepare(self, target: Image) -> Mask:
        """Return the foreground of one target ``([Z,] Y, X)``."""
        return np.asarray(target > THRESHOLD)

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Mask] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        find = regions_by_neighbours if fields_NZYX.ndim == 3 else regions_by_effect
        return wrong_of_regions(find, self.aggregation, fields_NZYX, targets_NZYX, prepared)


@dataclass(frozen=True)
class DefectLoss:
    """The wrong probability of exact defects, by the Betti errors each makes; a `TopologicalLoss`.

    Parameters
    ----------
    aggregation
        Of the wrong probabilities of an error component: their mean, root mean square, maximum or
        sum.
    """

    aggregation: Aggregation = "mean"

    def prepare(self, target: Image) -> Mask:
        """Return the foreground of one target ``([Z,] Y, X)``."""
        return np.asarray(target > THRESHOLD)

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Mask] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        return wrong_of_regions(
            regions_by_betti_errors, self.aggregation, fields_NZYX, targets_NZYX, prepared
        )


def regions_by_neighbours(prediction: Mask, truth: Mask) -> Regions:
    """Return the critical regions of a planar mask, of weight 1."""
    label = critical_regions(prediction, truth)
    return list_regions(label, np.ones(int(label.max())))


def regions_by_effect(prediction: Mask, truth: Mask) -> Regions:
    """Return the error components that change a Betti number, of weight 1."""
    defects = find_defects(prediction, truth)
    return list_regions(defects.labels, defects.is_critical.astype(np.float64))


def regions_by_betti_errors(prediction: Mask, truth: Mask) -> Regions:
    """Return the error components that change a Betti number, weighted by how much they do."""
    defects = find_defects(prediction, truth)
    return list_regions(defects.labels, np.abs(defects.change).sum(axis=1).astype(np.float64))


def list_regions(label: NDArray[np.int32], weight: NDArray[np.float64]) -> Regions:
    """Return those of the regions 1, 2, ... of a label map that have a weight above 0."""
    number = np.append(-1, np.where(weight > 0, np.cumsum(weight > 0) - 1, -1))
    flat = label.ravel()
    wrong = np.flatnonzero(flat)
    region = number[flat[wrong]]
    return Regions(wrong[region >= 0], region[region >= 0], weight[weight > 0])


def wrong_of_regions(
    find: Callable[[Mask, Mask], Regions],
    aggregation: Aggregation,
    fields_NZYX: Tensor,
    targets_NZYX: Tensor,
    prepared: Sequence[Mask] | None,
) -> Tensor:
    """Return for each field the weighted sum over its regions of how wrong their voxels are."""
    if prepared is None:
        prepared = [target > THRESHOLD for target in to_arrays(targets_NZYX)]
    predictions = [field > THRESHOLD for field in to_arrays(fields_NZYX)]
    found = in_threads(find, predictions, prepared)
    fields = fields_NZYX.to(torch.promote_types(fields_NZYX.dtype, torch.float32))

    def moved(parts: Iterable[NDArray[Any]]) -> Tensor:
        # One transfer serves all fields.
        return torch.from_numpy(np.concatenate(list(parts))).to(fields.device)

    counts = [len(each.weight_R) for each in found]
    shift = np.cumsum([0, *counts])
    voxels_V = moved(n * fields[0].numel() + each.voxels_V for n, each in enumerate(found))
    region_V = moved(shift[n] + each.region_V for n, each in enumerate(found))
    weight_R = moved(each.weight_R for each in found).to(fields.dtype)
    truth_V = moved(
        mask.ravel()[each.voxels_V] for mask, each in zip(prepared, found, strict=True)
    ).to(fields.dtype)
    wrong_V = (fields.reshape(-1)[voxels_V] - truth_V).abs()
    loss_R = weight_R * aggregate(wrong_V, region_V, len(weight_R), aggregation)
    return torch.stack([part.sum() for part in torch.split(loss_R, counts)])


def aggregate(wrong_V: Tensor, region_V: Tensor, regions: int, aggregation: Aggregation) -> Tensor:
    """Aggregate how wrong voxels are over each region ``(R,)``."""
    zeros_R = wrong_V.new_zeros(regions)
    size_R = zeros_R.index_add(0, region_V, torch.ones_like(wrong_V))
    match aggregation:
        case "sum":
            return zeros_R.index_add(0, region_V, wrong_V)
        case "mean":
            return zeros_R.index_add(0, region_V, wrong_V) / size_R
        case "rms":
            return (zeros_R.index_add(0, region_V, wrong_V.square()) / size_R).sqrt()
        case "max":
            return zeros_R.scatter_reduce(0, region_V, wrong_V, "amax", include_self=False)
