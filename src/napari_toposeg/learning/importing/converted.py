"""What a layout makes of published weights, and the axes that they were trained on.

The pretraining of Swin UNETR and SelfMedMAE hands a network images ``(x, y, z)`` that MONAI brought
to Right, Anterior and Superior; here they are ``(z, y, x)`` and run to Superior, Posterior and
Left. A kernel or a grid that is turned likewise answers to the turned image as it did to the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from torch import Tensor

from napari_toposeg.config import NetworkConfig, SizeName
from napari_toposeg.errors import InvalidCheckpoint


@dataclass(frozen=True)
class Converted:
    """Weights under the names of a network of this program.

    Parameters
    ----------
    network, task
        The network, and what it does.
    weights
        Tensors by the network's names.
    sources
        For each of the network's names the published one; absent where a tensor had none and was
        filled in so that the answer is the same.
    left
        Published names that the network has no use for.
    about
        Entries of the model's card, as far as they were published.
    """

    network: NetworkConfig
    task: Literal["encode", "reconstruct"]
    weights: Mapping[str, Tensor]
    sources: Mapping[str, str]
    left: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)


def turned_kernel(kernel: Tensor) -> Tensor:
    """Turn a kernel ``(D, C, x, y, z)`` of RAS axes to ``(D, C, z, y, x)`` of SPL axes."""
    return kernel.flip(2, 3).permute(0, 1, 4, 3, 2)


def turned_grid(values: Tensor) -> Tensor:
    """Turn values ``(x, y, z, D)`` of RAS axes to ``(z, y, x, D)`` of SPL axes."""
    return values.flip(0, 1).permute(2, 1, 0, 3)


def size_of(found: object, dimensions: Callable[[SizeName], object], what: str) -> SizeName:
    """Return the size whose dimensions are those of published weights.

    Parameters
    ----------
    dimensions
        What a size of that network has.
    what
        Begins the message: what the weights are of.

    Raises
    ------
    InvalidCheckpoint
        If there is none.
    """
    sizes: tuple[SizeName, ...] = get_args(SizeName)
    for size in sizes:
        if dimensions(size) == found:
            return size
    known = ", ".join(f"{size}: {dimensions(size)}" for size in sizes)
    raise InvalidCheckpoint(f"{what} is none of the sizes here ({known}); import one of these")


def edge_of(count: int, what: str) -> int:
    """Return the edge of a cube of so many pieces.

    Raises
    ------
    InvalidCheckpoint
        If they are no cube.
    """
    if not is_cube(count):
        raise InvalidCheckpoint(
            f"{count} {what} are no cube; only weights of cubic windows and patches are imported"
        )
    edge: int = round(count ** (1 / 3))
    return edge


def is_cube(count: int) -> bool:
    """Tell whether so many pieces can be a cube of two or more an edge."""
    return count > 1 and round(count ** (1 / 3)) ** 3 == count
