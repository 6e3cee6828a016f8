"""Histograms of oriented gradients in volumes: which way intensity changes, cell by cell.

Directions have no sign, since a vessel is bright in one modality and dark in the next. A gradient
votes for the axes near it by its projections on them, less the projection at which the next axis
begins, so that a gradient along an axis votes for that one alone (Klaser et al.). The axes are the
13 of the 26 neighbours, rather than an icosahedron's: a grid that is turned by 90 degrees or
mirrored has the same ones in another order, and its histograms with them.

References
----------
Dalal and Triggs 2005, doi:10.1109/CVPR.2005.177; in 3D Klaser et al. 2008, doi:10.5244/C.22.99.
"""

# B batch, A axes

import itertools

import torch
from torch import Tensor
from torch.nn import functional as F

AXES = 13

FAINT = 0.01
"""Gradients, in the image's range 0..1 a voxel, below which a cell's histogram fades to nothing."""

NEXT_AXIS = (2 / 3) ** 0.5
"""Cosine of the least angle between two of the axes, an edge's and a corner's."""


def axes_of_neighbours() -> Tensor:
    """Return the 13 unit axes ``(A, 3)`` along ``(z, y, x)``: 3 faces, 6 edges, 4 corners."""
    towards = [
        way
        for way in itertools.product((-1, 0, 1), repeat=3)
        if next((part for part in way if part), 0) > 0
    ]
    return F.normalize(torch.tensor(sorted(towards, key=lambda way: sum(map(abs, way)))).float())


def gradients(image_B1ZYX: Tensor, inside_B1ZYX: Tensor) -> Tensor:
    """Return central differences ``(B, 3, Z, Y, X)`` along ``(z, y, x)``; 0 beside padding."""
    padded = F.pad(image_B1ZYX, (1,) * 6, mode="replicate")
    known = F.pad(inside_B1ZYX.to(padded.dtype), (1,) * 6, mode="replicate")
    ends = [
        [part[index] for index in neighbours(axis)] for axis in range(3) for part in (padded, known)
    ]
    apart = [(after - before) / 2 for before, after in ends[0::2]]
    both = [before * after for before, after in ends[1::2]]
    return torch.cat(apart, 1) * torch.cat(both, 1) * inside_B1ZYX


def neighbours(axis: int) -> list[tuple[slice, ...]]:
    """Return, of a volume padded by 1, the voxels before and after each one along an axis."""
    inner = slice(1, -1)
    return [
        (slice(None), slice(None), *(shift if axis == each else inner for each in range(3)))
        for shift in (slice(None, -2), slice(2, None))
    ]


def votes(gradient_B3ZYX: Tensor) -> Tensor:
    """Return how much of each gradient goes to each axis, ``(B, A, Z, Y, X)``.

    The root of the sum of squared votes is the gradient's length.
    """
    axes_A3 = axes_of_neighbours().to(gradient_B3ZYX)
    length: Tensor = gradient_B3ZYX.square().sum(1, keepdim=True).sqrt()
    direction = gradient_B3ZYX / length.clamp(min=1e-12)
    along = torch.einsum("ac,bczyx->bazyx", axes_A3, direction).abs()
    near = (along - NEXT_AXIS).clamp(min=0)
    return length * F.normalize(near, dim=1)


def oriented_gradients(image_B1ZYX: Tensor, inside_B1ZYX: Tensor, cell: int) -> Tensor:
    """Return the histograms ``(B, 13, z, y, x)`` of cubic cells, each of length 1 or less.

    Parameters
    ----------
    image_B1ZYX
        In 0..1.
    inside_B1ZYX
        True where there is a volume and not padding, whose border is no gradient.
    cell
        Edge of a cell in voxels; edges of the image are multiples of it.

    Notes
    -----
    ``h / sqrt(|h|^2 + FAINT^2)``, h the mean of the votes: the noise of a flat cell stays small.
    """
    # One image after the other: votes need 13 times an image's memory.
    means = [
        F.avg_pool3d(votes(gradients(image[None].float(), inside[None])), cell)
        for image, inside in zip(image_B1ZYX, inside_B1ZYX, strict=True)
    ]
    histogram = torch.cat(means)
    length: Tensor = (histogram.square().sum(1, keepdim=True) + FAINT**2).sqrt()
    return histogram / length
