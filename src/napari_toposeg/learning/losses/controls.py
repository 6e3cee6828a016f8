"""The controls: losses that use no topology, to be compared with those that do.

A topological term draws the eye to fine bright structure and moves the contrast. These two do the
same by plain means; a gain that they give as well is not one of topology.
"""

# N fields

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays

SMALLEST = 1e-6
"""Added to a mean before it divides, so that a constant target weighs nothing."""


@dataclass(frozen=True)
class DoGWeighted:
    """Squared error weighted by the target's difference of Gaussians: where there is structure.

    The weight of a voxel is ``|G_narrow * T - G_wide * T|`` over its mean in the image.

    Parameters
    ----------
    narrow, wide
        Standard deviations of the two Gaussians, in voxels.
    """

    narrow: float = 1.0
    wide: float = 2.0

    def prepare(self, target: Image) -> Image:
        """Return the weights of one target, of mean 1; of a constant one they are 0."""
        blurred = [ndimage.gaussian_filter(target, s, mode="nearest") for s in self.sigmas]
        edges = np.abs(blurred[0] - blurred[1])
        weights: Image = edges / (edges.mean() + np.float32(SMALLEST))
        return weights

    @property
    def sigmas(self) -> tuple[float, float]:
        """Both standard deviations."""
        return self.narrow, self.wide

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Image] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        if prepared is None:
            prepared = in_threads(self.prepare, to_arrays(targets_NZYX))
        fields, targets = as_floats(fields_NZYX), as_floats(targets_NZYX.detach())
        weights = torch.from_numpy(np.stack(prepared)).to(fields)
        return (weights * (fields - targets).square()).flatten(1).mean(1)


@dataclass(frozen=True)
class Histogram:
    """Squared difference of the two images' quantiles: the contrast, wherever it is.

    The sorted values of field and target are compared one by one; that is the squared
    2-Wasserstein distance of their histograms, without bins.
    """

    def prepare(self, target: Image) -> Image:
        """Return the sorted values of one target."""
        return np.sort(target, axis=None)

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Image] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        if prepared is None:
            prepared = in_threads(self.prepare, to_arrays(targets_NZYX))
        ordered = as_floats(fields_NZYX).flatten(1).sort(dim=1).values
        wanted = torch.from_numpy(np.stack(prepared)).to(ordered)
        return (ordered - wanted).square().mean(1)


def as_floats(images: Tensor) -> Tensor:
    """Return images in their own floating type, at least single precision."""
    return images.to(torch.promote_types(images.dtype, torch.float32))
