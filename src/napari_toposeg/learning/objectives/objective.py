"""Objective: what is learnt from unlabelled crops."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn

from napari_toposeg.learning.task import Batch, Evaluation


class Objective(Protocol):
    """What is learnt from unlabelled crops, whatever they are drawn from.

    A batch holds ``image`` ``(B, C, Z, Y, X)`` in 0..1, ``inside`` ``(B, 1, Z, Y, X)`` True where
    there is a volume and not padding, ``place`` ``(B, 3, 4)`` (see `crops.Crop`), and two lists:
    ``samples``, the numbers of its samples within the step's batch, and ``modality`` (see
    `volume.Modality`).
    """

    @property
    def network(self) -> nn.Module:
        """All that is trained or kept, with heads, teachers and centres."""

    def prepare(self, batch: Batch, step: int) -> Batch:
        """Add to a batch what is drawn at random or computed of the targets alone.

        Called on the CPU, in the thread that draws; each sample's chance is its own.
        """

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the terms of the loss, each a mean over samples; ``"loss"`` is minimised."""

    def after(self, step: int) -> None:
        """Do what follows the optimiser's step, such as moving a teacher."""

    def judge(self, network: nn.Module, batch: Batch) -> Evaluation:
        """Measure on fixed, prepared crops, without a gradient."""

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights of the network that the card describes, by its own names.

        They are what a later run starts from: without heads that only this objective needs.
        """
