"""The two simple predictors that a reconstruction is held against, on the same hidden voxels.

The mean predictor fills every hidden voxel with the mean of its image's visible ones; the
interpolating one with a harmonic fill: hidden voxels relax to the average of their six neighbours,
visible ones stay.
"""

# B batch, N patches

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.learning.patches import from_patches, patch_grid

COARSENING = 2
SWEEPS = 30


def hidden_voxels(hidden_BN: Tensor, shape: torch.Size, patch: int) -> Tensor:
    """Return ``(B, 1, Z, Y, X)``, True = hidden, from the hidden patches."""
    return from_patches(
        hidden_BN[:, :, None].expand(-1, -1, patch**3), patch_grid(shape, patch), patch
    )


def mean_error(image: Tensor, inside: Tensor, hidden_BN: Tensor, patch: int) -> float:
    """Mean squared error of the visible-mean predictor over hidden voxels that are no padding."""
    hidden = hidden_voxels(hidden_BN, image.shape, patch)
    return error_on(visible_mean(image, inside & ~hidden).expand_as(image), image, hidden & inside)


def interpolation_error(image: Tensor, inside: Tensor, hidden_BN: Tensor, patch: int) -> float:
    """Mean squared error of the harmonic fill over hidden voxels that are no padding."""
    hidden = hidden_voxels(hidden_BN, image.shape, patch)
    return error_on(interpolated(image, hidden), image, hidden & inside)


def error_on(predicted: Tensor, image: Tensor, counted: Tensor) -> float:
    """Mean squared error where `counted` is True."""
    return float((predicted - image).square()[counted].mean())


def visible_mean(image: Tensor, visible: Tensor) -> Tensor:
    """Mean of the visible voxels of each image, ``(B, 1, 1, 1, 1)``."""
    axes = (1, 2, 3, 4)
    return (image * visible).sum(axes, keepdim=True) / visible.sum(axes, keepdim=True).clamp(min=1)


def interpolated(image: Tensor, hidden: Tensor) -> Tensor:
    """Fill hidden voxels from the visible ones: a harmonic fill, from coarse grids to fine.

    Each coarser grid averages the visible voxels and solves there first, so that a few sweeps
    suffice.
    """
    visible = (~hidden).to(image.dtype)
    if min(image.shape[2:]) >= 2 * COARSENING:
        weight = F.avg_pool3d(visible, COARSENING, ceil_mode=True)
        mean = F.avg_pool3d(image * visible, COARSENING, ceil_mode=True) / weight.clamp(min=1e-6)
        guess = F.interpolate(
            interpolated(mean, weight == 0), size=image.shape[2:], mode="trilinear"
        )
    else:
        guess = visible_mean(image, ~hidden).expand_as(image)
    filled = torch.where(hidden, guess, image)
    for _ in range(SWEEPS):
        filled = torch.where(hidden, neighbour_mean(filled), image)
    return filled


def neighbour_mean(image: Tensor) -> Tensor:
    """Average of the six face neighbours, borders repeated."""
    padded = F.pad(image, (1,) * 6, mode="replicate")
    inner = slice(1, -1)
    total = torch.zeros_like(image)
    for axis in range(2, 5):
        for shift in (slice(None, -2), slice(2, None)):
            place = [slice(None), slice(None), inner, inner, inner]
            place[axis] = shift
            total = total + padded[tuple(place)]
    return total / 6.0
