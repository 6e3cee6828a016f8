"""Random crops of one size, padded where the volume is smaller; padding counts in no loss."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import Size3
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.dataset import Example
from napari_toposeg.learning.losses.overlap import IGNORED

FLAT = 0.02
"""Crops whose standard deviation is below this, such as air, are drawn again."""


@dataclass(frozen=True)
class Crop:
    """A piece of an example.

    Parameters
    ----------
    image
        ``(z, y, x)`` in 0..1, zero in the padding.
    inside
        True where the volume is, False in the padding.
    target
        Class numbers, -1 where unlabelled or padded; None for an unlabelled example.
    place
        ``(3, 4)``: affine map from the crop's own coordinates ``(z, y, x)``, which run from -1 to 1
        between its outer faces, to the volume's, which run from 0 at the centre of its first voxel
        to 1 at that of its last.
    modality
        That of the example.
    """

    image: NDArray[np.float32]
    inside: NDArray[np.bool_]
    target: NDArray[np.int16] | None
    place: NDArray[np.float32]
    modality: str = "unknown"


def require_multiple(crop: Size3, multiple: Size3) -> None:
    """Raise InvalidConfig unless each edge of the crop is a multiple of what the network needs."""
    if any(edge % step for edge, step in zip(crop, multiple, strict=True)):
        least = tuple(-(-edge // step) * step for edge, step in zip(crop, multiple, strict=True))
        raise InvalidConfig(
            f"the crop {crop} must be a multiple of {multiple} along (z, y, x) for this network "
            f"and patch; use {least} or more"
        )


def place_of(start: Sequence[int], size: Size3, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return the place of a crop that begins at a voxel of a volume: see `Crop`."""
    last = np.maximum(np.asarray(shape) - 1, 1)
    half = np.asarray(size) / 2
    return np.column_stack([np.diag(half / last), (start + half - 0.5) / last]).astype(np.float32)


def crop_at(example: Example, start: Sequence[int], size: Size3) -> Crop:
    """Cut a crop whose first voxel is `start`; it may reach beyond the volume on any side."""
    shape = example.image.shape
    source = tuple(
        slice(max(s, 0), min(s + n, edge)) for s, n, edge in zip(start, size, shape, strict=True)
    )
    place = tuple(slice(cut.start - s, cut.stop - s) for cut, s in zip(source, start, strict=True))
    image, inside = np.zeros(size, np.float32), np.zeros(size, bool)
    image[place], inside[place] = example.image[source], True
    where = place_of(start, size, shape)
    if example.target is None:
        return Crop(image, inside, None, where, example.modality)
    target = np.full(size, IGNORED, np.int16)
    target[place] = example.target[source]
    return Crop(image, inside, target, where, example.modality)


def draw_start(shape: Sequence[int], size: Size3, random: np.random.Generator) -> list[int]:
    """Draw where a crop begins; a volume shorter than the crop lies anywhere within it."""
    return [
        int(random.integers(min(0, edge - n), max(0, edge - n) + 1))
        for edge, n in zip(shape, size, strict=True)
    ]


def draw_unlabelled(
    example: Example, size: Size3, random: np.random.Generator, *, tries: int = 4
) -> Crop:
    """Draw a crop anywhere, rather one that shows something, mirrored at random along each axis."""
    for _ in range(tries):
        crop = crop_at(example, draw_start(example.image.shape, size, random), size)
        if crop.image[crop.inside].std() > FLAT:
            break
    return mirrored(crop, tuple(axis for axis in range(3) if random.random() < 0.5))


def draw_labelled(
    example: Example,
    size: Size3,
    random: np.random.Generator,
    *,
    foreground: float = 0.7,
    flips: tuple[int, ...] = (),
) -> Crop:
    """Draw a crop around a labelled voxel, often one of a class.

    Parameters
    ----------
    foreground
        Share of the crops that are centred near a voxel of a class.
    flips
        Axes along which the crop is mirrored, each with probability one half.
    """
    assert example.target is not None
    wanted = np.flatnonzero(example.target > 0) if random.random() < foreground else np.empty(0)
    if not wanted.size:
        wanted = np.flatnonzero(example.target != IGNORED)
    centre = np.unravel_index(random.choice(wanted), example.image.shape)
    start = [
        around(int(c), n, edge, random)
        for c, n, edge in zip(centre, size, example.image.shape, strict=True)
    ]
    return mirrored(
        crop_at(example, start, size), tuple(axis for axis in flips if random.random() < 0.5)
    )


def around(centre: int, size: int, edge: int, random: np.random.Generator) -> int:
    """Draw a start along one axis so that the centre falls into the middle half of the crop."""
    start = centre - size // 2 + int(random.integers(-(size // 4), size // 4 + 1))
    return int(np.clip(start, min(0, edge - size), max(0, edge - size)))


def mirrored(crop: Crop, axes: tuple[int, ...]) -> Crop:
    """Mirror a crop along some axes."""
    if not axes:
        return crop
    target = None if crop.target is None else np.flip(crop.target, axes)
    place = crop.place.copy()
    place[:, list(axes)] *= -1
    return replace(
        crop,
        image=np.flip(crop.image, axes),
        inside=np.flip(crop.inside, axes),
        target=target,
        place=place,
    )
