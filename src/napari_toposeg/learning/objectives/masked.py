"""Masked reconstruction (`mae`): hide most of a crop, rebuild it from the rest.

The squared error counts hidden voxels only.

References
----------
He et al. 2022, arXiv:2111.06377; in volumes Zhou et al. 2023, arXiv:2203.05573.
"""

# B batch, N cubes, M hidden cubes, V voxels in a cube

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from napari_toposeg.config import PretrainConfig
from napari_toposeg.learning.baselines import interpolation_error, mean_error
from napari_toposeg.learning.losses.masked import masked_squared_error
from napari_toposeg.learning.networks.masked_autoencoder import Autoencoder, Rebuilt, hidden_values
from napari_toposeg.learning.patches import patch_grid
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch, Evaluation


class MaskedReconstruction:
    """The objective of a masked autoencoder: see `objective.Objective`.

    Parameters
    ----------
    network
        The autoencoder.
    """

    def __init__(self, network: Autoencoder, config: PretrainConfig) -> None:
        self.network: nn.Module = network
        self.config = config
        self.cube = network.cube

    def prepare(self, batch: Batch, step: int) -> Batch:
        """Draw what is hidden of each sample."""
        return draw_hidden_for(batch, step, self.config, self.cube)

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the squared error on hidden voxels."""
        rebuilt, counted = self.rebuild(network, batch)
        squared = masked_squared_error(rebuilt.predicted_BMV, rebuilt.true_BMV, counted)
        return {"loss": squared, "mse": squared}

    def rebuild(self, network: nn.Module, batch: Batch) -> tuple[Rebuilt, Tensor]:
        """Rebuild what is hidden, and tell which voxels of it are no padding."""
        rebuilt = network(batch["image"], batch["hidden"])
        return rebuilt, hidden_values(batch["inside"], batch["hidden"], self.cube)

    def after(self, step: int) -> None:
        """Do nothing."""

    def judge(self, network: nn.Module, batch: Batch) -> Evaluation:
        """Measure the error of hidden voxels, and that of the simple predictors."""
        rebuilt, counted = self.rebuild(network, batch)
        return judge_rebuilt(rebuilt, counted, batch, self.cube)

    def weights(self) -> Mapping[str, Tensor]:
        """Return all: the network is an autoencoder."""
        return self.network.state_dict()


def draw_hidden_for(batch: Batch, step: int, config: PretrainConfig, cube: int) -> Batch:
    """Add to a batch the cubes that are hidden of each sample."""
    count = int(np.prod(patch_grid(batch["image"].shape, cube)))
    hidden_BN = draw_hidden_each(config.seed, step, batch["samples"], count, config.mask_ratio)
    return {**batch, "hidden": hidden_BN}


def draw_hidden_each(
    seed: int, step: int, samples: Sequence[int], count: int, ratio: float
) -> Tensor:
    """Draw masks ``(B, N)``, True = hidden, each sample's by its own number; all hide equally many.

    Parameters
    ----------
    count
        Cubes of a crop.
    ratio
        Share of them that is hidden; at least one is, and at least one is not.
    """
    hidden = min(max(round(ratio * count), 1), count - 1)
    mask_BN = torch.zeros(len(samples), count, dtype=torch.bool)
    for mask_N, sample in zip(mask_BN, samples, strict=True):
        random = random_of(seed, step, sample, Purpose.HIDE)
        mask_N[torch.from_numpy(random.permutation(count)[:hidden])] = True
    return mask_BN


def judge_rebuilt(rebuilt: Rebuilt, counted: Tensor, batch: Batch, cube: int) -> Evaluation:
    """Measure a reconstruction beside the simple predictors; less error is a higher score."""
    image, inside = batch["image"], batch["inside"]
    error = float(masked_squared_error(rebuilt.predicted_BMV, rebuilt.true_BMV, counted))
    metrics = {
        "mse": error,
        "mse_mean": mean_error(image, inside, rebuilt.hidden_BN, cube),
        "mse_interpolation": interpolation_error(image, inside, rebuilt.hidden_BN, cube),
    }
    hidden = rebuilt.hidden_BN[0].reshape(patch_grid(image.shape, cube))
    for axis in range(3):
        hidden = hidden.repeat_interleave(cube, axis)
    shown = {"image": image[0, 0], "hidden": hidden, "rebuilt": rebuilt.composite_BCZYX[0, 0]}
    return Evaluation(
        -error, metrics, {name: part.float().cpu().numpy() for name, part in shown.items()}
    )
