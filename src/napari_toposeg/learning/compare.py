"""Models compared: one scan rebuilt by several, judged on voxels that were hidden from all.

The one idea: networks hide whole patches, and each has its own lattice. The pattern is laid on the
first model's; the others hide the same place and share as well as their lattice can, and what
counts are the voxels that none of them saw, on the scan's own grid and in one unit. The two simple
predictors fill in what the first model had to, and pass through the same resampling.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.devices import memory_errors_explained
from napari_toposeg.learning.hiding import Marked, Mask, Pattern
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.normalisation import normalisation_of
from napari_toposeg.learning.reconstruct import (
    Reconstruction,
    reconstruct_with,
    simple_fills,
)
from napari_toposeg.progress import Step
from napari_toposeg.resampling import resample_to
from napari_toposeg.volume import Volume

FEWEST = 2


@dataclass(frozen=True, eq=False)
class Contestant:
    """What one model made of the scan.

    Parameters
    ----------
    name
        Name of the model.
    reconstruction
        As from the model alone; its own errors are on its own grid.
    mse
        Mean squared error over the judged voxels.
    """

    name: str
    reconstruction: Reconstruction
    mse: float


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """Models judged on the same hidden voxels.

    Parameters
    ----------
    judged
        Mask ``(z, y, x)`` on the scan's grid: voxels that were hidden from every model.
    contestants
        The models, in the order in which they were given.
    mse_mean, mse_interpolation
        Errors of the two simple predictors over the same voxels; intensities scaled to 0..1.
    """

    judged: Mask
    contestants: tuple[Contestant, ...]
    mse_mean: float
    mse_interpolation: float


def compare_reconstructions(
    volume: Volume, models: Sequence[str | Path], pattern: Pattern, *, device: str = "auto"
) -> Generator[Step, None, ModelComparison]:
    """Rebuild a scan with each of several models, and judge them on the same hidden voxels.

    Parameters
    ----------
    models
        Names, run folders or files of at least two pretrained models.
    pattern
        What to hide, laid on the first model's lattice.

    Raises
    ------
    InvalidConfig
        If there are fewer than two models, or no voxel is hidden from all of them.
    """
    if len(models) < FEWEST:
        raise InvalidConfig(f"a comparison takes at least two models, got {len(models)}")
    rebuilt: list[tuple[Model, Reconstruction]] = []
    for name in models:
        yield Step(1, 1, message=f"loading {name}")
        model = load_model(name, device)
        shown = pattern if not rebuilt else alike(pattern, rebuilt[0][1])
        rebuilt.append((model, (yield from reconstruct_with(volume, model, shown))))
    judged = np.logical_and.reduce([made.hidden.voxels == 1 for _, made in rebuilt])
    if not judged.any():
        raise InvalidConfig(
            "no voxel is hidden from all of these models, whose patches lie too differently; hide "
            "larger cubes or a region"
        )
    yield Step(1, 1, message="judging")
    scale = normalisation_of(volume)
    true = scale.apply(volume.voxels)[judged]

    def error(filled: NDArray[np.float32]) -> float:
        return float(np.square(scale.apply(filled[judged]) - true).mean())

    first, made = rebuilt[0]
    mean, smooth = (error(fill) for fill in baseline_fills(volume, first, made))
    contestants = tuple(
        Contestant(str(name), each, error(each.composite.voxels))
        for name, (_, each) in zip(models, rebuilt, strict=True)
    )
    return ModelComparison(judged, contestants, mean, smooth)


def alike(pattern: Pattern, first: Reconstruction) -> Pattern:
    """Return what a further model hides, so that it hides what the first one did."""
    if isinstance(pattern, Marked):
        return pattern
    return Marked(first.hidden.voxels == 1, whole=False)


def baseline_fills(
    volume: Volume, model: Model, made: Reconstruction
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the scan as the visible mean and the harmonic fill have it, in the scan's unit."""
    prepared = prepare_image(volume, model.card.spacing, model.card.intensity)
    scale = normalisation_of(volume, model.card.intensity)
    hidden = resample_to(made.hidden, prepared, order=0).voxels == 1
    with memory_errors_explained(), torch.inference_mode():
        fills = simple_fills(torch.from_numpy(prepared.voxels), torch.from_numpy(hidden))
    mean, smooth = (
        scale.invert(resample_to(prepared.with_voxels(each.numpy()), volume, order=1).voxels)
        for each in fills
    )
    return mean, smooth
