"""The topological term of a training: which loss, where it looks, and how much it weighs.

A topological loss costs more than a network's step if it looks at everything. So at each step the
term draws a few fields of the batch and a block of them, each as likely as any other. Topology is
computed with the block's surroundings, but the gradient flows to the block alone: so the gradients
of blocks add up to that of the whole, nearly. What depends on the target alone is computed with the
crops, in the loader's thread. The weight makes the term's gradient a fixed share of the main
loss's, whatever the data.

The fields are drawn from the step's whole batch, by seed and step alone. A process or part that has
a share of the batch computes those of them that it has.
"""

# B whole batch, S samples at hand, K fields of a crop (its classes), N drawn fields at hand

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_toposeg.config import FieldLossName, TopologyConfig
from napari_toposeg.learning.losses import topological_loss
from napari_toposeg.learning.losses.fields import TopologicalLoss, in_threads, to_arrays
from napari_toposeg.learning.losses.joined import ALL, Answer, Share, join
from napari_toposeg.learning.losses.vesselness import vesselness
from napari_toposeg.learning.smoothing import reach, smooth

HALO = 8
"""Voxels around a block that are looked at with it; fewer bend the gradient, more cost time."""

RAMP = 0.1
"""Share of the run over which the term grows to its full weight."""

LATE = 0.5
"""Share of the run after which a late term begins."""

FLOOR = 0.01
"""Mean vesselness that any block is taken to have: none is never drawn."""


@dataclass(frozen=True)
class Place:
    """Where the term looks in one step.

    Parameters
    ----------
    crops, classes
        ``(N,)``: each field's crop, among those at hand, and which of the crop's K fields it is.
    cut
        Block of the crop with its surroundings and, for the blur, a margin around these; less
        where the crop ends.
    trim
        Block and surroundings within that.
    block
        The block within these.
    drawn
        Fields drawn of the whole batch.
    share
        Of the batch and of these that is at hand.
    """

    crops: Tensor
    classes: Tensor
    cut: tuple[slice, ...]
    trim: tuple[slice, ...]
    block: tuple[slice, ...]
    drawn: int
    share: Share = ALL

    @property
    def part(self) -> float:
        """What a field's loss is multiplied by, for the mean of equal shares to be the batch's."""
        return 1.0 / (self.drawn * self.share.samples)

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
        Its gradient norm relative to that of the main loss, when it is full.
    begin, ramp
        Steps without the term, and steps from there until it is full; 0: full at once.
    levels
        Both images are cut off below the first and above the second.
    halo
        Voxels around the block that are looked at too, without a gradient.
    """

    loss: TopologicalLoss
    crops: int
    block: int
    smoothing: float
    weight: float
    ramp: float
    begin: float = 0.0
    levels: tuple[float, float] = (0.0, 1.0)
    halo: int = HALO

    def ratio(self, step: int) -> float:
        """Return the wanted ratio of gradient norms at a step, counted from 1; before it none."""
        if step <= self.begin:
            return 0.0
        grown_by = (step - self.begin) / self.ramp if self.ramp else 1.0
        return self.weight * min(1.0, grown_by)

    def choose(
        self,
        shape: Sequence[int],
        random: np.random.Generator,
        samples: Sequence[int] | None = None,
    ) -> Place:
        """Draw where to look in a batch of this shape ``(B, K, Z, Y, X)``.

        The crop is divided into equal blocks, of which one is drawn for all fields.

        Parameters
        ----------
        samples
            Numbers of the samples at hand; all by default.
        """
        B, K, *edges = shape
        at_hand = {sample: number for number, sample in enumerate(samples or range(B))}
        chosen = random.permutation(B * K)[: self.crops]
        block = tuple(draw(self.parts(edge), random) for edge in edges)
        found = [(at_hand[n // K], n % K) for n in chosen.tolist() if n // K in at_hand]
        crops_classes = torch.tensor(found, dtype=torch.long).reshape(-1, 2)
        share = Share(len(at_hand) / B, len(found) / len(chosen))
        cut, trim, inner = self.around(block, edges)
        crops, classes = crops_classes.T
        return Place(crops, classes, cut, trim, inner, len(chosen), share)

    def around(
        self, block: Sequence[slice], edges: Sequence[int]
    ) -> tuple[tuple[slice, ...], tuple[slice, ...], tuple[slice, ...]]:
        """Return of a block what is cut out, trimmed and has a gradient: see `Place`."""
        around = grown(block, self.halo, edges)
        cut = grown(around, reach(self.smoothing), edges)
        return cut, within(around, cut), within(block, around)

    def parts(self, edge: int) -> list[slice]:
        """Divide one axis of a crop into the fewest equal parts that are no larger than a block.

        Every voxel is in one part, so each is drawn as often as any other.
        """
        parts = -(-edge // self.block) if self.block else 1
        return [slice(n * edge // parts, (n + 1) * edge // parts) for n in range(parts)]

    def at_structures(
        self, place: Place, images: Tensor, scale: float, randoms: Sequence[np.random.Generator]
    ) -> list[Place]:
        """Draw each field's own block, in proportion to the vesselness in it.

        Parameters
        ----------
        images
            The drawn fields, ``(N, Z, Y, X)``.
        scale
            See `vesselness`.
        randoms
            The fields' chance.
        """
        edges = images.shape[1:]
        boxes = list(product(*(self.parts(edge) for edge in edges)))
        places = []
        for number, (seen, random) in enumerate(
            zip(vesselness(images, scale), randoms, strict=True)
        ):
            found = np.array([float(seen[box].sum()) + FLOOR * seen[box].numel() for box in boxes])
            block = boxes[int(random.choice(len(boxes), p=found / found.sum()))]
            cut, trim, inner = self.around(block, edges)
            one = slice(number, number + 1)
            crops, classes = place.crops[one], place.classes[one]
            places.append(Place(crops, classes, cut, trim, inner, place.drawn, place.share))
        return places

    def look(self, place: Place, targets: Tensor, counted: Tensor) -> Look:
        """Prepare the targets at a place; both ``(N, z, y, x)`` with the place's margin."""
        blurred = self.blur(targets.float() * counted, place)
        return Look(place, counted, blurred, in_threads(self.loss.prepare, to_arrays(blurred)))

    def blur(self, images: Tensor, place: Place) -> Tensor:
        """Blur blocks with a margin and cut it off; then cut off what is beyond the levels."""
        blurred = smooth(images, self.smoothing)[:, *place.trim].contiguous()
        # What is rebuilt may lie outside of 0..1, and is left so where no level is set.
        return blurred if self.levels == (0.0, 1.0) else blurred.clamp(*self.levels)

    def __call__(self, drawn_NKZYX: Tensor, look: Look) -> Tensor:
        """Return the loss of the fields of the drawn crops at the place looked at.

        Its mean over equal shares of a batch is the mean over the batch's drawn fields. What does
        not count is 0 in both images.
        """
        if not len(look.place.crops):
            return drawn_NKZYX.sum()
        seen = look.place.take(drawn_NKZYX).float() * look.counted.to(drawn_NKZYX.device)
        fields = with_gradient_inside(self.blur(seen, look.place), look.place.block)
        losses = self.loss(fields, look.targets.to(fields.device), look.prepared)
        return losses.sum() * look.place.part

    def join(
        self, main: Tensor, term: Tensor, answers: Sequence[Answer], share: Share, step: int
    ) -> dict[str, Tensor]:
        """Return the weighted sum of main loss and term, with the term and its weight.

        Parameters
        ----------
        main, term
            Computed from what is loose in ``answers``.
        share
            Of the batch, and of the fields drawn, that is at hand.
        """
        loss, weight = join(main, term, answers, ratio=self.ratio(step), share=share)
        return {"loss": loss, "topology": term, "topology_weight": weight}


def draw(parts: Sequence[slice], random: np.random.Generator) -> slice:
    """Draw one of some parts."""
    return parts[int(random.integers(len(parts)))]


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


def topological_term(
    name: FieldLossName, config: TopologyConfig, *, vessel_scale: float | None = None
) -> TopologicalTerm | None:
    """Make the term of a run's settings; None where its weight is 0.

    Parameters
    ----------
    vessel_scale
        See `losses.topological_loss`.
    """
    if config.topology_weight == 0:
        return None
    begin, ramp = schedule(config)
    return TopologicalTerm(
        topological_loss(
            name,
            tau=config.topology_tau,
            dimensions=tuple(config.topology_dimensions),
            vessel_scale=vessel_scale,
        ),
        crops=config.topology_crops,
        block=config.topology_block,
        smoothing=config.topology_smoothing,
        weight=config.topology_weight,
        begin=begin,
        ramp=ramp,
        levels=config.topology_levels,
    )


def schedule(config: TopologyConfig) -> tuple[float, float]:
    """Return the steps without the term, and those over which it then grows."""
    match config.topology_schedule:
        case "constant":
            return 0.0, 0.0
        case "ramp":
            return 0.0, max(1.0, RAMP * config.steps)
        case "late":
            return LATE * config.steps, max(1.0, RAMP * config.steps)
