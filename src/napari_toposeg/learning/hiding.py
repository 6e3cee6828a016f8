"""Hiding: what of a scan a network does not see, on the lattice of patches that it works with.

The one idea: a pattern is wished for on the scan, and a network can hide whole patches only. So a
`Lattice` says where the patches of a model lie in the scan and which of them are hidden.

Mask convention, here and everywhere: True = hidden. No torch here.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import Size3
from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.volume import Volume

Mask = NDArray[np.bool_]
Axis = Literal[0, 1, 2]
Edges = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

EXACT = 1e-4
"""Share of a patch that is rounding."""


@dataclass(frozen=True)
class Cubes:
    """Cubes drawn at random; of one patch, as a masked autoencoder is trained.

    Parameters
    ----------
    ratio
        Share to hide, between 0 and 1; by default as in the model's pretraining.
    seed
        Another one hides other cubes.
    edge
        Edge of a cube in patches.
    """

    ratio: float | None = None
    seed: int = 0
    edge: int = 1


@dataclass(frozen=True)
class Slabs:
    """Every n-th slab of patches across an axis, through the whole scan.

    Parameters
    ----------
    axis
        Axis ``(z, y, x)`` of the scan's array across which the slabs lie.
    every
        One slab of so many is hidden, at least 2.
    first
        Which slab is the first hidden one, counted from 0 and modulo `every`.
    """

    axis: Axis = 0
    every: int = 2
    first: int = 1


@dataclass(frozen=True, eq=False)
class Marked:
    """Patches that lie where voxels are marked.

    Parameters
    ----------
    voxels
        Mask ``(z, y, x)`` on the scan's grid.
    whole
        Hide every patch with a marked voxel. Otherwise as many patches as keep the marked share,
        the most covered first: on another lattice than the mask was made on, whole patches
        would hide nearly everything.
    """

    voxels: Mask
    whole: bool = True


Pattern = Cubes | Slabs | Marked


@dataclass(frozen=True, eq=False)
class Lattice:
    """The patches of a model as they lie in a scan, and which of them are hidden.

    Parameters
    ----------
    edges
        Where patches begin and end along ``(z, y, x)``, in voxels of the scan, whose voxel i spans
        i - 0.5 to i + 0.5; cut to the scan.
    hidden
        Mask ``(n_z, n_y, n_x)`` of patches.
    """

    edges: Edges
    hidden: Mask

    @property
    def share(self) -> float:
        """Share of the patches that is hidden."""
        return float(self.hidden.mean())


def patch_edges(volume: Volume, prepared: Volume, patch: int) -> Edges:
    """Return where the patches of a resampled scan lie in the scan itself.

    Parameters
    ----------
    volume, prepared
        The scan, and the same on a model's grid, whose axes lie along the scan's.
    patch
        Edge of a patch in voxels of `prepared`.
    """
    to_scan = (np.linalg.inv(volume.affine) @ prepared.affine)[::-1][1:]
    found = []
    for axis, (size, length) in enumerate(zip(prepared.shape, volume.shape, strict=True)):
        step, start = to_scan[axis, 2 - axis], to_scan[axis, 3]
        cuts = np.arange(-(-size // patch) + 1) * patch - 0.5
        found.append(np.clip(step * cuts + start, -0.5, length - 0.5))
    return found[0], found[1], found[2]


def slab_patches(pattern: Slabs, grid: Size3) -> Mask:
    """Return which patches lie in hidden slabs.

    Raises
    ------
    InvalidConfig
        If fewer than two slabs alternate, or the scan is too thin for one to be hidden and
        another seen.
    """
    count = grid[pattern.axis]
    if pattern.every < 2:
        raise InvalidConfig(
            f"every slab would be hidden, got every={pattern.every}; give 2 or more"
        )
    slabs = np.arange(count) % pattern.every == pattern.first % pattern.every
    if not slabs.any() or slabs.all():
        raise InvalidConfig(
            f"the scan is {count} patches thick along {'zyx'[pattern.axis]}, too few to hide one "
            f"slab of {pattern.every}; choose another axis or hide more often"
        )
    shape = [1, 1, 1]
    shape[pattern.axis] = count
    return np.broadcast_to(slabs.reshape(shape), grid).copy()


def cube_grid(grid: Size3, edge: int) -> Size3:
    """Return how many cubes of so many patches cover a grid of patches.

    Raises
    ------
    InvalidConfig
        If a cube has no patch.
    """
    if edge < 1:
        raise InvalidConfig(f"a cube has an edge of at least one patch, got {edge}")
    z, y, x = (-(-size // edge) for size in grid)
    return z, y, x


def cubes_as_patches(cubes: Mask, grid: Size3, edge: int) -> Mask:
    """Return the patches of hidden cubes; cubes at the far ends may reach beyond the grid."""
    for axis in range(3):
        cubes = cubes.repeat(edge, axis)
    z, y, x = grid
    return np.ascontiguousarray(cubes[:z, :y, :x])


def marked_patches(pattern: Marked, edges: Edges) -> Mask:
    """Return which patches a mask on the scan hides.

    Raises
    ------
    ShapeMismatch
        If the mask does not lie on the scan's grid.
    InvalidConfig
        If nothing is marked, or all is.
    """
    shape = tuple(round(float(cuts[-1] + 0.5)) for cuts in edges)
    if pattern.voxels.shape != shape:
        raise ShapeMismatch(
            f"the marked region {pattern.voxels.shape} and the scan {shape} differ in shape; mark "
            "it on the scan's own grid"
        )
    coverage = patch_coverage(pattern.voxels, edges)
    hidden = coverage > 0 if pattern.whole else most_covered(coverage)
    if not hidden.any():
        raise InvalidConfig("no voxel is marked; draw a region on the scan first")
    if hidden.all():
        raise InvalidConfig(
            "the marked region touches every patch, so that nothing would be seen; mark less"
        )
    return hidden


def most_covered(coverage: NDArray[np.float64]) -> Mask:
    """Return as many patches as keep the covered share; those of a mask of patches are its own."""
    if (np.minimum(coverage, 1 - coverage) < EXACT).all():
        return coverage > 0.5
    count = min(max(round(float(coverage.mean()) * coverage.size), 1), coverage.size - 1)
    hidden = np.zeros(coverage.size, bool)
    hidden[np.argsort(-coverage.ravel(), kind="stable")[:count]] = True
    return hidden.reshape(coverage.shape)


def patch_coverage(mask: Mask, edges: Edges) -> NDArray[np.float64]:
    """Return the share of marked voxels in each patch, by the voxels whose centre lies in it.

    A patch without a voxel centre, on a scan coarser than the lattice, has the next voxel's.
    """
    total: NDArray[Any] = mask.astype(np.float32)
    for axis, cuts in enumerate(edges):
        size = mask.shape[axis]
        first = np.clip(np.ceil(cuts[:-1]), 0, size - 1).astype(int)
        count = np.maximum(np.diff([*first, size]), 1)
        shape = [1, 1, 1]
        shape[axis] = len(first)
        total = np.add.reduceat(total, first, axis=axis) / count.reshape(shape)
    return total.astype(np.float64)
