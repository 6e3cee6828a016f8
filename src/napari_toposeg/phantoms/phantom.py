"""Phantom: a synthetic scan, its true mask, and the Betti numbers that the mask has.

The one idea: an object is drawn as a *fraction*, the share of each voxel that it fills, so that
thin parts get their partial volume; the scanner then adds its blur and its noise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology import BettiNumbers
from napari_toposeg.volume import Spacing, Volume

Shape = tuple[int, int, int]
Field = NDArray[np.float32]

LUNG_HU = -850.0
SOFT_TISSUE_HU = 40.0


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic volume whose topology is known.

    Parameters
    ----------
    image
        CT-like volume in HU, int16.
    truth
        The object on the same grid, uint8, 1 inside.
    betti
        Betti numbers of the truth, foreground 26-connected: known by construction, and checked.
    name
        Kind of phantom, one of `napari_toposeg.phantoms.NAMES`.
    """

    image: Volume
    truth: Volume
    betti: BettiNumbers
    name: str


def make_phantom(
    name: str, hu: Field, truth: NDArray[np.bool_], betti: BettiNumbers, spacing: Spacing
) -> Phantom:
    """Put HU values and truth on a grid in the patient, its axes along S, P and L."""
    z, y, x = spacing
    affine = np.diag([-x, -y, z, 1.0])
    voxels = np.clip(np.rint(hu), -1024, 3071).astype(np.int16)
    image = Volume(voxels, affine, modality="CT", name=name)
    mask = Volume(truth.astype(np.uint8), affine, modality="label", name=f"{name}-truth")
    return Phantom(image, mask, betti, name)


def scan(
    hu: Field, spacing: Spacing, *, blur: float, noise: float, random: np.random.Generator
) -> Field:
    """Blur by a Gaussian of sigma ``blur`` mm and add white noise of sigma ``noise`` HU."""
    blurred = hu
    if blur > 0:
        blurred = ndimage.gaussian_filter(hu, [blur / step for step in spacing], mode="nearest")
    return blurred + np.float32(noise) * random.standard_normal(hu.shape, dtype=np.float32)


def require_settings(shape: Any, spacing: Any, **amounts: float) -> tuple[Shape, Spacing]:
    """Return shape and spacing as triples, or raise InvalidConfig for what cannot be."""
    faults = []
    if len(shape) != 3 or any(int(n) != n or n < 1 for n in shape):
        faults.append(f"shape {tuple(shape)} must be three counts of voxels (z, y, x)")
    if len(spacing) != 3 or not all(0 < step < np.inf for step in spacing):
        faults.append(f"spacing {tuple(spacing)} must be three lengths in mm (z, y, x) above 0")
    faults += [
        f"{name} {amount} must not be negative"
        for name, amount in amounts.items()
        if not amount >= 0
    ]
    if faults:
        raise InvalidConfig("; ".join(faults))
    z, y, x = (int(n) for n in shape)
    dz, dy, dx = (float(step) for step in spacing)
    return (z, y, x), (dz, dy, dx)
