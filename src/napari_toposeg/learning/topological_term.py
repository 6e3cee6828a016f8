"""The topological term of a training: which loss, where it looks, and how much it weighs.

A topological loss costs more than a network's step if it looks at everything. So at each step the
term draws a few fields of the batch and a block of them, each as likely as any other. Topology is
computed with the block's surroundings, but the gradient flows to the block alone: so the gradients
of blocks add up to that of the whole, nearly. What depends on the target alone is computed with the
crops, in the loader's thread. The weight makes the term's gradient a fixed share of the main
loss's, whatever the data.

Where it looks is drawn by `term_places`.
"""

# K fields of a crop (its classes), N drawn fields at hand

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from napari_toposeg.config import FieldLossName, TopologyConfig
from napari_toposeg.learning.losses import topological_loss
from napari_toposeg.learning.losses.fields import TopologicalLoss, in_threads, to_arrays
from napari_toposeg.learning.losses.joined import Answer, Share, join
from napari_toposeg.learning.smoothing import smooth
from napari_toposeg.learning.term_places import HALO, Blocks, Look, Place

RAMP = 0.1
"""Share of the run over which the term grows to its full weight."""

LATE = 0.5
"""Share of the run after which a late term begins."""


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

    @property
    def blocks(self) -> Blocks:
        """The blocks of a crop, of which it looks at one."""
        return Blocks(self.block, self.smoothing, self.halo)

    def choose(
        self,
        shape: Sequence[int],
        random: np.random.Generator,
        samples: Sequence[int] | None = None,
    ) -> Place:
        """Draw where to look in a batch of this shape ``(B, K, Z, Y, X)``: see `Blocks.choose`."""
        return self.blocks.choose(shape, random, samples, fields=self.crops)

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
