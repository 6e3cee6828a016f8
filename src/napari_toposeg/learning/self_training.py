"""Self-training: the teacher's answers as labels of what nobody labelled.

The teacher sees a crop as it is; the network is to give the same answer where the crop is turned,
scaled and lit anew. So it learns from images without labels, and on labelled ones it is held to
answers that do not jump about (self-distillation). The teacher's most probable class counts, and
only where its probability reaches a threshold. Padding does not count, and voxels with a label do
only where that is wanted.

References
----------
Tarvainen, Valpola 2017, arXiv:1703.01780 (the teacher); Sohn et al. 2020, arXiv:2001.07685 (a
weakly and a strongly changed view, and the threshold).
"""

# B crops, C channels, K classes with background

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_toposeg.config import Size3
from napari_toposeg.learning.augment import Augmentation
from napari_toposeg.learning.crops import Crop, draw_labelled, draw_unlabelled
from napari_toposeg.learning.examples import Example, with_channels
from napari_toposeg.learning.losses.overlap import IGNORED, dice_cross_entropy
from napari_toposeg.learning.losses.scales import coarse_loss
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch
from napari_toposeg.learning.teacher import Taught

SAMPLES_APART = 2**20
"""Added to the numbers of samples, so that they are changed by other chances than labelled ones."""
RAMP = 0.3
"""Share of the run over which the weight grows, where the teacher knows nothing at the start."""


@dataclass(frozen=True)
class SelfTraining:
    """What the teacher's answers add to a step.

    Parameters
    ----------
    examples
        What crops are drawn from.
    weight
        Of its loss against that of the labels.
    certainty
        Least probability of a class for it to count, 0..1.
    ramp
        Steps over which the weight grows from 0.
    flips
        Axes along which crops are mirrored.
    everywhere
        Let the teacher tell of labelled voxels too.
    """

    examples: Sequence[Example]
    crop: Size3
    augmentation: Augmentation
    seed: int
    weight: float
    certainty: float
    ramp: float
    flips: tuple[int, ...] = ()
    everywhere: bool = False

    def draw(self, step: int, samples: range) -> dict[str, Any]:
        """Draw crops, on the CPU: as many as samples."""
        crops = [self.draw_crop(step, sample) for sample in samples]
        apart = [SAMPLES_APART + sample for sample in samples]
        turns = self.augmentation.draw_turns(self.seed, step, apart, self.crop)
        return {
            "told image": torch.from_numpy(np.stack([with_channels(c.image) for c in crops])),
            "told counts": torch.from_numpy(np.stack([self.counts(crop) for crop in crops])),
            "told turns": turns,
            "told samples": apart,
        }

    def draw_crop(self, step: int, sample: int) -> Crop:
        """Draw one crop."""
        random = random_of(self.seed, step, sample, Purpose.TEACH)
        example = self.examples[int(random.integers(len(self.examples)))]
        if example.target is None:
            return draw_unlabelled(example, self.crop, random, flips=self.flips)
        return draw_labelled(example, self.crop, random, flips=self.flips)

    def counts(self, crop: Crop) -> NDArray[np.bool_]:
        """Return where the teacher's answer may count: True is where it may."""
        if crop.target is None or self.everywhere:
            return crop.inside
        untold: NDArray[np.bool_] = crop.inside & (crop.target == IGNORED)
        return untold

    def losses(
        self, network: nn.Module, batch: Batch, step: int, scale_weights: Sequence[float]
    ) -> dict[str, Tensor]:
        """Return the weighted loss, and the share of voxels that the teacher is certain of."""
        taught = cast(Taught, network)
        image, counts = batch["told image"], batch["told counts"]
        certain, told = taught.tell(image).max(1)
        counts = counts & (certain >= self.certainty)
        target = told.masked_fill(~counts, IGNORED)
        image, target = self.augmentation.turn(image, target, batch["told turns"])
        relit = self.augmentation.relight(image, self.seed, step, batch["told samples"])
        answers = taught.forward_scales(relit)
        fine = scale_weights[0] * torch.stack(dice_cross_entropy(answers[0], target)).sum()
        loss = fine + coarse_loss(answers, target, scale_weights)
        return {"told": self.weight_at(step) * loss, "certain": counts.float().mean()}

    def weight_at(self, step: int) -> float:
        """Return the weight at a step, counted from 1."""
        return self.weight * (min(1.0, step / self.ramp) if self.ramp else 1.0)
