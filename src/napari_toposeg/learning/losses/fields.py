"""Fields: what a topological loss looks at, and the bridge from tensors to numpy and back.

A *field* is one real image, ``([Z,] Y, X)``: a rebuilt crop, or the probability of one class.
Bright is structure: superlevel sets, 26-connected (8 in 2D). The one idea of every loss here: the
topology is computed in numpy, in threads that hold no interpreter lock, and names voxels; the loss
is a formula on the values *at those voxels*, which torch differentiates.
"""

# N fields: a batch, or a batch times its classes

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_toposeg.topology.processors import processors

Image = NDArray[np.float32]
Result = TypeVar("Result")


class TopologicalLoss(Protocol):
    """A loss of fields against targets, of which the targets' share can be computed beforehand."""

    def prepare(self, target: Image) -> Any:
        """Return what the loss needs of one target ``([Z,] Y, X)``; called in the data loader."""

    def __call__(
        self, fields_NZYX: Tensor, targets_NZYX: Tensor, prepared: Sequence[Any] | None = None
    ) -> Tensor:
        """Return the losses ``(N,)``; gradients flow to the fields only.

        Parameters
        ----------
        fields_NZYX, targets_NZYX
            ``(N, Y, X)`` or ``(N, Z, Y, X)``, any device and floating type.
        prepared
            What `prepare` returned for each target; computed here where it is None.
        """


@lru_cache(maxsize=1)
def threads() -> ThreadPoolExecutor:
    """Return the threads in which topology is computed, field beside field."""
    return ThreadPoolExecutor(max(2, processors()), thread_name_prefix="topology")


def in_threads(work: Callable[..., Result], *columns: Iterable[Any]) -> list[Result]:
    """Apply a function to rows of columns, each in a thread; order and errors are kept."""
    return list(threads().map(work, *columns))


def to_arrays(fields_NZYX: Tensor) -> list[Image]:
    """Return each field as a C-contiguous float32 array, brought from the device in one go."""
    return list(np.ascontiguousarray(fields_NZYX.detach().float().cpu().numpy()))


def values_at(field: Tensor, voxels: NDArray[np.int64]) -> Tensor:
    """Return the values of one field at flat indices, so that gradients reach them."""
    return field.reshape(-1)[torch.from_numpy(np.asarray(voxels, np.int64)).to(field.device)]
