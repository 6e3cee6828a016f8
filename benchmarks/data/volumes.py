"""Volumes like CT of a chest: a body with lungs, spine and vessels' texture, noise and air."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_toposeg.io import write_volume
from napari_toposeg.volume import Volume

AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_chests(folder: Path, count: int, shape: tuple[int, int, int]) -> Path:
    """Write some volumes as ``ct-0.nii`` and so on, of 1 mm, int16."""
    for seed in range(count):
        volume = Volume(chest(shape, seed), AFFINE, modality="CT")
        write_volume(volume, folder / f"ct-{seed}.nii")
    return folder


def chest(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Return a body in HU ``(z, y, x)``."""
    random = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij", sparse=True)
    hu = np.full(shape, -1000.0, np.float32)
    hu[np.broadcast_to((y / 0.7) ** 2 + (x / 0.9) ** 2 < 1, shape)] = 40
    for side in (-0.4, 0.4):
        lung = (z / 0.9) ** 2 + (y / 0.5) ** 2 + ((x - side) / 0.3) ** 2 < 1
        hu[lung] = -850
    hu[np.broadcast_to((y - 0.5) ** 2 + x**2 < 0.01, shape)] = 400
    coarse = random.standard_normal([-(-n // 4) for n in shape]).astype(np.float32)
    texture = ndimage.zoom(coarse, 4, order=1)[tuple(slice(n) for n in shape)]
    noise = random.standard_normal(shape, np.float32)
    return np.rint(hu + 30 * texture * (hu > -1000) + 12 * noise).astype(np.int16)
