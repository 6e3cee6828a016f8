"""The task of pretraining: crops of unlabelled scans, and an objective that learns from them."""

from collections.abc import Generator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from napari_toposeg.config import PretrainConfig, Size3
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.crops import Crop, draw_unlabelled
from napari_toposeg.learning.dataset import Example
from napari_toposeg.learning.objectives.objective import Objective
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch, Evaluation
from napari_toposeg.learning.turning import draw_turns, turned
from napari_toposeg.progress import Step

VALIDATION_CROPS = 16


class Pretraining:
    """The task of an objective: see `task.Task`.

    Parameters
    ----------
    examples, validation
        Scans to learn from, and scans that choose the best weights.
    card
        Describes the model; its measured quality is filled in at each evaluation.
    """

    def __init__(
        self,
        objective: Objective,
        examples: Sequence[Example],
        validation: Sequence[Example],
        config: PretrainConfig,
        card: Card,
    ) -> None:
        self.objective, self.network = objective, objective.network
        self.forward_methods = objective.forward_methods
        self.examples, self.config, self.described = examples, config, card
        self.crop: Size3 = card.crop
        crops = [
            draw_unlabelled(validation[number % len(validation)], self.crop, self.random(0, number))
            for number in range(VALIDATION_CROPS)
        ]
        self.validation = objective.prepare(collate(crops, range(VALIDATION_CROPS)), 0)

    def draw(self, step: int, samples: range) -> Batch:
        """Draw crops, each visit's from a scan chosen at random."""
        batch = collate([self.draw_crop(step, sample) for sample in samples], samples)
        turns = self.turns(step, samples)
        # In the thread that draws, since what objectives prepare depends on what they will see.
        batch = batch if turns is None else turned({**batch, "turns": turns})
        return self.objective.prepare(batch, step)

    def draw_crop(self, step: int, sample: int) -> Crop:
        """Draw one crop."""
        visit = sample // self.config.crops_per_visit
        chosen = random_of(self.config.seed, step, visit, Purpose.VISIT)
        example = self.examples[int(chosen.integers(len(self.examples)))]
        return draw_unlabelled(example, self.crop, self.random(step, sample))

    def random(self, step: int, sample: int) -> np.random.Generator:
        """Return the chance of a sample's crop."""
        return random_of(self.config.seed, step, sample, Purpose.CROP)

    def turns(self, step: int, samples: range) -> Tensor | None:
        """Draw how crops are turned and scaled, if they are."""
        rotation, scale = self.config.rotation or 0.0, self.config.scale or 1.0
        if rotation == 0 and scale == 1:
            return None
        return draw_turns(
            self.config.seed, step, samples, self.crop, rotation=rotation, scale=scale
        )

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the objective's terms."""
        return self.objective.losses(network, batch, step)

    def after(self, step: int) -> None:
        """Let the objective follow."""
        self.objective.after(step)

    def evaluate(self, network: nn.Module) -> Generator[Step, None, Evaluation]:
        """Judge on fixed crops with fixed chance."""
        yield Step(step=0, total=1, message="validating")
        device = next(network.parameters()).device
        batch = {
            name: part.to(device) if isinstance(part, Tensor) else part
            for name, part in self.validation.items()
        }
        with torch.inference_mode():
            return self.objective.judge(network, batch)

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights of the network that the card describes."""
        return self.objective.weights()

    def card(self, evaluation: Evaluation) -> Card:
        """Return the model's card with what was measured last."""
        return self.described.model_copy(
            update={"quality": {"validation": dict(evaluation.metrics)}}
        )


def collate(crops: Sequence[Crop], samples: Sequence[int]) -> Batch:
    """Stack crops into a batch: see `objective.Objective`."""
    return {
        "image": torch.from_numpy(np.stack([crop.image for crop in crops])[:, None]),
        "inside": torch.from_numpy(np.stack([crop.inside for crop in crops])[:, None]),
        "place": torch.from_numpy(np.stack([crop.place for crop in crops])),
        "samples": list(samples),
        "modality": [crop.modality for crop in crops],
    }
