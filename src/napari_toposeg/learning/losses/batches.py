"""Voxels of a whole batch, read and summed in single calls.

The one idea: a loss of diagrams names a few voxels of each field. Numbered through the batch, all
of them are one index, one transfer to the device and one kernel, and no field is too empty to have
a gradient: a sum of nothing is a 0 that depends on the fields.
"""

# N fields, V voxels named in all of them

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_toposeg.learning.losses.fields import Image
from napari_toposeg.topology import PersistenceDiagram, persistence
from napari_toposeg.topology.grid import Construction


def lasting_features(
    image: Image,
    dimensions: tuple[int, ...],
    tau: float,
    construction: Construction = "T",
    superlevel: bool = True,
) -> PersistenceDiagram:
    """Return the features of one field ``([Z,] Y, X)`` with persistence above tau.

    Dimensions that the field cannot have are left out. One thread: fields go beside each other.
    """
    return persistence(
        image,
        dimensions=[k for k in dimensions if k < image.ndim],
        construction=construction,
        superlevel=superlevel,
        min_persistence=tau,
        threads=1,
    )


@dataclass(frozen=True)
class Batch:
    """Fields in the type in which losses are computed: their own, at least float32."""

    fields_NZYX: Tensor

    @classmethod
    def of(cls, fields_NZYX: Tensor) -> "Batch":
        """Raise the precision where it is less than float32."""
        return cls(fields_NZYX.to(torch.promote_types(fields_NZYX.dtype, torch.float32)))

    def values_at(self, voxels: Sequence[NDArray[np.int64]]) -> Tensor:
        """Return the values at flat indices of each field, one field's after the other's."""
        size = self.fields_NZYX[0].numel()
        index_V = np.concatenate([n * size + v.ravel() for n, v in enumerate(voxels)])
        index = torch.from_numpy(index_V).to(self.fields_NZYX.device)
        return self.fields_NZYX.reshape(-1)[index]

    def constants(self, values: Sequence[NDArray[Any]] | Sequence[float]) -> Tensor:
        """Return numbers of all fields, one field's after the other's, as a tensor beside them."""
        joined = np.concatenate([np.atleast_1d(v).ravel() for v in values])
        fields = self.fields_NZYX
        return torch.from_numpy(joined).to(dtype=fields.dtype).to(fields.device)

    def sums(self, terms_V: Tensor, voxels: Sequence[NDArray[Any]]) -> Tensor:
        """Return the sum ``(N,)`` of each field's terms, as many as it names rows of voxels."""
        counts = torch.tensor([len(v) for v in voxels])
        owner_V = torch.repeat_interleave(torch.arange(len(voxels)), counts).to(terms_V.device)
        return terms_V.new_zeros(len(voxels)).index_add(0, owner_V, terms_V)
