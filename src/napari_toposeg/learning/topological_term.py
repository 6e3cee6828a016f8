"""The topological term of a training: which loss, where it looks, and how much it weighs.

A topological loss costs more than a network's step if it looks at everything. So at each step the
term draws a few fields of the batch, each as likely as any other, and a block of them. What
depends on the target alone is computed with the crops, in the loader's thread. The weight makes
the term's gradient a fixed share of the main loss's, whatever the data.
"""

# B batch, K fields of a crop (its classes), N fields drawn

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_toposeg.config import FieldLossName, TopologyConfig
from napari_toposeg.learning.losses import topological_loss
from napari_toposeg.learning.losses.fields import TopologicalLoss, in_threads, to_arrays
from napari_toposeg.learning.losses.joined import Answer, join
from napari_toposeg.learning.smoothing import reach, smooth

RAMP = 0.1
"""Share of the run over which the term grows to its full weight."""


@dataclass(frozen=True)
class Place:
    """Where the term looks in one step.

    Parameters
    ----------
    crops, classes
        ``(N,)``: each field's crop in the batch, and which of the crop's K fields it is.
    cut
        Block of the crop with a margin, as far as the crop has one, for the blur.
    trim
        The block within that.
    """

    crops: Tensor
    classes: Tensor
    cut: tuple[slice, ...]
    trim: tuple[slice, ...]

    def take(self, drawn_NKZYX: Tensor) -> Tensor:
        """Return of each drawn crop its drawn field, cut out with the margin, ``(N, z, y, x)``."""
        each = torch.arange(len(drawn_NKZYX), device=drawn_NKZYX.device)
        return drawn_NKZYX[:, :, *self.cut][each, self.classes.to(each.device)]

    def cut_out(self, drawn_NZYX: Tensor) -> Tensor:
        """Return of each drawn crop the block with its margin."""
        return drawn_NZYX[:, *self.cut]

    def is_class(self, labels_NZYX: Tensor) -> Tensor:
        """Tell where labels taken here are those of their field's class, counted from 1."""
        return labels_NZYX == self.classes[:, None, None, None] + 1


@dataclass(frozen=True)
class Look:
    """What the term knows of the targets before the network has answered.

    Parameters
    ----------
    counted
        ``(N, z, y, x)``, False where there is no label or no volume.
    targets
        Blurred blocks ``(N, z, y, x)``, without their margin.
    prepared
        What the loss computed of each.
    """

    place: Place
    counted: Tensor
    targets: Tensor
    prepared: Sequence[Any]


@dataclass(frozen=True)
class TopologicalTerm:
    """The term: see `topological_term`, which makes it of a run's settings.

    Parameters
    ----------
    loss
        The loss of fields.
    crops
        Fields a step that it looks at, at most.
    block
        Edge of the block that it looks at, in voxels; 0: the whole crop.
    smoothing
        Standard deviation of the blur of both images, in voxels.
    weight
        Its gradient norm relative to that of the main loss, once the ramp is over.
    ramp
        Steps until then.
    """

    loss: TopologicalLoss
    crops: int
    block: int
    smoothing: float
    weight: float
    ramp: float

    def choose(self, shape: Sequence[int], random: np.random.Generator) -> Place:
        """Draw where to look in a batch of this shape ``(B, K, Z, Y, X)``; all alike likely."""
        B, K, *edges = shape
        chosen = torch.from_numpy(random.permutation(B * K)[: self.crops])
        cut, trim, margin = [], [], reach(self.smoothing)
        for edge in edges:
            size = min(self.block or edge, edge)
            start = int(random.integers(edge - size + 1))
            first, last = max(0, start - margin), min(edge, start + size + margin)
            cut.append(slice(first, last))
            trim.append(slice(start - first, start - first + size))
        return Place(chosen // K, chosen % K, tuple(cut), tuple(trim))

    def look(self, place: Place, targets: Tensor, counted: Tensor) -> Look:
        """Prepare the targets at a place; both ``(N, z, y, x)`` with the place's margin."""
        blurred = self.blur(targets.float() * counted, place)
        return Look(place, counted, blurred, in_threads(self.loss.prepare, to_arrays(blurred)))

    def blur(self, images: Tensor, place: Place) -> Tensor:
        """Blur blocks with a margin and cut it off."""
        return smooth(images, self.smoothing)[:, *place.trim].contiguous()

    def __call__(self, drawn_NKZYX: Tensor, look: Look) -> Tensor:
        """Return the mean loss of the fields of the drawn crops at the place looked at.

        What does not count is 0 in both images.
        """
        seen = look.place.take(drawn_NKZYX).float() * look.counted.to(drawn_NKZYX.device)
        blurred = self.blur(seen, look.place)
        return self.loss(blurred, look.targets.to(blurred.device), look.prepared).mean()

    def join(self, main: Tensor, term: Tensor, answer: Answer, step: int) -> dict[str, Tensor]:
        """Return the weighted sum of main loss and term, with the term and its weight.

        Parameters
        ----------
        main, term
            Computed from ``answer.loose``.
        """
        share = self.weight * min(1.0, step / self.ramp)
        loss, weight = join(main, term, answer, share=share)
        return {"loss": loss, "topology": term, "topology_weight": weight}


def topological_term(name: FieldLossName, config: TopologyConfig) -> TopologicalTerm | None:
    """Make the term of a run's settings; None where its weight is 0."""
    if config.topology_weight == 0:
        return None
    return TopologicalTerm(
        topological_loss(
            name, tau=config.topology_tau, dimensions=tuple(config.topology_dimensions)
        ),
        crops=config.topology_crops,
        block=config.topology_block,
        smoothing=config.topology_smoothing,
        weight=config.topology_weight,
        ramp=max(1.0, RAMP * config.steps),
    )
