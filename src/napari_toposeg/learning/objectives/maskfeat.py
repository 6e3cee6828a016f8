"""MaskFeat (`maskfeat`): hide cubes, and predict how intensity changes in them.

    loss = mean over images of  mean_hidden |HOG(x) - h'|^2

The targets are histograms of oriented gradients (`losses.hog`): local contrast is normalised away,
and with it most of what differs between scanners. They are computed on the device from the image
alone, and a cube of even edge has eight cells, as the patch of 16 has four of 8 in the original.

The original's planar histograms of each colour channel become histograms of the sphere's axes. The
original divides by each cell's length whatever it is, so the noise of flat cells is as loud a
target as an edge; here faint cells fade. Cubes more than half of which are padding do not count.

References
----------
Wei et al. 2022, arXiv:2112.09133 (HOG features of masked regions, L2 loss).
"""

# B batch, N cubes, M hidden cubes, V values of a cube

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_toposeg.config import NetworkConfig, PretrainConfig, Size3
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.baselines import hidden_voxels
from napari_toposeg.learning.losses.hog import AXES, oriented_gradients
from napari_toposeg.learning.losses.masked import masked_squared_error
from napari_toposeg.learning.networks.masked_autoencoder import hidden_values
from napari_toposeg.learning.objectives.heads import HidingEncoder, PixelShuffle, encoder_weights
from napari_toposeg.learning.objectives.masked import draw_hidden_for
from napari_toposeg.learning.patches import to_patches
from napari_toposeg.learning.task import Batch, Evaluation


class FeaturePredictor(nn.Module):
    """Any encoder that hides, and one linear map from its coarsest features to those of cells."""

    def __init__(self, config: NetworkConfig, cell: int) -> None:
        super().__init__()
        self.hiding = HidingEncoder(config)
        encoder = self.hiding.encoder
        self.pool, spread = fit(encoder.strides[-1], cell)
        self.head = PixelShuffle(encoder.widths[-1], AXES * config.channels, spread)

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> Tensor:
        """Return predicted histograms ``(B, V, z, y, x)`` of all cells."""
        features = self.hiding(image_BCZYX, hidden_BN)[-1]
        predicted: Tensor = self.head(F.avg_pool3d(features, self.pool))
        return predicted


class MaskedFeatures:
    """The objective: see `objective.Objective`."""

    def __init__(self, network: NetworkConfig, config: PretrainConfig) -> None:
        self.config, self.built, self.cube = config, network, network.hidden_cube
        self.cells = 1 if self.cube % 2 else 2
        self.cell = self.cube // self.cells
        self.predictor = FeaturePredictor(network, self.cell)
        self.network: nn.Module = self.predictor

    def prepare(self, batch: Batch, step: int) -> Batch:
        """Draw what is hidden of each sample."""
        return draw_hidden_for(batch, step, self.config, self.cube)

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the squared error of the histograms of hidden cubes."""
        predicted_BMV, true_BMV, counted_BM1 = self.compare(network, batch)
        squared = masked_squared_error(predicted_BMV, true_BMV, counted_BM1) / true_BMV.shape[2]
        return {"loss": squared, "hog": squared}

    def compare(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return predicted and true histograms of hidden cubes, and which cubes count."""
        predicted, hidden_BN = network(batch["image"], batch["hidden"]), batch["hidden"]
        with torch.no_grad():
            true = self.targets(batch)
        inside = to_patches(batch["inside"].float(), self.cube).mean(2, keepdim=True) > 0.5
        counted = inside[hidden_BN].reshape(len(inside), -1, 1)
        predicted_BMV, true_BMV = (
            hidden_values(each, hidden_BN, self.cells) for each in (predicted, true)
        )
        return predicted_BMV, true_BMV, counted

    def targets(self, batch: Batch) -> Tensor:
        """Return the histograms of all cells, those of each channel one after the other."""
        image, inside = batch["image"], batch["inside"]
        channels = image.split(1, dim=1)
        return torch.cat([oriented_gradients(each, inside, self.cell) for each in channels], 1)

    def after(self, step: int) -> None:
        """Do nothing."""

    def judge(self, network: nn.Module, batch: Batch) -> Evaluation:
        """Measure the error, beside that of the mean histogram of each image's visible cubes."""
        predicted_BMV, true_BMV, counted = self.compare(network, batch)
        values = true_BMV.shape[2]
        visible_BKV = hidden_values(self.targets(batch), ~batch["hidden"], self.cells)
        simple = visible_BKV.mean(1, keepdim=True).expand_as(true_BMV)
        error, baseline = (
            float(masked_squared_error(each, true_BMV, counted)) / values
            for each in (predicted_BMV, simple)
        )
        image = batch["image"]
        hidden = hidden_voxels(batch["hidden"], image.shape, self.cube)
        shown = {"image": image[0, 0], "hidden": hidden[0, 0]}
        return Evaluation(
            -error,
            {"hog": error, "hog_mean": baseline},
            {name: part.float().cpu().numpy() for name, part in shown.items()},
        )

    def weights(self) -> Mapping[str, Tensor]:
        """Return the encoder's: the head serves this objective only."""
        return encoder_weights(self.predictor.hiding.encoder, self.built)


def fit(stride: Size3, cell: int) -> tuple[Size3, Size3]:
    """Return how many features are averaged for a cell, and how many cells a feature answers for.

    Raises
    ------
    InvalidConfig
        If features and cells do not fit into each other.
    """
    if any(max(step, cell) % min(step, cell) for step in stride):
        raise InvalidConfig(
            f"cells of {cell} voxels do not fit features that span {stride}; choose a cube that "
            "is such a span, or a half, a double of it"
        )
    pool, spread = zip(*((max(1, cell // s), max(1, s // cell)) for s in stride), strict=True)
    return pool, spread
