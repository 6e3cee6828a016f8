"""Where the topological term looks: a few fields of a step's batch, and of each a block.

The fields are drawn from the whole batch, by seed and step alone. A process or part that has a
share of the batch computes those of them that it has.
"""

# B whole batch, S samples at hand, K fields of a crop (its classes), N drawn fields at hand

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_toposeg.learning.losses.joined import ALL, Share
from napari_toposeg.learning.losses.vesselness import vesselness
from napari_toposeg.learning.smoothing import reach

HALO = 8
"""Voxels around a block that are looked at with it; fewer bend the gradient, more cost time."""

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
class Blocks:
    """The equal blocks that a crop is divided into, of which the term looks at one.

    Parameters
    ----------
    edge
        Largest edge of a block, in voxels; 0: the whole crop.
    smoothing
        Standard deviation of the blur of what is looked at, in voxels.
    halo
        Voxels around the block that are looked at too, without a gradient.
    """

    edge: int
    smoothing: float
    halo: int = HALO

    def parts(self, edge: int) -> list[slice]:
        """Divide one axis of a crop into the fewest equal parts that are no larger than a block.

        Every voxel is in one part, so each is drawn as often as any other.
        """
        parts = -(-edge // self.edge) if self.edge else 1
        return [slice(n * edge // parts, (n + 1) * edge // parts) for n in range(parts)]

    def around(
        self, block: Sequence[slice], edges: Sequence[int]
    ) -> tuple[tuple[slice, ...], tuple[slice, ...], tuple[slice, ...]]:
        """Return of a block what is cut out, trimmed and has a gradient: see `Place`."""
        around = grown(block, self.halo, edges)
        cut = grown(around, reach(self.smoothing), edges)
        return cut, within(around, cut), within(block, around)

    def choose(
        self,
        shape: Sequence[int],
        random: np.random.Generator,
        samples: Sequence[int] | None = None,
        *,
        fields: int,
    ) -> Place:
        """Draw where to look in a batch of this shape ``(B, K, Z, Y, X)``: one block of all fields.

        Parameters
        ----------
        samples
            Numbers of the samples at hand; all by default.
        fields
            Fields of the batch that are drawn, at most.
        """
        B, K, *edges = shape
        at_hand = {sample: number for number, sample in enumerate(samples or range(B))}
        chosen = random.permutation(B * K)[:fields]
        block = tuple(draw(self.parts(edge), random) for edge in edges)
        found = [(at_hand[n // K], n % K) for n in chosen.tolist() if n // K in at_hand]
        crops_classes = torch.tensor(found, dtype=torch.long).reshape(-1, 2)
        share = Share(len(at_hand) / B, len(found) / len(chosen))
        cut, trim, inner = self.around(block, edges)
        crops, classes = crops_classes.T
        return Place(crops, classes, cut, trim, inner, len(chosen), share)

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
