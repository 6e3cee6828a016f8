"""Critical-voxel loss: agreement of two images at the voxels that decide their topology.

Persistent homology names the voxels at which components and loops are born and die. The loss is the
squared error at those voxels, of the rebuilt image X and of the true image T alike:

    L = 1/4 sum_k [ mean over C_k(T) of (X - T)^2 + mean over C_k(X) of (X - T)^2 ] ,

C_k being the critical voxels of the superlevel features of dimension k whose persistence exceeds
tau. Unlike a distance between diagrams it sees place, and features that the rebuilt image lacks
pull too. Both images are smoothed by one voxel first, since noise has a topology of its own.

The derivation from the stability of persistence is in the docs (topology of the training loss).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.topology import persistence

SMOOTHING = 1.0
PERSISTENCE = 0.05
DIMENSIONS = (0, 1)


@lru_cache(maxsize=1)
def pool() -> ThreadPoolExecutor:
    """Return the threads that compute persistence beside each other; gudhi releases the GIL."""
    return ThreadPoolExecutor(2, thread_name_prefix="persistence")


def smooth(image_BCZYX: Tensor, sigma: float = SMOOTHING) -> Tensor:
    """Blur with a Gaussian of `sigma` voxels, borders repeated."""
    radius = round(3 * sigma)
    places = torch.arange(-radius, radius + 1, device=image_BCZYX.device, dtype=image_BCZYX.dtype)
    kernel = torch.softmax(-0.5 * (places / sigma) ** 2, dim=0)
    for axis in range(3):
        shape, padding = [1, 1, 1, 1, 1], [0] * 6
        shape[2 + axis] = -1
        padding[4 - 2 * axis] = padding[5 - 2 * axis] = radius
        image_BCZYX = F.conv3d(F.pad(image_BCZYX, padding, mode="replicate"), kernel.view(shape))
    return image_BCZYX


def critical_voxels(
    image: NDArray[np.float32], tau: float = PERSISTENCE
) -> dict[int, NDArray[np.int64]]:
    """Return flat indices of the voxels of birth and finite death, by dimension.

    Parameters
    ----------
    image
        Array ``(z, y, x)``; bright structures are the features (superlevel sets, 26-connected).
    tau
        Features of at most this persistence, in the image's unit, are left out.
    """
    diagram = persistence(image, dimensions=DIMENSIONS, construction="T", superlevel=True)
    lasting = np.abs(diagram.birth - diagram.death) > tau
    found = {}
    for dimension in DIMENSIONS:
        chosen = lasting & (diagram.dimension == dimension)
        voxels = np.concatenate([diagram.birth_voxel[chosen], diagram.death_voxel[chosen]])
        found[dimension] = voxels[voxels >= 0].astype(np.int64)
    return found


def critical_voxel_loss(
    rebuilt_BCZYX: Tensor, true_BCZYX: Tensor, *, tau: float = PERSISTENCE
) -> Tensor:
    """Mean over the batch of the critical-voxel loss; gradients flow to the rebuilt image only."""
    rebuilt, true = smooth(rebuilt_BCZYX.float()), smooth(true_BCZYX.float()).detach()
    images = [image[0].detach().cpu().numpy() for image in (*true, *rebuilt)]
    critical = list(pool().map(lambda image: critical_voxels(image, tau), images))
    B = len(true)
    terms = [
        squared_error_at(rebuilt[b], true[b], voxels)
        for b in range(B)
        for found in (critical[b], critical[B + b])
        for voxels in nonempty(found)
    ]
    return 0.25 * torch.stack(terms).sum() / B if terms else (rebuilt * 0.0).sum()


def nonempty(found: dict[int, NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
    """Yield the sets of voxels that hold any."""
    return (voxels for voxels in found.values() if voxels.size)


def squared_error_at(rebuilt: Tensor, true: Tensor, voxels: NDArray[np.int64]) -> Tensor:
    """Mean squared difference of two images at some voxels."""
    index = torch.from_numpy(voxels).to(rebuilt.device)
    return (rebuilt.flatten()[index] - true.flatten()[index]).square().mean()
