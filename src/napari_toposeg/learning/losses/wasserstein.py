"""Wasserstein loss: half the squared 2-Wasserstein distance of the diagrams of two images.

    L = 1/2 sum_k W2(D_k(X), D_k(T))^2 ,   k = 0, 1, 2 ,

the topological term of Gu et al. It is built on the cubical complex whose *vertices* are the voxels
("V": 6-connected), in all dimensions and without a threshold on persistence. The paper does not
state the direction, the treatment of the essential component, or the weight; taken here are
sublevel sets, the default of cubical complexes, and a match of the essential components by their
births, that is, of the images' least values. Nothing of this is tuned to bright structures: set
``construction="T", superlevel=True`` for those.

**It does not see place.** A diagram forgets where its features lie: an image and its mirror image
have the distance 0, and another crop is nearer than the same crop with cut vessels or a blur. A
feature that only the target has adds a constant: it has no voxel in the field and no gradient, so
a missing vessel is not pulled back. It is here as the reference; `CriticalVoxel` sees place.

References
----------
Gu et al. 2024, arXiv:2406.10519.
"""

# N fields

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_toposeg.learning.losses.batches import Batch, lasting_features
from napari_toposeg.learning.losses.fields import Image, in_threads, to_arrays
from napari_toposeg.topology import PersistenceDiagram
from napari_toposeg.topology.distances import match_diagrams
from napari_toposeg.topology.grid import Construction


@dataclass(frozen=True)
class Pulls:
    """What the best pairing asks of one field.

    ``voxels`` should take the values ``wanted``; the values of each pair ``(n, 2)`` in ``lone``,
    birth and death of a feature that the target has not, should meet; ``missing`` is the cost of
    what the field has not.
    """

    voxels: NDArray[np.int64]
    wanted: NDArray[np.float64]
    lone: NDArray[np.int64]
    missing: float


@dataclass(frozen=True)
class Wasserstein:
    """The loss, a `TopologicalLoss`.

    Parameters
    ----------
    dimensions
        Which of 0 (components), 1 (loops), 2 (cavities) count; a 2D field has no 2.
    tau
        Features of at most this persistence, in the fields' unit, are left out of both diagrams;
        0 as in the paper.
    construction, superlevel
        As in `topology.persistence`; ``"V"`` as in the paper.

    Notes
    -----
    Equal to ``0.5 * topology.wasserstein(...) ** 2``. The gradient is that of the best pairing held
    fixed, which is exact where the pairing and the critical voxels are unique.
    """

    dimensions: tuple[int, ...] = (0, 1, 2)
    tau: float = 0.0
    construction: Construction = "V"
    superlevel: bool = False

    def prepare(self, target: Image) -> PersistenceDiagram:
        """Return the diagram of one image ``([Z,] Y, X)``."""
        return lasting_features(
            target, self.dimensions, self.tau, self.construction, self.superlevel
        )

    def __call__(
        self,
        fields_NZYX: Tensor,
        targets_NZYX: Tensor,
        prepared: Sequence[PersistenceDiagram] | None = None,
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only."""
        if prepared is None:
            prepared = in_threads(self.prepare, to_arrays(targets_NZYX))
        pulls = in_threads(self.pull, to_arrays(fields_NZYX), prepared)
        batch = Batch.of(fields_NZYX)
        voxels, lone = [p.voxels for p in pulls], [p.lone for p in pulls]
        apart = batch.values_at(voxels) - batch.constants([p.wanted for p in pulls])
        ends = batch.values_at(lone).reshape(-1, 2)
        paired = batch.sums(apart.square() / 2, voxels)
        given_up = batch.sums((ends[:, 0] - ends[:, 1]).square() / 4, lone)
        return paired + given_up + batch.constants([p.missing for p in pulls])

    def pull(self, field: Image, target: PersistenceDiagram) -> Pulls:
        """Pair the features of one field with its target's."""
        own = self.prepare(field)
        pairs = match_diagrams(own, target, order=2.0)
        both = pairs[(pairs >= 0).all(axis=1)]
        voxels = np.concatenate([own.birth_voxel[both[:, 0]], own.death_voxel[both[:, 0]]])
        wanted = np.concatenate([target.birth[both[:, 1]], target.death[both[:, 1]]])
        dies = voxels >= 0
        alone, absent = pairs[pairs[:, 1] < 0, 0], pairs[pairs[:, 0] < 0, 1]
        return Pulls(
            voxels[dies],
            wanted[dies],
            np.stack([own.birth_voxel[alone], own.death_voxel[alone]], axis=1),
            float(np.square(target.persistence[absent]).sum() / 4),
        )
