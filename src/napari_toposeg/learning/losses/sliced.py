"""Sliced Wasserstein loss: the distance of two diagrams along many lines, paired by sorting.

On a line the best pairing is that of sorted order, so no assignment is solved: a cheap stand-in for
`Wasserstein`, smooth where the order does not change, and as blind to place. Unlike there a feature
that only the target has does pull: its shadow on the diagonal is sorted among the field's.

References
----------
Carriere, Cuturi, Oudot 2017, arXiv:1706.03358.
"""

# N fields, P points of one field's diagram, Q of its target's, L lines

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from napari_toposeg.learning.losses.batches import Batch, lasting_features
from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays, values_at
from napari_toposeg.topology import PersistenceDiagram
from napari_toposeg.topology.distances import essential_rows, finite_rows, slicing_lines


@dataclass(frozen=True)
class SlicedWasserstein:
    """The loss, a `TopologicalLoss`.

    Parameters
    ----------
    dimensions
        Which of 0 (components), 1 (loops), 2 (cavities) count, of superlevel features, 26-connected
        (8 in 2D).
    tau
        Features of at most this persistence, in the fields' unit, are left out of both diagrams.
    directions
        Number of lines, evenly turned.
    order
        1: the paper's distance, equal to `topology.sliced_wasserstein`; 2: squares in place of
        absolute differences, whose gradient fades near the target.

    Notes
    -----
    The essential component never dies; the difference of its birth to the target's is added.
    """

    dimensions: tuple[int, ...] = (0, 1)
    tau: float = 0.05
    directions: int = 16
    order: Literal[1, 2] = 1

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
        diagrams = in_threads(self.prepare, to_arrays(fields_NZYX))
        fields = Batch.of(fields_NZYX).fields_NZYX
        return torch.stack(
            [self.loss_of(*row) for row in zip(fields, diagrams, prepared, strict=True)]
        )

    def loss_of(self, field: Tensor, own: PersistenceDiagram, target: PersistenceDiagram) -> Tensor:
        """Return the loss of one field, given its diagram."""
        lines_2L = torch.from_numpy(slicing_lines(self.directions)).to(field.dtype).to(field.device)
        return torch.stack(
            [field.sum() * 0]
            + [
                term
                for k in self.dimensions
                for term in (
                    self.along_lines(field, own, target, k, lines_2L),
                    self.essential(field, own, target, k),
                )
            ]
        ).sum()

    def along_lines(
        self,
        field: Tensor,
        own: PersistenceDiagram,
        target: PersistenceDiagram,
        dimension: int,
        lines_2L: Tensor,
    ) -> Tensor:
        """Return the mean over lines of the distance of sorted projections."""
        mine, theirs = finite_rows(own, dimension), finite_rows(target, dimension)
        voxels = np.stack([own.birth_voxel[mine], own.death_voxel[mine]], axis=1)
        own_P2 = values_at(field, voxels.ravel()).reshape(-1, 2)
        ends = np.stack([target.birth[theirs], target.death[theirs]], axis=1)
        target_Q2 = torch.from_numpy(ends).to(field.dtype).to(field.device)
        joined = torch.cat([own_P2, shadow(target_Q2)]) @ lines_2L
        other = torch.cat([target_Q2, shadow(own_P2)]) @ lines_2L
        apart = joined.sort(dim=0).values - other.sort(dim=0).values
        return apart.abs().pow(self.order).sum() / self.directions

    def essential(
        self, field: Tensor, own: PersistenceDiagram, target: PersistenceDiagram, dimension: int
    ) -> Tensor:
        """Return how far the births of features that never die are from the target's."""
        mine, theirs = essential_rows(own, dimension), essential_rows(target, dimension)
        born = torch.from_numpy(target.birth[theirs]).to(field.dtype).to(field.device)
        return (values_at(field, own.birth_voxel[mine]) - born).abs().pow(self.order).sum()


def shadow(ends_P2: Tensor) -> Tensor:
    """Return the nearest points of the diagonal."""
    return ends_P2.mean(dim=1, keepdim=True).expand(-1, 2)
