"""Task: what a run trains, on what, and how it is judged. The loop of `engine` serves all.

A step's batch is a number of samples, counted from 0. Each is drawn by the seed, the step and its
own number alone, and each loss is a mean over samples: so a batch that is shared among devices or
computed in parts is the same batch.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_toposeg.learning.cards import Card
from napari_toposeg.progress import Step

Batch = Mapping[str, Any]
"""Tensors, which the loop brings to the device, and what stays as it is."""


@dataclass(frozen=True)
class Evaluation:
    """What a validation found.

    Parameters
    ----------
    score
        The best checkpoint is the one with the highest.
    preview
        Volumes ``(z, y, x)`` by name, to be looked at: "image", and "hidden", "rebuilt" or
        "truth", "prediction" where there are such.
    slices
        Labelled slices to be looked at: see `judging.JudgedSlice`.
    """

    score: float
    metrics: Mapping[str, float]
    preview: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    slices: tuple[Any, ...] = ()


class Task(Protocol):
    """What a run trains, on what, and how it is judged.

    Attributes
    ----------
    network
        All that is trained or kept: its state is what a checkpoint holds.
    judged_first
        Whether the network is judged before the first step too: it can be the best there is.
    """

    network: nn.Module
    judged_first: bool

    def parameter_groups(self) -> Sequence[dict[str, Any]]:
        """Return groups of what is trained, for the optimiser.

        ``"params"`` are named parameters; ``"scale"``, if any, is the group's share of the learning
        rate.
        """

    def draw(self, step: int, samples: range) -> Batch:
        """Draw some samples of a step's batch, on the CPU; called from another thread."""

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the terms of the loss; ``"loss"`` is the one that is minimised."""

    def after(self, step: int) -> None:
        """Do what follows the optimiser's step, such as moving a teacher."""

    def evaluate(self, network: nn.Module) -> Generator[Step, None, Evaluation]:
        """Judge the network as it is, with a Step between any two pieces of the work."""

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights of the network that the card describes."""

    def card(self, evaluation: Evaluation) -> Card:
        """Describe the model."""
