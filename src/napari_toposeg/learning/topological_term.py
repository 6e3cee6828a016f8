"""The topological term of a training: which loss, where it looks, and how much it weighs.

A topological loss costs more than a network's step if it looks at everything. So at each step the
term draws a few fields of the batch and a block of them, each as likely as any other. Topology is
computed with the block's surroundings, but the gradient flows to the block alone: so the gradients
of blocks add up to that of the whole, nearly. What
depends on the target alone is computed with the crops, in the loader's thread. The weight makes
the term's gradient a fixed share of the main loss's, whatever the data.
"""

# B batch, K fields of a crop (its classes), N fields drawn

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_toposeg.config import FieldLossName, TopologyConfig
from napari_toposeg.learning.losses import topological_loss
from napari_toposeg.learning.losses.fields import TopologicalLoss, in_threads, to_arrays
from napari_toposeg.learning.losses.joined import Answer, join
from napari_toposeg.learning.smoothing import reach, smooth

HALO = 8
"""Voxels around a block that are looked at with it; fewer bend the gradient, more cost time."""

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
        Block of the crop with its surroundings and, for the blur, a margin around these; less
        where the crop ends.
    trim
        Block and surroundings within that.
    block
        The block within these.
    """

    crops: Tensor
    classes: Tensor
    cut: tuple[slice, ...]
    trim: tuple[slice, ...]
    block: tuple[slice, ...]

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

    def from_corner(self, corner: Sequence[int]) -> "Look":
        """Return the same for crops of which only what begins at a corner is at hand."""
        cut = tuple(
            slice(c.start - first, c.stop - first)
            for c, first in zip(self.place.cut, corner, strict=True)
        )
        return replace(self, place=replace(self.place, cut=cut))


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
        Largest edge of the block that it looks at, in voxels; 0: the whole crop.
    smoothing
        Standard deviation of the blur of both images, in voxels.
    weight
        Its gradient norm relative to that of the main loss, once the ramp is over.
    ramp
        Steps until then.
    halo
        Voxels around the block that are looked at too, without a gradient.
    """

    loss: TopologicalLoss
    crops: int
    block: int
    smoothing: float
    weight: float
    ramp: float
    halo: int = HALO

    def choose(self, shape: Sequence[int], random: np.random.Generator) -> Place:
        """Draw where to look in a batch of this shape ``(B, K, Z, Y, X)``.

        The crop is divided into equal blocks, of which one is drawn for all fields.
        """
        B, K, *edges = shape
        chosen = torch.from_numpy(random.permutation(B * K)[: self.crops])
        block = tuple(self.draw_block(edge, random) for edge in edges)
        around = grown(block, self.halo, edges)
        cut = grown(around, reach(self.smoothing), edges)
        return Place(chosen // K, chosen % K, cut, within(around, cut), within(block, around))

    def draw_block(self, edge: int, random: np.random.Generator) -> slice:
        """Draw a block along one axis of a crop: one of the fewest equal parts that are no larger.

        Every voxel is in one part, so each is drawn as often as any other.
        """
        parts = -(-edge // self.block) if self.block else 1
        number = int(random.integers(parts))
        return slice(number * edge // parts, (number + 1) * edge // parts)

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
        fields = with_gradient_inside(self.blur(seen, look.place), look.place.block)
        return self.loss(fields, look.targets.to(fields.device), look.prepared).mean()

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


def grown(cuts: Sequence[slice], margin: int, edges: Sequence[int]) -> tuple[slice, ...]:
    """Return a box with a margin around it, as far as the image goes."""
    return tuple(
        slice(max(0, cut.start - margin), min(edge, cut.stop + margin))
        for cut, edge in zip(cuts, edges, strict=True)
    )


def within(inner: Sequence[slice], outer: Sequence[slice]) -> tuple[slice, ...]:
    """Return a box in the coordinates of one that holds it."""
    return tuple(
        slice(a.start - b.start, a.stop - b.start) for a, b in zip(inner, outer, strict=True)
    )


def with_gradient_inside(images_NZYX: Tensor, block: Sequence[slice]) -> Tensor:
    """Return equal images through which gradients reach a block only."""
    edges = images_NZYX.shape[1:]
    if all(cut.stop - cut.start == edge for cut, edge in zip(block, edges, strict=True)):
        return images_NZYX
    gated = images_NZYX.detach().clone()
    gated[:, *block] = images_NZYX[:, *block]
    return gated


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
