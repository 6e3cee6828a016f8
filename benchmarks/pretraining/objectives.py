"""Every objective on the same scans with the same compute: does it learn, and what does it keep?

Pretrained on hippocampus images without labels (160 cases), judged on 40 that no run saw. Each
objective has the same processor time: its steps are those seconds by the time of its step.
What it keeps is read out of the frozen encoder by a ridge regression from the features at a cube's
place to the cube's voxels, nothing hidden: its error, and the topology of what it reads against the
image's. What an objective rebuilds itself, where it does, is beside it.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.pretraining.fine_structures import BLUR, LEAST, LEVELS
from benchmarks.pretraining.training import Trained, train
from napari_toposeg.io import read_volume
from napari_toposeg.learning.cases import read_names
from napari_toposeg.learning.crops import draw_unlabelled
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.networks.masked_autoencoder import Autoencoder
from napari_toposeg.learning.patches import from_patches, to_patches
from napari_toposeg.learning.seeds import random_of
from napari_toposeg.topology import betti_curve, persistence, wasserstein

RECIPES = Path(__file__).parents[1] / "recipes"
CROP, CUBE = (32, 32, 32), 8
SECONDS, TRIAL = 60.0, 12
SEEDS = (0, 1, 2)
RIDGE = 1e-3
UNTRAINED = "untrained"
PAIRS = (
    (UNTRAINED, "vit"),
    (UNTRAINED, "resenc-unet"),
    (UNTRAINED, "fused"),
    (UNTRAINED, "swin"),
    ("mae", "vit"),
    ("topomae", "vit"),
    ("simmim", "vit"),
    ("maskfeat", "vit"),
    ("swin-ssl", "vit"),
    ("disruptive", "vit"),
    ("dino", "vit"),
    ("mae", "resenc-unet"),
    ("topomae", "fused"),
    ("simmim", "swin"),
)
BASE: dict[str, object] = {
    "size": "nano",
    "patch": CUBE,
    "crop": CROP,
    "batch": 4,
    "mask_ratio": 0.6,
    "threads": 1,
    "topology_block": 32,
}
MEASURED = ("mse", "mse_mean", "mse_interpolation", "spatial_error", "spatial_error_mean")
HEADER = (
    "objective",
    "network",
    "steps",
    "ms a step",
    "own loss, start",
    "own loss, end",
    "hidden error",
    "of the mean",
    "interpolated",
    "position error",
    "of the mean place",
    "read-out error",
    "Betti curves",
    "diagrams, W2",
)


@dataclass(frozen=True)
class Kept:
    """What a linear map reads out of an encoder: error, and distance in topology."""

    error: float
    curves: float
    diagrams: float


def lines(*, quick: bool) -> Iterator[tuple[str, ...]]:
    """Train every pair with every seed and yield a line of the table for each pair."""
    training, test = hippocampi("train"), hippocampi("test")
    for objective, network in PAIRS:
        settings = settings_of(objective, network)
        steps = 3
        if objective != UNTRAINED:
            trial = train(settings | {"steps": TRIAL, "every": TRIAL}, training, test)
            seconds = 5.0 if quick else SECONDS
            steps = max(TRIAL, int(seconds / trial.seconds))
        runs = [
            train(settings | {"steps": steps, "every": steps, "seed": seed}, training, test)
            for seed in (SEEDS[:1] if quick else SEEDS)
        ]
        kept = [read_out(run, training, test) for run in runs]
        yield line(objective, network, steps, runs, kept)


def settings_of(objective: str, network: str) -> dict[str, object]:
    """Return the settings of a pair; untrained is a rate at which nothing is learnt."""
    if objective == UNTRAINED:
        return BASE | {"objective": "mae", "network": network, "learning_rate": 1e-12}
    return BASE | {"objective": objective, "network": network}


def line(
    objective: str, network: str, steps: int, runs: Sequence[Trained], kept: Sequence[Kept]
) -> tuple[str, ...]:
    """Write the means and the ranges over seeds."""
    own = [ranged([run.metrics.get(name, np.nan) for run in runs]) for name in MEASURED]
    learning = ("0", "-", "-", "-")
    if objective != UNTRAINED:
        learning = (
            str(steps),
            f"{1000 * np.median([run.seconds for run in runs]):.0f}",
            ranged([run.first for run in runs]),
            ranged([run.last for run in runs]),
        )
    return (
        objective,
        network,
        *learning,
        *own,
        ranged([each.error for each in kept]),
        ranged([each.curves for each in kept]),
        ranged([each.diagrams for each in kept]),
    )


def ranged(values: Sequence[float]) -> str:
    """Write mean, least and most; a dash where nothing was measured."""
    if not np.isfinite(values).all():
        return "-"
    return f"{np.mean(values):.3g} ({np.min(values):.3g} - {np.max(values):.3g})"


def hippocampi(part: str) -> list[Example]:
    """Read the images of a part of the hippocampus cases."""
    folder = Path(os.environ["NAPARI_TOPOSEG_DATA"]) / "hippocampus" / "images"
    names = read_names(RECIPES / f"hippocampus-{part}.txt") or []
    volumes = (read_volume(folder / f"{name}.nii.gz") for name in names)
    return [
        Example(volume.name, prepare_image(volume, (1.0, 1.0, 1.0)).voxels) for volume in volumes
    ]


def read_out(run: Trained, training: Sequence[Example], test: Sequence[Example]) -> Kept:
    """Fit the read-out on training crops and judge it on crops of the test scans."""
    seen, unseen = crops_of(training), crops_of(test)
    read = fit(encoders_of(run.model.network), seen)
    rebuilt = from_patches(read(unseen), tuple(n // CUBE for n in CROP), CUBE)
    pairs = list(zip(unseen[:, 0].numpy(), rebuilt[:, 0].numpy(), strict=True))
    apart = np.array([topology_apart(image, other) for image, other in pairs])
    return Kept(float((rebuilt - unseen).square().mean()), *apart.mean(axis=0))


def crops_of(examples: Sequence[Example]) -> Tensor:
    """Cut one crop out of each scan, always the same, ``(B, 1, Z, Y, X)``."""
    crops = [
        draw_unlabelled(example, CROP, random_of(0, 0, number)).image
        for number, example in enumerate(examples)
    ]
    return torch.from_numpy(np.stack(crops)[:, None])


class ReadOut:
    """A linear map from the features at a cube's place to the cube's voxels."""

    def __init__(self, encoders: Sequence[nn.Module], weights: Tensor) -> None:
        self.encoders, self.weights = encoders, weights

    def __call__(self, images: Tensor) -> Tensor:
        """Return the cubes ``(B, N, V)`` that are read out of images."""
        read: Tensor = features_of(self.encoders, images) @ self.weights
        return read


def encoders_of(network: nn.Module) -> list[nn.Module]:
    """Return the encoder of a network, or those of a pair."""
    parts = network.parts().values() if isinstance(network, Autoencoder) else (network,)
    return [part.encoder for part in parts]


def fit(encoders: Sequence[nn.Module], images: Tensor) -> ReadOut:
    """Fit the map by ridge regression."""
    inputs = features_of(encoders, images).flatten(0, 1)
    outputs = to_patches(images, CUBE).flatten(0, 1)
    gram = inputs.T @ inputs
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    return ReadOut(encoders, torch.linalg.solve(gram, inputs.T @ outputs))


def features_of(encoders: Sequence[nn.Module], images: Tensor) -> Tensor:
    """Return the features of all scales at each cube's place, and a one, ``(B, N, D)``."""
    grid = tuple(n // CUBE for n in CROP)
    with torch.inference_mode():
        parts = [
            torch.cat([at_cubes(level, grid) for e in encoders for level in e(batch)], dim=1)
            for batch in images.split(8)
        ]
    features = torch.cat(parts).flatten(2).transpose(1, 2).clone()
    return F.pad(features, (0, 1), value=1.0)


def at_cubes(features: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Bring features of any scale to the grid of cubes."""
    if features.shape[2] >= grid[0]:
        return F.adaptive_avg_pool3d(features, grid)
    return F.interpolate(features, size=grid)


def topology_apart(image: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float]:
    """Return the area between the Betti curves and the distance of the diagrams."""
    diagrams = [
        persistence(ndimage.gaussian_filter(each, BLUR), superlevel=True, min_persistence=LEAST)
        for each in (image, other)
    ]
    curves = [
        np.abs(np.subtract(*(betti_curve(d, LEVELS, dimension=k) for d in diagrams))).mean()
        for k in (0, 1)
    ]
    return float(sum(curves)), wasserstein(*diagrams)
