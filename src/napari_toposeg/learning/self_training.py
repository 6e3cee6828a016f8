"""Self-training: the teacher's answers as labels of what nobody labelled.

The teacher sees a crop that the network sees changed: one without labels as it is, where the
network sees it turned, scaled and lit anew; one with labels turned alike, where the network sees it
lit anew. So the network learns from images without labels, and on others it is held to answers that
do not jump about (self-distillation). Blocks of labelled crops can be put into those without, so
that what is known and what is told stand side by side. The teacher's most probable class counts,
and only where its probability reaches a threshold. Voxels with a label count only where that is
wanted.

References
----------
Tarvainen, Valpola 2017, arXiv:1703.01780 (the teacher); Sohn et al. 2020, arXiv:2001.07685 (a
weakly and a strongly changed view, and the threshold); Bai et al. 2023, arXiv:2305.00673 (blocks of
labelled images within others); French et al. 2020, arXiv:1906.01916 (blocks for segmentation).
"""

# B crops, C channels, K classes with background

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_toposeg.config import Size3
from napari_toposeg.learning.augment import Augmentation
from napari_toposeg.learning.crops import Crop, draw_unlabelled
from napari_toposeg.learning.examples import Example, with_channels
from napari_toposeg.learning.losses.overlap import IGNORED, dice_cross_entropy
from napari_toposeg.learning.losses.scales import coarse_loss
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch
from napari_toposeg.learning.teacher import Taught

SAMPLES_APART = 2**20
"""Added to the numbers of samples, so that they are changed by other chances than labelled ones."""
BLOCK = (0.4, 0.8)
"""Least and largest edge of a block of a labelled crop, as shares of the crop's."""
RAMP = 0.3
"""Share of the run over which the weight grows, where the teacher knows nothing at the start."""

Block = tuple[slice, slice, slice]


@dataclass(frozen=True)
class SelfTraining:
    """What the teacher's answers add to a step.

    Parameters
    ----------
    weight
        Of their loss against that of the labels.
    certainty
        Least probability of a class for it to count, 0..1.
    ramp
        Steps over which the weight grows from 0.
    everywhere
        Let the teacher tell of labelled voxels too.
    unlabelled
        Crops without labels to learn from; None: it tells of the labelled crops.
    """

    weight: float
    certainty: float
    ramp: float
    everywhere: bool = False
    unlabelled: "UnlabelledCrops | None" = None

    def of_labelled(
        self,
        taught: Taught,
        image: Tensor,
        target: Tensor,
        answers: Sequence[Tensor],
        step: int,
    ) -> dict[str, Tensor]:
        """Return the loss of labelled crops: see `losses`.

        Parameters
        ----------
        image
            The crops as they were turned, ``(B, C, Z, Y, X)``, and not lit anew.
        target
            Their class numbers ``(B, Z, Y, X)``, -1 where unlabelled.
        answers
            The network's, to the crops that were lit anew, from fine to coarse.
        """
        counts = torch.ones_like(target, dtype=torch.bool) if self.everywhere else target == IGNORED
        return self.losses(self.told(taught, image, counts), taught, answers, step)

    def of_unlabelled(
        self, taught: Taught, batch: Batch, step: int, labelled: tuple[Tensor, Tensor]
    ) -> dict[str, Tensor]:
        """Return the loss of crops of `unlabelled`: see `losses`.

        Parameters
        ----------
        labelled
            Labelled crops as the network sees them, and their class numbers, of which blocks are
            put into the others.
        """
        assert self.unlabelled is not None
        told = self.told(taught, batch["untold image"], batch["inside"])
        relit, target = self.unlabelled.changed(batch, told, step)
        relit, target = with_blocks((relit, target), labelled, batch["blocks"])
        return self.losses(target, taught, taught(relit, all_scales=True), step)

    def told(self, taught: Taught, image: Tensor, counts: Tensor) -> Tensor:
        """Return the classes ``(B, Z, Y, X)`` that the teacher is certain of, -1 elsewhere.

        Parameters
        ----------
        counts
            True where its answer may count.
        """
        probabilities: Tensor = taught(image, told=True)
        certainty, classes = probabilities.max(1)
        return classes.masked_fill(~counts | (certainty < self.certainty), IGNORED)

    def losses(
        self, told: Tensor, taught: Taught, answers: Sequence[Tensor], step: int
    ) -> dict[str, Tensor]:
        """Return the weighted loss, and the share of voxels that the teacher is certain of."""
        weights = taught.student.scale_weights
        fine = weights[0] * torch.stack(dice_cross_entropy(answers[0], told)).sum()
        loss = fine + coarse_loss(answers, told, weights)
        return {"told": self.weight_at(step) * loss, "certain": (told != IGNORED).float().mean()}

    def weight_at(self, step: int) -> float:
        """Return the weight at a step, counted from 1."""
        return self.weight * (min(1.0, step / self.ramp) if self.ramp else 1.0)


@dataclass(frozen=True)
class UnlabelledCrops:
    """Crops of images without labels, as many a step as of labelled ones.

    Parameters
    ----------
    flips
        Axes along which they are mirrored at random.
    mixed
        Share of them that get a block of a labelled crop.
    """

    examples: Sequence[Example]
    crop: Size3
    augmentation: Augmentation
    seed: int
    flips: tuple[int, ...] = ()
    mixed: float = 0.0

    def draw(self, step: int, samples: range) -> dict[str, Any]:
        """Draw crops, on the CPU, and how they will be turned."""
        crops = [self.draw_crop(step, sample) for sample in samples]
        apart = [SAMPLES_APART + sample for sample in samples]
        return {
            "untold image": torch.from_numpy(np.stack([with_channels(c.image) for c in crops])),
            "inside": torch.from_numpy(np.stack([crop.inside for crop in crops])),
            "untold turns": self.augmentation.draw_turns(self.seed, step, apart, self.crop),
            "untold samples": apart,
            "blocks": [self.draw_block(step, sample) for sample in samples],
        }

    def draw_crop(self, step: int, sample: int) -> Crop:
        """Draw one crop."""
        random = random_of(self.seed, step, sample, Purpose.TEACH)
        example = self.examples[int(random.integers(len(self.examples)))]
        return draw_unlabelled(example, self.crop, random, flips=self.flips, one_channel=False)

    def draw_block(self, step: int, sample: int) -> Block | None:
        """Draw where a crop gets a block of a labelled one, if it does."""
        random = random_of(self.seed, step, sample, Purpose.MIX)
        if random.random() >= self.mixed:
            return None
        edges = [round(edge * random.uniform(*BLOCK)) for edge in self.crop]
        room = np.subtract(self.crop, edges)
        first = random.integers(room, endpoint=True).tolist()
        z, y, x = (slice(at, at + edge) for at, edge in zip(first, edges, strict=True))
        return z, y, x

    def changed(self, batch: Batch, told: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return the crops turned and lit anew, and what was told of them turned alike."""
        turns, samples = batch["untold turns"], batch["untold samples"]
        image, target = self.augmentation.turn(batch["untold image"], told, turns)
        return self.augmentation.relight(image, self.seed, step, samples), target


def with_blocks(
    crops: tuple[Tensor, Tensor], others: tuple[Tensor, Tensor], blocks: Sequence[Block | None]
) -> tuple[Tensor, Tensor]:
    """Return crops with blocks of others in them, which come from the same places.

    Parameters
    ----------
    crops, others
        Images ``(B, C, Z, Y, X)`` and class numbers ``(B, Z, Y, X)``.
    blocks
        Of each crop; None: it stays as it is.
    """
    image, target = (part.clone() for part in crops)
    for index, block in enumerate(blocks):
        if block is not None:
            image[index, :, *block] = others[0][index, :, *block]
            target[index, *block] = others[1][index, *block]
    return image, target
