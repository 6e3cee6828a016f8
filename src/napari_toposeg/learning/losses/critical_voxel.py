"""Critical-voxel loss: agreement of two images at the voxels that decide their topology.

Persistent homology names the voxels at which components, loops and cavities are born and die. The
loss is the squared error at those voxels, of the field X and of the target T alike:

    L = 1/4 sum_k [ mean over C_k(T) of (X - T)^2 + mean over C_k(X) of (X - T)^2 ] ,

C_k being the critical voxels of the superlevel features of dimension k whose persistence exceeds
tau. Unlike a distance between diagrams it sees place, and features that the field lacks pull too.
The target's half is known before the field is. The derivation from the stability of persistence
is in the docs: "Topology in training".
"""

# N fields

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays
from napari_toposeg.topology import persistence

Critical = tuple[NDArray[np.int64], ...]
"""For each dimension the flat indices of its critical voxels."""


@dataclass(frozen=True)
class CriticalVoxel:
    """The loss, a `TopologicalLoss`.

    Parameters
    ----------
    tau
        Features of at most this persistence, in the images' unit, are left out.
    dimensions
        Which of 0 (components), 1 (loops) and 2 (cavities) count.

    Notes
    -----
    The essential component has no death; its birth, the brightest voxel, counts. With n critical
    voxels of a dimension each has the weight 1 / (4 n), so that a busy image does not outweigh a
    quiet one; a dimension without any adds nothing.
    """

    tau: float = 0.05
    dimensions: tuple[int, ...] = (0, 1)

    def prepare(self, target: Image) -> Critical:
        """Return the critical voxels of one image ``([Z,] Y, X)`` by dimension."""
        wanted = tuple(k for k in self.dimensions if k < target.ndim)
        lasting = persistence(
            target,
            dimensions=wanted,
            construction="T",
            superlevel=True,
            min_persistence=self.tau,
        )
        return tuple(
            critical_voxels(part.birth_voxel, part.death_voxel)
            for part in (lasting.select(k) for k in wanted)
        )

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Critical] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        theirs = prepared
        if theirs is None:
            theirs = in_threads(self.prepare, to_arrays(targets_NZYX))
        own = in_threads(self.prepare, to_arrays(fields_NZYX))
        seen = [[v for v in (*a, *b) if v.size] for a, b in zip(theirs, own, strict=True)]
        return squared_errors_at(fields_NZYX, targets_NZYX, seen)


def critical_voxels(births: NDArray[np.int64], deaths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the voxels of birth and of finite death."""
    return np.concatenate([births, deaths[deaths >= 0]])


def squared_errors_at(
    fields_NZYX: Tensor, targets_NZYX: Tensor, seen: Sequence[Sequence[NDArray[np.int64]]]
) -> Tensor:
    """Return for each field a quarter of the sum over its sets of voxels of the mean square error.

    One transfer of places and one of weights serve all fields.
    """
    kind = torch.promote_types(fields_NZYX.dtype, torch.float32)
    fields, targets = fields_NZYX.to(kind), targets_NZYX.detach().to(kind)
    size = fields[0].numel()
    places = [number * size + v for number, sets in enumerate(seen) for v in sets]
    shares = [np.full(v.size, 0.25 / v.size) for sets in seen for v in sets]
    index = torch.from_numpy(np.concatenate([np.empty(0, np.int64), *places])).to(fields.device)
    share = torch.from_numpy(np.concatenate([np.empty(0), *shares])).to(fields.device, kind)
    error = fields.reshape(-1)[index] - targets.reshape(-1)[index]
    counts = [sum(v.size for v in sets) for sets in seen]
    return torch.stack([part.sum() for part in torch.split(share * error.square(), counts)])
