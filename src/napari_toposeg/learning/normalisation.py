"""From a scan's own unit to the network's, and back.

CT keeps its absolute scale: -1000..1000 HU become 0..1. Other modalities have none, so the 0.5th
and 99.5th percentile become 0 and 1. Values beyond are clipped for the network only. A model whose
weights were published with another convention says so in its card.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.learning.cards import Intensity
from napari_toposeg.volume import Modality, Volume

CT_RANGE = (-1000.0, 1000.0)
PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True)
class Normalisation:
    """A linear map of intensities with clipping.

    Parameters
    ----------
    low, high
        Intensities, in the scan's unit, that become 0 and 1.
    clipped
        Whether values beyond become 0 and 1 too.
    """

    low: float
    high: float
    clipped: bool = True

    def apply(self, voxels: NDArray[Any]) -> NDArray[np.float32]:
        """Return values in 0..1."""
        scaled = (voxels.astype(np.float32) - np.float32(self.low)) / np.float32(
            self.high - self.low
        )
        return np.clip(scaled, 0.0, 1.0, out=scaled) if self.clipped else scaled

    def invert(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return intensities in the scan's unit."""
        return values * np.float32(self.high - self.low) + np.float32(self.low)


def normalisation_of(volume: Volume, intensity: Intensity | None = None) -> Normalisation:
    """Choose the map for a scan by its modality, or as a model's card says."""
    return normalisation_for(volume.voxels, volume.modality, intensity)


def normalisation_for(
    voxels: NDArray[Any], modality: Modality, intensity: Intensity | None = None
) -> Normalisation:
    """Choose the map for voxels of a modality; a constant image maps to 0.

    Parameters
    ----------
    intensity
        As in a model's card; numbers are of HU, and hold for CT alone.
    """
    if intensity == "z-score":
        mean, deviation = float(voxels.mean()), float(voxels.std())
        return Normalisation(mean, mean + (deviation or 1.0), clipped=False)
    if modality == "CT":
        return Normalisation(*(intensity or CT_RANGE))
    low, high = np.percentile(voxels, PERCENTILES)
    if high <= low:
        low, high = float(voxels.min()), float(voxels.max())
    return Normalisation(float(low), float(high) if high > low else float(low) + 1.0)
