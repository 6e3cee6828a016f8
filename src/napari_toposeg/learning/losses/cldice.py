"""Soft clDice: how much of each image's centrelines lies inside the other.

A soft skeleton is what repeated erosion leaves behind: at each depth the part that an opening would
remove. The share of the field's skeleton inside of the target and the share of the target's inside
of the field are joined as in Dice.

The same skeleton as MONAI's, for less: each erosion is computed once and not twice, a cube's
maximum is taken axis by axis, and the maximum of three neighbours has a gradient of its own. Where
voxels tie, their gradient goes to another of them; the values are equal.

References
----------
Shit et al. 2021, arXiv:2003.07311, doi:10.1109/CVPR46437.2021.01629.
"""

# N fields

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from skimage.morphology import skeletonize
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.learning.losses.controls import as_floats
from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays
from napari_toposeg.learning.losses.vesselness import vesselness

HARMONIC = 1e-4
"""Added to the denominator of the harmonic mean, as MONAI does."""


@dataclass(frozen=True)
class SoftClDice:
    """The loss, a `TopologicalLoss` of images in 0..1.

    Parameters
    ----------
    iterations
        Erosions; tubes of up to twice this radius in voxels are thinned to their centre.
    skeleton
        Of the target: ``"soft"``, the same as of the field, or ``"hard"``, the thinned mask of the
        voxels above one half.
    smooth
        Added to numerator and denominator of both shares, so that empty images agree.

    Notes
    -----
    The loss of an image in grey against itself is not 0, nor the least: it was made for
    probabilities against masks.
    """

    iterations: int = 3
    skeleton: Literal["soft", "hard"] = "soft"
    smooth: float = 1.0

    def prepare(self, target: Image) -> Image:
        """Return the skeleton of one target ``([Z,] Y, X)``."""
        if self.skeleton == "hard":
            return np.asarray(skeletonize(target > 0.5), np.float32)
        with torch.no_grad():
            thinned = soft_skeleton(torch.from_numpy(target)[None], self.iterations)
        found: Image = thinned[0].numpy()
        return found

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Image] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        if prepared is None:
            prepared = in_threads(self.prepare, to_arrays(targets_NZYX))
        fields, targets = as_floats(fields_NZYX), as_floats(targets_NZYX.detach())
        of_targets = torch.from_numpy(np.stack(prepared)).to(fields)
        of_fields = soft_skeleton(fields, self.iterations)
        precision = self.share(of_fields, targets)
        sensitivity = self.share(of_targets, fields)
        return 1.0 - 2.0 * precision * sensitivity / (precision + sensitivity + HARMONIC)

    def share(self, skeletons: Tensor, images: Tensor) -> Tensor:
        """Return how much of each skeleton lies inside of its image, ``(N,)``."""
        inside = (skeletons * images).flatten(1).sum(1) + self.smooth
        return inside / (skeletons.flatten(1).sum(1) + self.smooth)


@dataclass(frozen=True)
class VesselClDice:
    """Soft clDice of two images' vesselness, a `TopologicalLoss` of images in grey.

    Parameters
    ----------
    scale
        See `vesselness`.
    """

    scale: float = 1.5
    cldice: SoftClDice = field(default_factory=SoftClDice)

    def prepare(self, target: Image) -> Image:
        """Return the skeleton of one target's vesselness."""
        with torch.no_grad():
            seen: Image = vesselness(torch.from_numpy(target)[None], self.scale)[0].numpy()
        return self.cldice.prepare(seen)

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Image] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        if prepared is None:
            prepared = in_threads(self.prepare, to_arrays(targets_NZYX))
        fields = vesselness(fields_NZYX, self.scale)
        return self.cldice(fields, vesselness(targets_NZYX.detach(), self.scale), prepared)


def soft_skeleton(images_NZYX: Tensor, iterations: int) -> Tensor:
    """Return the soft skeletons of images ``(N, [Z,] Y, X)`` in 0..1."""
    eroded = erode(images_NZYX)
    skeleton = F.relu(images_NZYX - dilate(eroded))
    for _ in range(iterations):
        image, eroded = eroded, erode(eroded)
        removed = F.relu(image - dilate(eroded))
        skeleton = skeleton + F.relu(removed - skeleton * removed)
    return skeleton


def dilate(images: Tensor) -> Tensor:
    """Return the maximum over a cube of three voxels an edge."""
    for axis in range(1, images.ndim):
        images = largest_of_three(images, axis)
    return images


def erode(images: Tensor) -> Tensor:
    """Return the minimum over a voxel and its face neighbours."""
    negative = -images
    largest = largest_of_three(negative, 1)
    for axis in range(2, images.ndim):
        largest = torch.maximum(largest, largest_of_three(negative, axis))
    return -largest


def largest_of_three(images: Tensor, axis: int) -> Tensor:
    """Return the maximum of each voxel and its two neighbours along an axis."""
    largest: Tensor = LargestOfThree.apply(images, axis)  # type: ignore[no-untyped-call]
    return largest


class LargestOfThree(torch.autograd.Function):
    """Maximum along an axis whose gradient goes back to where the maximum came from.

    Of equal voxels the first takes it, as in a pooling.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, axis: int) -> Tensor:
        """Return the maxima."""
        shorter = images.shape[axis] - 1
        largest = images.clone()
        ahead, behind = largest.narrow(axis, 1, shorter), largest.narrow(axis, 0, shorter)
        torch.maximum(ahead, images.narrow(axis, 0, shorter), out=ahead)
        torch.maximum(behind, images.narrow(axis, 1, shorter), out=behind)
        ctx.save_for_backward(images, largest)
        ctx.axis = axis
        return largest

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return each voxel's share of the gradient."""
        images, largest = ctx.saved_tensors
        axis, shorter = ctx.axis, images.shape[ctx.axis] - 1

        def ahead(tensor: Tensor) -> Tensor:
            return tensor.narrow(axis, 1, shorter)

        def behind(tensor: Tensor) -> Tensor:
            return tensor.narrow(axis, 0, shorter)

        previous = behind(images) == ahead(largest)
        taken = images == largest
        itself = taken.clone()
        ahead(itself).logical_and_(~previous)
        ahead(taken).logical_or_(previous)
        returned = gradient * itself
        behind(returned).add_(ahead(gradient) * previous)
        ahead(returned).add_(behind(gradient) * ~behind(taken))
        return returned, None
