"""Random crops of one size, padded where the volume is smaller; padding counts in no loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import Flips, Size3
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io.stored_arrays import StoredArray
from napari_toposeg.learning.examples import Example, Voxels, boxed
from napari_toposeg.learning.places import IGNORED


@dataclass(frozen=True)
class Crop:
    """A piece of an example.

    Parameters
    ----------
    image
        ``(z, y, x)`` in 0..1, zero in the padding; ``(c, z, y, x)`` where it shows several
        channels.
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


def crop_at(
    example: Example,
    start: Sequence[int],
    size: Size3,
    *,
    flips: Sequence[int] = (),
    channel: int | None = None,
) -> Crop:
    """Cut a crop whose first voxel is `start`; it may reach beyond the volume on any side.

    Parameters
    ----------
    flips
        Axes along which it is mirrored.
    channel
        The one channel of several that it shows; None: all.
    """
    shape, several = example.grid, example.channels > 1
    first, count = (0, example.channels) if channel is None else (channel, 1)
    channels = (slice(first, first + count),) if several else ()
    source = tuple(
        slice(max(s, 0), min(s + n, edge)) for s, n, edge in zip(start, size, shape, strict=True)
    )
    place = tuple(slice(cut.start - s, cut.stop - s) for cut, s in zip(source, start, strict=True))
    turn = tuple(slice(None, None, -1 if axis in flips else 1) for axis in range(3))
    image = np.zeros((count, *size) if several else size, np.float32)
    inside = np.zeros(size, bool)
    # Mirrored while it is filled: a mirrored view would be slow to copy into a batch.
    read_into(example.image, (*channels, *source), boxed(boxed(image, turn), place))
    image = image[0] if several and channel is not None else image
    inside[turn][place] = True
    where = place_of(start, size, shape)
    where[:, list(flips)] *= -1
    if example.target is None:
        return Crop(image, inside, None, where, example.modality)
    target = np.full(size, IGNORED, np.int16)
    read_into(example.target, source, target[turn][place])
    return Crop(image, inside, target, where, example.modality)


def read_into(volume: Voxels, cut: tuple[slice, ...], out: NDArray[Any]) -> None:
    """Copy a box of a volume, in memory or stored."""
    if isinstance(volume, StoredArray):
        volume.read(cut, out)
    else:
        out[...] = volume[cut]


def draw_unlabelled(
    example: Example,
    size: Size3,
    random: np.random.Generator,
    *,
    flips: Sequence[int] = (0, 1, 2),
    one_channel: bool = True,
) -> Crop:
    """Draw a crop that shows something, mirrored at random along some axes.

    Parameters
    ----------
    one_channel
        Of several channels show one, drawn at random: what is learnt from is any kind of image.
    """
    start = example.places.draw_start(size, random)
    flips = drawn_flips(flips, random)
    several = one_channel and example.channels > 1
    channel = int(random.integers(example.channels)) if several else None
    return crop_at(example, start, size, flips=flips, channel=channel)


def draw_labelled(
    example: Example,
    size: Size3,
    random: np.random.Generator,
    *,
    foreground: float = 0.7,
    flips: Sequence[int] = (),
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
    centre = example.places.draw_labelled_voxel(
        example.target, random, foreground=random.random() < foreground
    )
    start = [
        around(c, n, edge, random) for c, n, edge in zip(centre, size, example.grid, strict=True)
    ]
    return crop_at(example, start, size, flips=drawn_flips(flips, random))


def around(centre: int, size: int, edge: int, random: np.random.Generator) -> int:
    """Draw a start along one axis so that the centre falls into the middle half of the crop."""
    start = centre - size // 2 + int(random.integers(-(size // 4), size // 4 + 1))
    return int(np.clip(start, min(0, edge - size), max(0, edge - size)))


def axes_of(flips: Flips) -> tuple[int, ...]:
    """Return the numbers of the axes that a setting names."""
    return tuple("zyx".index(axis) for axis in flips)


def drawn_flips(axes: Sequence[int], random: np.random.Generator) -> tuple[int, ...]:
    """Choose each of some axes with probability one half."""
    return tuple(axis for axis in axes if random.random() < 0.5)
