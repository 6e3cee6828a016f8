"""Task: what a run trains, on what, and how it is judged. The loop of `engine` serves all."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
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
    """

    score: float
    metrics: Mapping[str, float]
    preview: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


class Task(Protocol):
    """What a run trains, on what, and how it is judged."""

    network: nn.Module

    def draw(self, step: int) -> Batch:
        """Draw the batch of a step, on the CPU; called from another thread."""

    def losses(
        self, network: nn.Module, batch: Batch, generator: torch.Generator, step: int
    ) -> dict[str, Tensor]:
        """Return the terms of the loss; ``"loss"`` is the one that is minimised."""

    def evaluate(self, network: nn.Module) -> Generator[Step, None, Evaluation]:
        """Judge the network as it is, with a Step between any two pieces of the work."""

    def card(self, evaluation: Evaluation) -> Card:
        """Describe the model."""
