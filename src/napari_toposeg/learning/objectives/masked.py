"""Masked reconstruction: plain (`mae`), and with a topological term beside it (`topomae`).

The squared error counts hidden voxels only. The topological term looks at the composite, visible
voxels as they are and hidden ones rebuilt, since structures cross the borders of patches.

References
----------
He et al. 2022, arXiv:2111.06377. Topology in masked pretraining: Gu et al. 2024, arXiv:2406.10519,
whose term is the choice ``wasserstein``; the default sees place (see `losses.critical_voxel`).
"""

# B batch, M hidden patches, V voxels in a patch

from collections.abc import Generator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from napari_toposeg.config import PretrainConfig
from napari_toposeg.learning.baselines import interpolation_error, mean_error
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.crops import Crop, draw_unlabelled
from napari_toposeg.learning.dataset import Example
from napari_toposeg.learning.losses.joined import Answer
from napari_toposeg.learning.losses.masked import masked_squared_error
from napari_toposeg.learning.networks.masked_autoencoder import (
    Rebuilt,
    composite_of,
    draw_hidden,
    hidden_values,
)
from napari_toposeg.learning.patches import patch_grid
from napari_toposeg.learning.seeds import random_of, seeded
from napari_toposeg.learning.task import Batch, Evaluation
from napari_toposeg.learning.topological_term import topological_term
from napari_toposeg.progress import Step

VALIDATION_CROPS = 16


class MaskedReconstruction:
    """The task of a masked autoencoder: see `task.Task`.

    Parameters
    ----------
    examples, validation
        Scans to learn from, and scans that choose the best weights.
    card
        Describes the model; its measured quality is filled in at each evaluation.
    """

    def __init__(
        self,
        network: nn.Module,
        examples: Sequence[Example],
        validation: Sequence[Example],
        config: PretrainConfig,
        card: Card,
    ) -> None:
        self.network, self.examples, self.config, self.described = network, examples, config, card
        self.term = (
            topological_term(config.topology, config) if config.objective == "topomae" else None
        )
        self.validation = collate(
            [
                draw_unlabelled(
                    validation[number % len(validation)],
                    config.crop,
                    random_of(config.seed, 0, number),
                )
                for number in range(VALIDATION_CROPS)
            ]
        )

    def draw(self, step: int) -> Batch:
        """Draw crops, each from a scan chosen at random."""
        random = random_of(self.config.seed, step)
        chosen = random.integers(len(self.examples), size=self.config.batch)
        batch = collate(
            [draw_unlabelled(self.examples[number], self.config.crop, random) for number in chosen]
        )
        if self.term is None:
            return batch
        image, inside = batch["image"], batch["inside"]
        place = self.term.choose(image.shape, random_of(self.config.seed, step, 1))
        targets, counted = (place.take(part[place.crops]) for part in (image, inside))
        return batch | {"look": self.term.look(place, targets, counted)}

    def losses(
        self, network: nn.Module, batch: Batch, generator: torch.Generator, step: int
    ) -> dict[str, Tensor]:
        """Return the squared error on hidden voxels and, for `topomae`, the topological term."""
        rebuilt, counted = self.rebuild(network, batch, generator)
        if self.term is None:
            squared = masked_squared_error(rebuilt.predicted_BMV, rebuilt.true_BMV, counted)
            return {"loss": squared, "mse": squared}
        answer = Answer.of(rebuilt.predicted_BMV)
        squared = masked_squared_error(answer.loose, rebuilt.true_BMV, counted)
        term = self.topology(rebuilt, answer.loose, batch)
        return {"mse": squared} | self.term.join(squared, term, answer, step)

    def topology(self, rebuilt: Rebuilt, predicted_BMV: Tensor, batch: Batch) -> Tensor:
        """Compute the topological term of the composite, of which no more is made than it sees."""
        assert self.term is not None
        look, patch = batch["look"], self.config.patch
        drawn = look.place.crops.to(predicted_BMV.device)
        box = tuple(slice(cut.start // patch, -(-cut.stop // patch)) for cut in look.place.cut)
        composite = composite_of(
            batch["image"][drawn], predicted_BMV[drawn], rebuilt.hidden_BN[drawn], patch, box
        )
        return self.term(composite, look.from_corner([patch * cut.start for cut in box]))

    def rebuild(
        self, network: nn.Module, batch: Batch, generator: torch.Generator
    ) -> tuple[Rebuilt, Tensor]:
        """Hide patches at random, rebuild them, and tell which voxels of theirs are no padding."""
        image, patch = batch["image"], self.config.patch
        count = int(np.prod(patch_grid(image.shape, patch)))
        hidden_BN = draw_hidden(len(image), count, self.config.mask_ratio, generator)
        rebuilt = network(image, hidden_BN)
        return rebuilt, hidden_values(batch["inside"], hidden_BN, patch)

    def evaluate(self, network: nn.Module) -> Generator[Step, None, Evaluation]:
        """Measure the error on fixed crops with fixed masks, and that of the simple predictors."""
        yield Step(step=0, total=1, message="validating")
        device = next(network.parameters()).device
        batch = {name: tensor.to(device) for name, tensor in self.validation.items()}
        with torch.inference_mode():
            rebuilt, counted = self.rebuild(network, batch, seeded(self.config.seed, 0, device))
        error = float(masked_squared_error(rebuilt.predicted_BMV, rebuilt.true_BMV, counted))
        image, inside = batch["image"], batch["inside"]
        metrics = {
            "mse": error,
            "mse_mean": mean_error(image, inside, rebuilt.hidden_BN, self.config.patch),
            "mse_interpolation": interpolation_error(
                image, inside, rebuilt.hidden_BN, self.config.patch
            ),
        }
        shown = {"image": image, "rebuilt": rebuilt.composite_BCZYX}
        return Evaluation(
            -error,
            metrics,
            {name: tensor[0, 0].float().cpu().numpy() for name, tensor in shown.items()},
        )

    def card(self, evaluation: Evaluation) -> Card:
        """Return the model's card with what was measured last."""
        return self.described.model_copy(
            update={"quality": {"validation": dict(evaluation.metrics)}}
        )


def collate(crops: Sequence[Crop]) -> dict[str, Tensor]:
    """Stack crops into tensors ``(B, 1, Z, Y, X)``."""
    return {
        "image": torch.from_numpy(np.stack([crop.image for crop in crops])[:, None]),
        "inside": torch.from_numpy(np.stack([crop.inside for crop in crops])[:, None]),
    }
