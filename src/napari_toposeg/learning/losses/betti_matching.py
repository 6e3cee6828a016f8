"""Betti matching loss: matched features are drawn together, unmatched ones are drawn to nothing.

The features of a field are matched to those of its target in place (`topology.matching`); with
(b, d) the values at which a bar is born and dies, and the essential component left out,

    L = 2 w_m sum over matches |(b, d) - (b', d')|^2
        + w_u sum over bars only in the field (b - d)^2
        + sum over bars only in the target (b' - d')^2 .

The last sum is a constant of the matching and has no gradient: a feature that the field lacks
altogether does not pull, only one of which the field has the beginning.

References
----------
Stucki et al. 2023, arXiv:2211.15272 (2D); Stucki et al. 2024, arXiv:2407.04683 (3D).
"""

# N fields

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays, values_at
from napari_toposeg.topology.diagram import PersistenceDiagram
from napari_toposeg.topology.grid import Construction
from napari_toposeg.topology.matching import BettiMatching, Definition, match_barcodes


@dataclass(frozen=True)
class BettiMatchingLoss:
    """Sum over bars of the squared distance to what they are matched to.

    Parameters
    ----------
    dimensions
        Which of 0 (components), 1 (loops), 2 (cavities) count; all by default.
    tau
        Bars of at most this persistence are left out, in the fields' unit; a match counts where
        either bar is longer.
    matched_weight, unmatched_weight
        Weights of matches, and of bars that only the field has.
    construction
        ``"T"``: 26-connected structures (8 in 2D); ``"V"``: 6-connected (4 in 2D), as in the
        paper's program.
    definition
        Of the matching, see `match_barcodes`; ``"betti-matching-3d"`` goes with ``"V"`` only.
    """

    dimensions: tuple[int, ...] | None = None
    tau: float = 0.0
    matched_weight: float = 1.0
    unmatched_weight: float = 1.0
    construction: Construction = "T"
    definition: Definition = "induced"

    def prepare(self, target: Image) -> None:
        """Return nothing: how a target lies in its comparison depends on the field beside it.

        Its own barcode comes out of the same walk along the gradient of both; with a label, whose
        ties are broken by the field, it is its image in the comparison as well. To have it
        beforehand would save next to nothing.
        """

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[None] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        matchings = in_threads(self.match, to_arrays(fields_NZYX), to_arrays(targets_NZYX))
        exact = torch.promote_types(fields_NZYX.dtype, torch.float32)
        fields, targets = fields_NZYX.to(exact), targets_NZYX.detach().to(exact)
        rows = zip(fields, targets, matchings, strict=True)
        return torch.stack([self.loss_of(*row) for row in rows])

    def match(self, field: Image, target: Image) -> BettiMatching:
        """Match the bars of one field to those of its target, and drop the short ones."""
        found = match_barcodes(
            field,
            target,
            dimensions=self.dimensions,
            construction=self.construction,
            definition=self.definition,
            threads=1,
        )
        pairs = found.matched_prediction, found.matched_truth
        counts = ~pairs[0].is_essential
        counts &= (pairs[0].persistence > self.tau) | (pairs[1].persistence > self.tau)
        return BettiMatching(
            pairs[0].rows(counts),
            pairs[1].rows(counts),
            found.only_prediction.select(min_persistence=self.tau),
            found.only_truth.select(min_persistence=self.tau),
        )

    def loss_of(self, field: Tensor, target: Tensor, matching: BettiMatching) -> Tensor:
        """Return the loss of one field, given its matching."""
        apart = bars_at(field, matching.matched_prediction) - bars_at(
            target, matching.matched_truth
        )
        spurious = length_of(field, matching.only_prediction)
        missing = length_of(target, matching.only_truth)
        matched = 2 * self.matched_weight * apart.square().sum()
        return matched + self.unmatched_weight * spurious.square().sum() + missing.square().sum()


def bars_at(image: Tensor, bars: PersistenceDiagram) -> Tensor:
    """Return the values of birth and death ``(2, bars)``."""
    return torch.stack([values_at(image, bars.birth_voxel), values_at(image, bars.death_voxel)])


def length_of(image: Tensor, bars: PersistenceDiagram) -> Tensor:
    """Return birth less death of each bar."""
    ends = bars_at(image, bars)
    return ends[0] - ends[1]
