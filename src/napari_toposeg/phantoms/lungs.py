"""The lung around the vessels: parenchyma with texture, and a chest wall where one is asked for.

The one idea: everything here is a *distractor*, bright in places and smooth as vessels are not, so
that no single threshold finds the vessels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.phantoms.phantom import LUNG_HU, SOFT_TISSUE_HU, Field, Shape
from napari_toposeg.volume import Spacing


@dataclass(frozen=True)
class Side:
    """A face of the volume: the first or last layer along an axis."""

    axis: int
    last: bool


def draw_side(random: np.random.Generator) -> Side:
    """Choose a face of the volume."""
    return Side(int(random.integers(3)), bool(random.integers(2)))


def smooth_field(shape: Shape, scale: tuple[float, ...], random: np.random.Generator) -> Field:
    """Return Gaussian noise smoothed by ``scale`` voxels, of mean 0 and deviation 1."""
    noise = random.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, scale, mode="wrap", truncate=3.0)
    deviation = float(smooth.std())
    field: Field = (smooth - smooth.mean()) / (deviation or 1.0)
    return field


def draw_parenchyma(
    shape: Shape, spacing: Spacing, texture: float, blobs: float, random: np.random.Generator
) -> Field:
    """Return aerated lung in HU.

    Parameters
    ----------
    texture
        Deviation of its mottle, in HU; a gradient from top to bottom of the same size is added, as
        gravity makes one.
    blobs
        Height of smooth bright patches, in HU.
    """
    voxel = min(spacing)
    mottle = smooth_field(shape, tuple(1.2 * voxel / step for step in spacing), random)
    gravity = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :, None]
    hu = np.float32(LUNG_HU) + np.float32(texture) * (mottle + gravity)
    if blobs > 0:
        patches = smooth_field(shape, tuple(2.5 * voxel / step for step in spacing), random)
        hu += np.float32(blobs) * np.clip(patches - 1.2, 0, 1.5)
    return hu


def draw_wall(
    shape: Shape, thickness: float, side: Side, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Return the mask of soft tissue along one face, of about ``thickness`` voxels, curved."""
    depth = np.arange(shape[side.axis], dtype=np.float32)
    depth = np.moveaxis((depth[::-1] if side.last else depth)[:, None, None], 0, side.axis)
    if thickness <= 0:
        return np.zeros(shape, np.bool_)
    across = tuple(1 if axis == side.axis else n for axis, n in enumerate(shape))
    phases = random.uniform(0, 2 * np.pi, 3)
    bulge = np.zeros(across, np.float32)
    for axis in range(3):
        if axis != side.axis:
            along = np.linspace(0, 3.0, shape[axis], dtype=np.float32) + np.float32(phases[axis])
            bulge = bulge + np.moveaxis(np.sin(along)[:, None, None], 0, axis)
    return np.asarray(depth < thickness * (1 + 0.3 * bulge))


def lay_wall(hu: Field, wall: NDArray[np.bool_], random: np.random.Generator) -> None:
    """Put soft tissue, of muscle's HU, where the wall is (in place)."""
    tissue = SOFT_TISSUE_HU + 15 * random.standard_normal(np.count_nonzero(wall))
    hu[wall] = tissue.astype(np.float32)
