"""Critical-voxel loss: agreement of two images at the voxels that decide their topology.

Persistent homology names the voxels at which components, loops and cavities are born and die. The
loss is the squared error at those voxels, of the field X and of the target T alike:

    L = 1/4 sum_k [ sum over C_k(T) of (X - T)^2 + sum over C_k(X) of (X - T)^2 ] ,

C_k being the critical voxels of the superlevel features of dimension k whose persistence exceeds
tau. Unlike a distance between diagrams it sees place, and features that the field lacks pull too.
The target's half is known before the field is. The derivation from the stability of persistence
is in the docs: "Topology in training".
"""

# N fields

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_toposeg.learning.losses.batches import Batch, lasting_features
from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays

Critical = NDArray[np.int64]
"""Flat indices of births and finite deaths; one voxel can be several."""


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
    The essential component has no death; its birth, the brightest voxel, counts. A sum and no mean:
    every critical voxel weighs the same whatever else is in the image, so that the losses of blocks
    add up to that of the whole. Only a weight by gradient ratio makes it comparable to another
    loss.
    """

    tau: float = 0.05
    dimensions: tuple[int, ...] = (0, 1)

    def prepare(self, target: Image) -> Critical:
        """Return the critical voxels of one image ``([Z,] Y, X)``."""
        lasting = lasting_features(target, self.dimensions, self.tau)
        deaths = lasting.death_voxel
        return np.concatenate([lasting.birth_voxel, deaths[deaths >= 0]])

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Critical] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        theirs = prepared
        if theirs is None:
            theirs = in_threads(self.prepare, to_arrays(targets_NZYX))
        own = in_threads(self.prepare, to_arrays(fields_NZYX))
        seen = [np.concatenate(voxels) for voxels in zip(theirs, own, strict=True)]
        fields, targets = Batch.of(fields_NZYX), Batch.of(targets_NZYX.detach())
        error = fields.values_at(seen) - targets.values_at(seen)
        return 0.25 * fields.sums(error.square(), seen)
