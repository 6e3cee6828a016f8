"""The task of pretraining: crops of unlabelled scans, and an objective that learns from them."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_toposeg.config import ObjectiveName, PretrainConfig, Size3
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.crops import Crop, axes_of, draw_unlabelled
from napari_toposeg.learning.engine import parts_of
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.objectives.objective import Objective
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch, Evaluation
from napari_toposeg.learning.turning import draw_turns, turned
from napari_toposeg.progress import Step

VALIDATION_CROPS = 16
"""Crops that are judged, a part of at most a batch at a time."""


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
        self.judged_first = False
        self.examples, self.config, self.described = examples, config, card
        self.crop: Size3 = card.crop
        size = max(n for n in range(1, config.batch + 1) if VALIDATION_CROPS % n == 0)
        parts = parts_of(range(VALIDATION_CROPS), VALIDATION_CROPS // size)
        self.validation = [objective.prepare(self.fixed(validation, part), 0) for part in parts]

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return all that is trained, at one rate."""
        return [{"params": list(self.network.named_parameters())}]

    def fixed(self, examples: Sequence[Example], samples: range) -> Batch:
        """Draw crops to be judged, of one scan after the other."""
        crops = [
            self.cut(examples[number % len(examples)], self.random(0, number)) for number in samples
        ]
        return collate(crops, samples)

    def draw(self, step: int, samples: range) -> Batch:
        """Draw crops, each visit's from a scan chosen at random."""
        batch = collate([self.draw_crop(step, sample) for sample in samples], samples)
        turns = self.turns(step, samples)
        if turns is not None:
            batch = {**batch, "turns": turns}
        if looks_early(self.config.objective):
            batch = turned(batch)
        return self.objective.prepare(batch, step)

    def draw_crop(self, step: int, sample: int) -> Crop:
        """Draw one crop."""
        visit = sample // self.config.crops_per_visit
        chosen = random_of(self.config.seed, step, visit, Purpose.VISIT)
        example = self.examples[int(chosen.integers(len(self.examples)))]
        return self.cut(example, self.random(step, sample))

    def cut(self, example: Example, random: np.random.Generator) -> Crop:
        """Draw a crop out of a scan."""
        return draw_unlabelled(example, self.crop, random, flips=axes_of(self.config.flips))

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
        """Return the objective's terms; what was not turned yet is turned on the device."""
        return self.objective.losses(network, turned(batch), step)

    def after(self, step: int) -> None:
        """Let the objective follow."""
        self.objective.after(step)

    def evaluate(self, network: nn.Module) -> Generator[Step, None, Evaluation]:
        """Judge on fixed crops with fixed chance."""
        device = next(network.parameters()).device
        judged = []
        for number, part in enumerate(self.validation, start=1):
            yield Step(step=number, total=len(self.validation), message="validating")
            batch = {
                name: value.to(device) if isinstance(value, Tensor) else value
                for name, value in part.items()
            }
            with torch.inference_mode():
                judged.append(self.objective.judge(network, batch))
        return mean_of(judged)

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights of the network that the card describes."""
        return self.objective.weights()

    def card(self, evaluation: Evaluation) -> Card:
        """Return the model's card with what was measured last."""
        return self.described.model_copy(
            update={"quality": {"validation": dict(evaluation.metrics)}}
        )


def looks_early(objective: ObjectiveName) -> bool:
    """Tell whether an objective prepares its batch from what the crops show.

    Then they are turned before, in the thread that draws; else on the device, which is faster.
    """
    match objective:
        case "mae" | "simmim" | "maskfeat" | "dino":
            return False
        case _:
            return True


def mean_of(parts: Sequence[Evaluation]) -> Evaluation:
    """Join the evaluations of equally many crops each; the first part is shown."""
    metrics = {
        name: float(np.mean([part.metrics[name] for part in parts])) for name in parts[0].metrics
    }
    score = float(np.mean([part.score for part in parts]))
    return Evaluation(score, metrics, parts[0].preview)


def collate(crops: Sequence[Crop], samples: Sequence[int]) -> Batch:
    """Stack crops into a batch: see `objective.Objective`."""
    return {
        "image": torch.from_numpy(np.stack([crop.image for crop in crops])[:, None]),
        "inside": torch.from_numpy(np.stack([crop.inside for crop in crops])[:, None]),
        "place": torch.from_numpy(np.stack([crop.place for crop in crops])),
        "samples": list(samples),
        "modality": [crop.modality for crop in crops],
    }
