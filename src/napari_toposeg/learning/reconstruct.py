"""Reconstruction of a whole volume: hide part of it, rebuild it, and say how well.

One mask is drawn for the whole volume, on one lattice of patches, and the windows keep to that
lattice: a voxel that is hidden is hidden from every window, however they overlap.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.errors import InvalidCheckpoint, InvalidConfig, InvalidVolume
from napari_toposeg.learning.baselines import error_on, hidden_voxels, interpolated, visible_mean
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.devices import memory_errors_explained
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.networks.masked_autoencoder import draw_hidden
from napari_toposeg.learning.normalisation import Normalisation, normalisation_of
from napari_toposeg.learning.patches import patch_grid, to_patches
from napari_toposeg.learning.seeds import seeded
from napari_toposeg.learning.windows import slide, strides
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
    """

    hidden: Volume
    composite: Volume
    residual: Volume
    mse: float
    mse_mean: float
    mse_interpolation: float


def reconstruct(
    volume: Volume,
    model: str | Path,
    *,
    mask_ratio: float | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Generator[Step, None, Reconstruction]:
    """Hide patches of a volume at random and rebuild them.

    Parameters
    ----------
    model
        Name, run folder or file of a pretrained model.
    mask_ratio
        Share of patches to hide, between 0 and 1; default: as in the model's pretraining.
    """
    loaded = load_model(model, device)
    if loaded.card.task != "reconstruct":
        raise InvalidCheckpoint(
            f"{loaded.card.name!r} {loaded.card.does} images and does not rebuild them; pick a "
            "model of the task reconstruct in 'models list'"
        )
    ratio = loaded.card.mask_ratio if mask_ratio is None else mask_ratio
    if ratio is None or not 0 < ratio < 1:
        raise InvalidConfig(f"the mask ratio must lie between 0 and 1, got {ratio}")
    intensity = loaded.card.intensity
    prepared = prepare_image(volume, loaded.card.spacing, intensity)
    with memory_errors_explained():
        image = torch.from_numpy(prepared.voxels).to(loaded.device)
        hidden, rebuilt = yield from rebuild(image, loaded, ratio, seed)
        mean = visible_mean(image[None, None], ~hidden[None, None])[0, 0].expand_as(image)
        smooth = interpolated(image[None, None], hidden[None, None])[0, 0]
        errors = [error_on(filled, image, hidden) for filled in (rebuilt, mean, smooth)]
    composite = rebuilt.cpu().numpy()
    scale = normalisation_of(volume, intensity)
    return reconstruction_on(volume, prepared, hidden.cpu().numpy(), composite, errors, scale)


def rebuild(
    image: Tensor, model: Model, ratio: float, seed: int
) -> Generator[Step, None, tuple[Tensor, Tensor]]:
    """Return the hidden mask and the composite of a volume ``(z, y, x)``.

    Raises
    ------
    InvalidVolume
        If the volume has only one patch: none could be hidden and another seen.
    """
    patch, window = model.card.network.hidden_cube, model.card.crop
    padded = F.pad(image, [n for size in reversed(image.shape) for n in (0, -size % patch)])[
        None, None
    ]
    count = int(np.prod(patch_grid(padded.shape, patch)))
    if count < 2:
        raise InvalidVolume(
            f"the volume is one patch of {patch} voxels of {model.card.spacing} mm (z, y, x), "
            "too small to hide a part; "
            "use a larger volume"
        )
    hidden_BN = draw_hidden(1, count, ratio, seeded(seed, 0, image.device))
    hidden = hidden_voxels(hidden_BN, padded.shape, patch)

    def composite(window_BCZYX: Tensor) -> Tensor:
        hidden_BN = to_patches(window_BCZYX[:, 1:], patch).amax(2) > 0
        if not hidden_BN.any() or hidden_BN.all():
            return window_BCZYX[:, :1]
        rebuilt: Tensor = model.network(window_BCZYX[:, :1], hidden_BN).composite_BCZYX
        return rebuilt

    both = torch.cat([padded, hidden.to(padded.dtype)], dim=1)
    stride = strides(window, OVERLAP, multiple=patch)
    blended = yield from slide(both, window, composite, stride=stride, message="rebuilding")
    z, y, x = image.shape
    return hidden[0, 0, :z, :y, :x], torch.where(hidden[0, 0], blended[0], padded[0, 0])[:z, :y, :x]


def reconstruction_on(
    volume: Volume,
    prepared: Volume,
    hidden: NDArray[np.bool_],
    rebuilt: NDArray[np.float32],
    errors: list[float],
    scale: Normalisation,
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
    )
