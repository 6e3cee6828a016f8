"""How an image would look from another scanner or protocol: changes that move no structure.

Each takes one crop ``(C, Z, Y, X)`` and numbers that were drawn, and runs on the crop's device.
"""

# C channels

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from napari_toposeg.learning.bending import field_of
from napari_toposeg.learning.smoothing import along, smooth

FIELD = (4, 4, 4)
"""Control points of an uneven field along ``(z, y, x)``: one smooth piece."""

LEAST_RANGE = 1e-6
"""Range of intensities below which an image counts as constant."""


@dataclass(frozen=True)
class Scanner:
    """How far the strong augmentation changes what a scanner does, each with the same probability.

    Parameters
    ----------
    thickness
        Largest thickness of simulated slices, in voxels.
    sharpness
        Largest amount of sharpening, and of blur: see `sharpened`.
    unevenness
        Largest coefficient of the logarithm of a field that the image is multiplied with; 0 for CT,
        which has none.
    contrast
        Largest factor by which intensities are stretched about their mean, and its inverse.
    inverted
        Share of contrast curves that bend what is bright.
    share
        Probability of each kind of change.
    """

    thickness: float = 4.0
    sharpness: float = 1.0
    unevenness: float = 0.7
    contrast: float = 1.3
    inverted: float = 0.3
    share: float = 0.25

    def change(self, image: Tensor, random: np.random.Generator, exponent: float | None) -> Tensor:
        """Change one crop ``(C, Z, Y, X)``.

        Parameters
        ----------
        exponent
            Of the contrast curve; None: none.
        """
        coarse, sharp, field, stretched, inverted = random.random(5) < (
            *(self.share,) * 4,
            self.inverted,
        )
        axis, thickness = int(random.integers(3)), 1 + (self.thickness - 1) * random.random()
        amount, stretch = self.sharpness * random.uniform(-1, 1), random.uniform(-1, 1)
        coefficients = self.unevenness * random.uniform(-1, 1) * random.uniform(-1, 1, (1, *FIELD))
        if coarse:
            image = coarsened(image, axis, round(thickness, 1))
        if sharp:
            image = sharpened(image, amount)
        if field and self.unevenness:
            image = uneven(image, torch.from_numpy(coefficients).to(image))
        if exponent is not None:
            image = curved(image, exponent, inverted=bool(inverted))
        return contrasted(image, self.contrast**stretch) if stretched else image


def coarsened(image_CZYX: Tensor, axis: int, factor: float) -> Tensor:
    """Return what slices of so many voxels across an axis would show, interpolated back.

    Parameters
    ----------
    axis
        Of ``(z, y, x)``.
    factor
        Thickness of a slice in voxels, 1 or more.
    """
    size = image_CZYX.shape[axis + 1]
    matrix = coarse_matrix(size, factor, image_CZYX.dtype, image_CZYX.device)
    return along(image_CZYX, matrix, axis + 1)


@lru_cache(maxsize=64)
def coarse_matrix(size: int, factor: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the ``(size, size)`` matrix that averages a line over slices and interpolates."""
    slices = max(1, round(size / factor))
    thick = size / slices
    voxels, numbers = torch.arange(size).double(), torch.arange(slices).double()
    overlap = torch.minimum(voxels + 1, (numbers[:, None] + 1) * thick)
    overlap = (overlap - torch.maximum(voxels, numbers[:, None] * thick)).clamp(min=0)
    places = ((voxels + 0.5) / thick - 0.5).clamp(0, slices - 1)
    near = (1 - (places[:, None] - numbers).abs()).clamp(min=0)
    return (near @ (overlap / thick)).to(device, dtype)


def sharpened(image_CZYX: Tensor, amount: float) -> Tensor:
    """Return a blurred image where the amount is below 0, and a sharper one where it is above.

    Parameters
    ----------
    amount
        From -1, a blur of 1.5 voxels, to 1, where all detail finer than a voxel's blur is doubled.
    """
    if amount < 0:
        # In steps, so that few kernels are computed and kept.
        return smooth(image_CZYX, round(0.5 - amount, 1))
    return image_CZYX + amount * (image_CZYX - smooth(image_CZYX))


def uneven(image_CZYX: Tensor, coefficients_1zyx: Tensor) -> Tensor:
    """Multiply with a smooth field, as the coils of an MR scanner do.

    Parameters
    ----------
    coefficients_1zyx
        Of the logarithm of the field: see `bending.field_of`.
    """
    field = field_of(coefficients_1zyx[None], image_CZYX.shape[1:])[0]
    low, _ = bounds(image_CZYX)
    return low + (image_CZYX - low) * field.exp()


def curved(image_CZYX: Tensor, exponent: float, *, inverted: bool = False) -> Tensor:
    """Bend the contrast between the darkest and the brightest voxel of each channel.

    Parameters
    ----------
    inverted
        Bend what is bright as else what is dark.
    """
    low, high = bounds(image_CZYX)
    scale = (high - low).clamp(min=LEAST_RANGE)
    share = (image_CZYX - low) / scale
    share = 1 - (1 - share) ** exponent if inverted else share**exponent
    return low + share * scale


def contrasted(image_CZYX: Tensor, factor: float) -> Tensor:
    """Stretch intensities about the mean of each channel, within their range."""
    mean = image_CZYX.mean((1, 2, 3), keepdim=True)
    low, high = bounds(image_CZYX)
    return (mean + factor * (image_CZYX - mean)).clamp(low, high)


def bounds(image_CZYX: Tensor) -> tuple[Tensor, Tensor]:
    """Return the darkest and the brightest voxel of each channel, ``(C, 1, 1, 1)``."""
    axes = (1, 2, 3)
    return image_CZYX.amin(axes, keepdim=True), image_CZYX.amax(axes, keepdim=True)
