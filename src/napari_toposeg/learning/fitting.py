"""Fitting one tensor of a model to its place in another network.

Three things may differ and still be meant: the grid that learned positions or projections are made
for, the patch that an embedding looks at, and the channels of the image. All else must have one
shape.

References
----------
Repeating the first layer over further channels and dividing by their number: Carreira and
Zisserman 2017, arXiv:1705.07750. Another patch: Beyer et al. 2023 (FlexiViT), arXiv:2212.08013.
"""

# N tokens, D embedding, C channels, P and Q edges of patches, V values in a patch

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.config import NetworkConfig, Size3
from napari_toposeg.learning.networks import unetr_pp_width_of
from napari_toposeg.learning.networks.unetr_pp import SCALES, grid_at


class Fitted(NamedTuple):
    """A tensor in its new shape, and what was done to it."""

    tensor: Tensor
    change: Literal["taken", "resized", "inflated"]


def fitted(
    name: str, given: Tensor, shape: tuple[int, ...], source: NetworkConfig, target: NetworkConfig
) -> Fitted | None:
    """Bring a tensor to a shape; None where that has no meaning.

    Parameters
    ----------
    name
        Its name within its part of the network.
    source, target
        The networks that it comes from and goes to.
    """
    if tuple(given.shape) == shape:
        return Fitted(given, "taken")
    fit: Fitted | None = None
    if name.endswith("positions") and source.grid and target.grid:
        fit = Fitted(resize_positions(given, source.grid, target.grid), "resized")
    elif name.endswith((".pos_embed", ".E.weight")):
        fit = fit_places(name, given, shape, source, target)
    elif name == "embed.weight":
        fit = fit_embedding(given, source, target)
    elif given.ndim == 5 and (given.shape[1], shape[1]) == (source.channels, target.channels):
        fit = Fitted(inflate(given, target.channels), "inflated")
    return fit if fit is not None and tuple(fit.tensor.shape) == shape else None


def fit_embedding(given_DV: Tensor, source: NetworkConfig, target: NetworkConfig) -> Fitted | None:
    """Bring the weights of a patch embedding to another patch or to more channels."""
    p, q = source.patch, target.patch
    if given_DV.shape[1] != source.channels * p**3:
        return None
    kernel = given_DV.reshape(-1, source.channels, p, p, p)
    kernel = kernel if p == q else resize_kernel(kernel, q)
    if source.channels == target.channels:
        return Fitted(kernel.flatten(1), "resized")
    return Fitted(inflate(kernel, target.channels).flatten(1), "inflated")


def fit_places(
    name: str, given: Tensor, shape: tuple[int, ...], source: NetworkConfig, target: NetworkConfig
) -> Fitted | None:
    """Bring a UNETR++'s position codes ``(1, N, D)`` or projections ``(P, N)`` to another grid."""
    projects = name.endswith("E.weight")
    places_ND = given.T if projects else given
    count = shape[-1] if projects else shape[-2]
    grids = grid_of(source, places_ND.shape[-2]), grid_of(target, count)
    if grids[0] is None or grids[1] is None:
        return None
    resized = resize_positions(places_ND, grids[0], grids[1])
    if projects:
        # A sum over places keeps its size.
        resized = (resized * (len(places_ND) / count)).T
    return Fitted(resized, "resized")


def grid_of(network: NetworkConfig, count: int) -> Size3 | None:
    """Return which of a UNETR++'s grids has so many places, if any."""
    own = network.grid if network.name == "unetr-pp" else None
    finest = own or unetr_pp_width_of(network.size).grid
    grids = (grid_at(finest, scale) for scale in range(SCALES))
    return next((grid for grid in grids if math.prod(grid) == count), None)


def inflate(kernel: Tensor, channels: int) -> Tensor:
    """Repeat the channels that a kernel ``(D, C, z, y, x)`` looks at.

    An image whose channels are all alike then gives what its one channel gave.
    """
    times = channels // kernel.shape[1]
    return kernel.repeat(1, times, 1, 1, 1) / max(times, 1)


def resize_kernel(kernel: Tensor, patch: int) -> Tensor:
    """Bring a kernel ``(D, C, z, y, x)`` to another patch.

    A patch that was interpolated to a finer grid gives what it gave before: interpolating the
    kernel instead would weigh its values anew.
    """
    p = kernel.shape[-1]
    enlarge_PQ = F.interpolate(torch.eye(p)[:, None], size=patch, mode="linear")[:, 0]
    inverse_QP = torch.linalg.pinv(enlarge_PQ.double())
    resized = torch.einsum("dcijk,ai,bj,ek->dcabe", kernel.double(), *(inverse_QP,) * 3)
    return resized.to(kernel.dtype)


def resize_positions(positions: Tensor, source: Size3, target: Size3) -> Tensor:
    """Interpolate learned positions ``(..., N, D)`` from one grid of patches to another."""
    leading, dimension = positions.shape[:-2], positions.shape[-1]
    volume = positions.reshape(-1, *source, dimension).movedim(-1, 1)
    resized = F.interpolate(volume.float(), size=target, mode="trilinear")
    return resized.flatten(2).movedim(1, -1).reshape(*leading, -1, dimension).to(positions.dtype)
