"""Examples: scans on the model's grid, in memory or in a store, ready to be cropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import Size3
from napari_toposeg.io.stored_arrays import StoredArray, read_index
from napari_toposeg.learning.places import Places

Voxels = NDArray[Any] | StoredArray
"""A volume ``(z, y, x)``, or channels ``(c, z, y, x)``, in memory or read when it is sliced."""


@dataclass(frozen=True)
class Example:
    """A case on the model's grid.

    Parameters
    ----------
    image
        Normalised to 0..1, ``(z, y, x)``, or ``(c, z, y, x)`` where there are several channels.
    target
        Class numbers, -1 where unlabelled; None for an unlabelled scan.
    modality
        What kind of scan it is: see `volume.Modality`.
    """

    name: str
    image: Voxels
    target: Voxels | None = None
    modality: str = "unknown"

    @property
    def grid(self) -> Size3:
        """Number of voxels along ``(z, y, x)``."""
        z, y, x = self.image.shape[-3:]
        return z, y, x

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.image.shape[0] if len(self.image.shape) > 3 else 1

    def loaded(self) -> "Example":
        """Return the case in memory, as a whole."""
        whole = (slice(None),) * 3
        image = self.image[(slice(None),) * len(self.image.shape)]
        target = None if self.target is None else self.target[whole]
        return Example(self.name, image, target, self.modality)

    @cached_property
    def places(self) -> Places:
        """Where crops are worth it, judged by the first channel, found when it is first asked."""
        first = (slice(None),) * 3 if self.channels == 1 else (0,)
        return Places.of(np.asarray(self.image)[first], self.target)


@dataclass(frozen=True, kw_only=True)
class StoredExample(Example):
    """A case of a store.

    Parameters
    ----------
    index
        File of its places, which were found when the store was made.
    """

    index: Path

    @property
    def places(self) -> Places:
        """Where crops are worth it."""
        return read_places(self.index, self.grid)


@lru_cache(maxsize=256)
def read_places(index: Path, shape: Size3) -> Places:
    """Read the places of a stored case; those of the cases visited last are kept."""
    return Places.read(shape, read_index(index))


def boxed(image: NDArray[Any], cut: Sequence[slice]) -> NDArray[Any]:
    """Return a box of an image, of all its channels."""
    z, y, x = cut
    box: NDArray[Any] = image[..., z, y, x]
    return box


def with_channels(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image with an axis of channels, which that of one channel lacks."""
    return image if image.ndim == 4 else image[None]
