"""The model's grid: from a scan and its labels to an example, resampled and normalised."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.io.headers import Extent
from napari_toposeg.learning.augment import thick_axis
from napari_toposeg.learning.cards import Intensity
from napari_toposeg.learning.cases import Case, target_of
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.normalisation import normalisation_of
from napari_toposeg.resampling import resample
from napari_toposeg.volume import Spacing, Volume, corner_distance

THIN_PERCENTILE = 10
"""Of the scans, those with slices as thin set the grid where slices are thick."""


def prepare_case(case: Case, spacing: Spacing, intensity: Intensity | None = None) -> Example:
    """Bring image and labels of a case to the model's spacing; see `prepare_image`.

    Raises
    ------
    ShapeMismatch
        If image and labels differ in shape, or lie more than half a voxel apart.
    """
    target = prepare_target(case, spacing)
    image = prepare_channels((case.image, *case.further), spacing, intensity)
    return Example(case.name, image, target, case.image.modality)


def prepare_channels(
    channels: Sequence[Volume], spacing: Spacing, intensity: Intensity | None = None
) -> NDArray[np.float32]:
    """Return all channels of a scan, ``(c, z, y, x)``; of one channel ``(z, y, x)``."""
    prepared = [prepare_image(channel, spacing, intensity).voxels for channel in channels]
    return prepared[0] if len(prepared) == 1 else np.stack(prepared)


def prepare_target(case: Case, spacing: Spacing) -> NDArray[np.int16]:
    """Return class numbers of a case on the model's spacing, -1 where it is not labelled.

    Raises
    ------
    ShapeMismatch
        If image and labels differ in shape, or lie more than half a voxel apart.
    """
    if case.image.shape != case.labels.shape:
        raise ShapeMismatch(
            f"case {case.name!r}: image {case.image.shape} and labels {case.labels.shape} differ "
            "in shape; "
            "resample the labels to the image's grid first"
        )
    apart = corner_distance(case.image, case.labels)
    if apart > min(case.image.spacing) / 2:
        raise ShapeMismatch(
            f"case {case.name!r}: image and labels lie up to {apart:.3g} mm apart by their "
            "headers; resample the labels to the image's grid, or mend the header that is wrong"
        )
    target = case.image.with_voxels(target_of(case), modality="label")
    resampled: NDArray[Any] = resample(target, spacing, order=0).voxels
    return np.ascontiguousarray(resampled, dtype=np.int16)


def prepare_image(image: Volume, spacing: Spacing, intensity: Intensity | None = None) -> Volume:
    """Return a scan normalised to 0..1, or as a card's `intensity` says, on the model's spacing."""
    scaled = image.with_voxels(normalisation_of(image, intensity).apply(image.voxels))
    prepared = resample(scaled, spacing, order=1)
    return prepared.with_voxels(np.ascontiguousarray(prepared.voxels, dtype=np.float32))


def median_spacing(volumes: Iterable[Volume | Extent]) -> Spacing:
    """Return the median voxel size in mm along ``(z, y, x)``, to a micrometre."""
    z, y, x = np.median([volume.spacing for volume in volumes], axis=0).round(3)
    return float(z), float(y), float(x)


def planned_spacing(volumes: Iterable[Volume | Extent]) -> Spacing:
    """Return the voxel size in mm that labelled scans are brought to, to a micrometre.

    It is the median; across thick slices it is that of the tenth of the scans with the thinnest, so
    that these keep what they show, but no finer than within the slices.

    References
    ----------
    Isensee et al. 2021, doi:10.1038/s41592-020-01008-z: nnU-Net's rule.
    """
    spacings = [volume.spacing for volume in volumes]
    median = np.median(spacings, axis=0)
    z, y, x = map(float, median.round(3))
    thick = thick_axis((z, y, x))
    if thick is not None:
        within = max(np.delete(median, thick))
        median[thick] = max(within, np.percentile(np.array(spacings)[:, thick], THIN_PERCENTILE))
    z, y, x = map(float, median.round(3))
    return z, y, x
