"""Reconstruction of a whole volume: hide part of it, rebuild it, and say how well.

One mask is made for the whole volume, on one lattice of patches, and the windows keep to that
lattice: a voxel that is hidden is hidden from every window, however they overlap. What can be
hidden says `hiding`.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.config import Size3
from napari_toposeg.errors import InvalidCheckpoint, InvalidConfig
from napari_toposeg.learning.baselines import error_on, hidden_voxels, interpolated, visible_mean
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.devices import memory_errors_explained
from napari_toposeg.learning.hidden_patches import hidden_patches
from napari_toposeg.learning.hiding import Cubes, Lattice, Mask, Pattern, patch_edges
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.normalisation import Normalisation, normalisation_of
from napari_toposeg.learning.patches import to_patches
from napari_toposeg.learning.windows import places, slide, strides
from napari_toposeg.progress import Step
from napari_toposeg.resampling import resample_to
from napari_toposeg.volume import Volume

OVERLAP = 0.5


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What a masked autoencoder rebuilt.

    Parameters
    ----------
    hidden
        uint8, 1 = hidden from the encoder, on the image's grid.
    composite
        Visible voxels as they are and hidden ones rebuilt, float32, in the image's unit.
    residual
        Absolute difference of composite and image, in the image's unit; 0 where visible.
    mse, mse_mean, mse_interpolation
        Mean squared error over hidden voxels of the model, of the predictor that fills in the mean
        of the visible voxels, and of a harmonic fill; on the model's grid, intensities scaled to
        0..1.
    lattice
        The model's patches in the image, and which were hidden.
    """

    hidden: Volume
    composite: Volume
    residual: Volume
    mse: float
    mse_mean: float
    mse_interpolation: float
    lattice: Lattice


def reconstruct(
    volume: Volume,
    model: str | Path,
    *,
    mask_ratio: float | None = None,
    seed: int = 0,
    pattern: Pattern | None = None,
    device: str = "auto",
) -> Generator[Step, None, Reconstruction]:
    """Hide patches of a volume and rebuild them.

    Parameters
    ----------
    model
        Name, run folder or file of a pretrained model.
    mask_ratio
        Share of patches to hide, between 0 and 1; default: as in the model's pretraining.
    pattern
        What to hide; by default single patches at random, by `mask_ratio` and `seed`.
    """
    yield Step(1, 1, message="loading the model")
    loaded = load_model(model, device)
    pattern = pattern or Cubes(mask_ratio, seed)
    return (yield from reconstruct_with(volume, loaded, pattern))


def reconstruct_with(
    volume: Volume, model: Model, pattern: Pattern
) -> Generator[Step, None, Reconstruction]:
    """Hide and rebuild with a model that is loaded already.

    Raises
    ------
    InvalidCheckpoint
        If the model does not rebuild images.
    InvalidConfig
        If the pattern hides nothing, or leaves nothing to see.
    InvalidVolume
        If the volume has only one patch: none could be hidden and another seen.
    """
    require_autoencoder(model)
    yield Step(1, 1, message="bringing the scan to the model's grid")
    prepared = prepare_image(volume, model.card.spacing, model.card.intensity)
    edges = patch_edges(volume, prepared, model.card.network.hidden_cube)
    with memory_errors_explained():
        image = torch.from_numpy(prepared.voxels).to(model.device)
        patches = hidden_patches(pattern, model, edges, image.device)
        hidden, rebuilt = yield from rebuild(image, model, patches)
        yield Step(1, 1, message="measuring the error")
        errors = errors_of(image, rebuilt, hidden)
    yield Step(1, 1, message="bringing the result to the scan's grid")
    scale = normalisation_of(volume, model.card.intensity)
    lattice = Lattice(edges, patches)
    found = (hidden.cpu().numpy(), rebuilt.cpu().numpy())
    return reconstruction_on(volume, prepared, *found, errors, scale, lattice)


def require_autoencoder(model: Model) -> None:
    """Raise InvalidCheckpoint unless the model rebuilds images."""
    if model.card.task != "reconstruct":
        raise InvalidCheckpoint(
            f"{model.card.name!r} {model.card.does} images and does not rebuild them; pick a "
            "model of the task reconstruct in 'models list'"
        )


def rebuild(
    image: Tensor, model: Model, patches: Mask
) -> Generator[Step, None, tuple[Tensor, Tensor]]:
    """Return the hidden mask and the composite of a volume ``(z, y, x)``.

    Parameters
    ----------
    patches
        Mask of patches, True = hidden; those at the far ends may reach beyond the volume.

    Raises
    ------
    InvalidConfig
        If something is hidden and every window about it sees nothing.
    """
    patch, window = model.card.network.hidden_cube, model.card.crop
    padded = F.pad(image, [n for size in reversed(image.shape) for n in (0, -size % patch)])[
        None, None
    ]
    hidden_BN = torch.from_numpy(patches).to(image.device).flatten()[None]
    hidden = hidden_voxels(hidden_BN, padded.shape, patch)
    stride = strides(window, OVERLAP, multiple=patch)
    require_sight(hidden[0, 0], window, stride)

    def composite(window_BCZYX: Tensor) -> Tensor | None:
        values, out_of_sight, inside = (window_BCZYX[:, [channel]] for channel in range(3))
        if not (inside > out_of_sight).any():
            return None
        hidden_BN = to_patches(out_of_sight, patch).amax(2) > 0
        if not hidden_BN.any():
            return values
        rebuilt: Tensor = model.network(values, hidden_BN).composite_BCZYX
        return rebuilt

    both = torch.cat([padded, hidden.to(padded.dtype), torch.ones_like(padded)], dim=1)
    blended = yield from slide(both, window, composite, stride=stride, message="rebuilding")
    z, y, x = image.shape
    return hidden[0, 0, :z, :y, :x], torch.where(hidden[0, 0], blended[0], padded[0, 0])[:z, :y, :x]


def require_sight(hidden: Tensor, window: Size3, stride: Size3) -> None:
    """Raise InvalidConfig where something is hidden and every window about it sees nothing."""
    judged = torch.zeros_like(hidden)
    for place in places(tuple(hidden.shape), window, stride):
        if not bool(hidden[place].all()):
            judged[place] = True
    if bool((hidden & ~judged).any()):
        raise InvalidConfig(
            f"the network looks at {window} voxels (z, y, x) of its grid at a time, and somewhere "
            "all of them are hidden, so that it has nothing to go by; hide less, or a smaller "
            "region"
        )


def errors_of(image: Tensor, rebuilt: Tensor, hidden: Tensor) -> tuple[float, float, float]:
    """Return the error on hidden voxels of the network, the visible mean and a harmonic fill."""
    mean, smooth = simple_fills(image, hidden)
    return (
        error_on(rebuilt, image, hidden),
        error_on(mean, image, hidden),
        error_on(smooth, image, hidden),
    )


def simple_fills(image: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the two simple predictors make of an image ``(z, y, x)``: mean, harmonic fill."""
    mean = visible_mean(image[None, None], ~hidden[None, None])[0, 0].expand_as(image)
    return mean, interpolated(image[None, None], hidden[None, None])[0, 0]


def reconstruction_on(
    volume: Volume,
    prepared: Volume,
    hidden: NDArray[np.bool_],
    rebuilt: NDArray[np.float32],
    errors: tuple[float, float, float],
    scale: Normalisation,
    lattice: Lattice,
) -> Reconstruction:
    """Bring the result to the image's grid and unit; visible voxels are the image's own."""
    mask = resample_to(
        prepared.with_voxels(hidden.astype(np.uint8), modality="label"), volume, order=0
    )
    guess = resample_to(prepared.with_voxels(rebuilt), volume, order=1).voxels
    image = volume.voxels.astype(np.float32)
    composite = np.where(mask.voxels == 1, scale.invert(guess), image).astype(np.float32)
    return Reconstruction(
        volume.with_voxels(
            mask.voxels.astype(np.uint8), modality="label", name=f"{volume.name} hidden"
        ),
        volume.with_voxels(composite, name=f"{volume.name} reconstruction"),
        volume.with_voxels(np.abs(composite - image), name=f"{volume.name} residual"),
        *errors,
        lattice,
    )
