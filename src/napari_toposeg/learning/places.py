"""Places: where in a volume a crop is worth it, known beforehand from sums over small blocks.

The standard deviation of any window of whole blocks follows from the sums and the sums of squares
in it, and these from a cumulative sum: so which crops show something is known for crops of every
size without reading one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import Size3

IGNORED = -1
"""Class number of voxels without a label, which count in no loss."""

BLOCK = 8
"""Edge of a block of a volume in memory, in voxels; of a stored one they are coarser."""

FLAT = 0.02
"""Crops whose standard deviation is below this, such as air, show nothing."""

ANYWHERE = 0.05
"""Share of unlabelled crops that are drawn anywhere, whatever they show."""


@dataclass(frozen=True)
class Labelled:
    """Blocks that hold labelled voxels, a row for each class and block.

    Parameters
    ----------
    classes, blocks, counts
        Class number (0 background), number of the block in C order, and voxels of the class in it.
    """

    classes: NDArray[np.int16]
    blocks: NDArray[np.uint32]
    counts: NDArray[np.uint16]


@dataclass(frozen=True)
class Places:
    """Where crops of a volume are worth it.

    Parameters
    ----------
    shape
        Of the volume, ``(z, y, x)``.
    moments
        ``(2, blocks)``: means of values and of their squares over the blocks along ``(z, y, x)``.
    block
        Edge of a block, in voxels.
    labelled
        None for an unlabelled volume.
    """

    shape: tuple[int, ...]
    moments: NDArray[np.float32]
    block: int
    labelled: Labelled | None = None
    _windows: dict[Size3, NDArray[np.intp]] = field(default_factory=dict)

    @classmethod
    def of(cls, image: Any, target: Any = None, *, block: int = BLOCK) -> Self:
        """Find the places of a volume, in memory or stored, a slab of it at a time."""
        shape = tuple(image.shape)
        moments = np.concatenate([moments_of(slab, block) for slab in slabs(image, block)], axis=1)
        labelled = None if target is None else labelled_blocks(target, block)
        return cls(shape, moments, block, labelled)

    @classmethod
    def read(cls, shape: Sequence[int], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take places from the arrays that `arrays` gave."""
        labelled = None
        if "classes" in arrays:
            labelled = Labelled(arrays["classes"], arrays["blocks"], arrays["counts"])
        return cls(tuple(shape), arrays["moments"], int(arrays["block"]), labelled)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that a store keeps."""
        found: dict[str, NDArray[Any]] = {"moments": self.moments, "block": np.array(self.block)}
        if self.labelled is not None:
            found |= vars(self.labelled)
        return found

    def draw_start(self, size: Size3, random: np.random.Generator) -> list[int]:
        """Draw the first voxel of a crop that shows something, and now and then of any.

        A volume shorter than the crop lies anywhere within it.
        """
        blocks = self.showing(size)
        if random.random() < ANYWHERE or not blocks.size:
            return start_anywhere(self.shape, size, random)
        corner = np.unravel_index(random.choice(blocks), self.moments.shape[1:])
        return [
            start_in(int(step) * self.block, self.block, n, edge, random)
            for step, n, edge in zip(corner, size, self.shape, strict=True)
        ]

    def showing(self, size: Size3) -> NDArray[np.intp]:
        """Return the numbers of the blocks at which crops of a size begin that show something."""
        if size not in self._windows:
            self._windows[size] = np.flatnonzero(window_deviation(self, size) > FLAT)
        return self._windows[size]

    def draw_labelled_voxel(
        self, target: Any, random: np.random.Generator, *, foreground: bool
    ) -> list[int]:
        """Draw one of the labelled voxels, each with the same chance.

        Parameters
        ----------
        target
            Class numbers of the volume, -1 where unlabelled.
        foreground
            Draw a voxel of a class, if there is one.
        """
        assert self.labelled is not None
        rows = np.flatnonzero(self.labelled.classes > 0) if foreground else np.empty(0, np.intp)
        rows = rows if rows.size else np.arange(len(self.labelled.classes))
        summed = np.cumsum(self.labelled.counts[rows], dtype=np.int64)
        row = rows[np.searchsorted(summed, random.integers(summed[-1]), side="right")]
        corner = np.unravel_index(self.labelled.blocks[row], self.moments.shape[1:])
        cut = tuple(slice(int(s) * self.block, (int(s) + 1) * self.block) for s in corner)
        found = np.argwhere(target[cut] == self.labelled.classes[row])
        within = found[random.integers(len(found))]
        return [part.start + int(step) for part, step in zip(cut, within, strict=True)]


def slabs(volume: Any, block: int) -> Iterator[NDArray[Any]]:
    """Yield a volume in slabs of one block."""
    whole = slice(None)
    for z in range(0, volume.shape[0], block):
        yield volume[slice(z, z + block), whole, whole]


def moments_of(slab: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Return means of values and squares ``(2, 1, y, x)`` over the blocks of a slab."""
    count = block_sums(np.ones((1, *slab.shape[1:])), block) * len(slab)
    sums = (block_sums(part.sum(axis=0, keepdims=True), block) for part in (slab, slab**2))
    return np.stack([part / count for part in sums]).astype(np.float32)


def block_sums(plane: NDArray[Any], block: int) -> NDArray[np.float64]:
    """Sum over blocks along the last two axes."""
    for axis in (1, 2):
        plane = np.add.reduceat(
            plane, np.arange(0, plane.shape[axis], block), axis=axis, dtype=np.float64
        )
    return plane


def labelled_blocks(target: Any, block: int) -> Labelled:
    """Count the voxels of each class in each block, -1 being no class."""
    parts = [labelled_in(slab, block) for slab in slabs(target, block)]
    across = -(-target.shape[1] // block) * -(-target.shape[2] // block)
    return Labelled(
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.blocks + np.uint32(n * across) for n, part in enumerate(parts)]),
        np.concatenate([part.counts for part in parts]),
    )


def labelled_in(slab: NDArray[np.int16], block: int) -> Labelled:
    """Count the voxels of each class in each block of a slab."""
    y, x = np.ogrid[: slab.shape[1], : slab.shape[2]]
    number = y // block * -(-slab.shape[2] // block) + x // block
    known = slab >= 0
    found = slab[known].astype(np.intp)
    kinds = int(found.max(initial=0)) + 1
    counts = np.bincount(np.broadcast_to(number, slab.shape)[known] * kinds + found)
    rows = np.flatnonzero(counts)
    return Labelled(
        (rows % kinds).astype(np.int16),
        (rows // kinds).astype(np.uint32),
        counts[rows].astype(np.uint16),
    )


def window_deviation(places: Places, size: Size3) -> NDArray[np.float64]:
    """Return the standard deviation of the crops that begin at each block, 0 where none can.

    The window is that of the whole blocks a crop covers if it begins with the block.
    """
    edges = [np.minimum(places.block, n - np.arange(0, n, places.block)) for n in places.shape]
    voxels = edges[0][:, None, None] * edges[1][:, None] * edges[2]
    sums = [voxels, *(voxels * moment.astype(np.float64) for moment in places.moments)]
    count, total, squares = (window_sums(part, size, places.block) for part in sums)
    deviation = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))
    for axis, (n, edge) in enumerate(zip(size, places.shape, strict=True)):
        can = np.arange(0, edge, places.block) <= max(edge - n, 0)
        deviation *= np.expand_dims(can, [other for other in range(3) if other != axis])
    return deviation


def window_sums(sums: NDArray[Any], size: Size3, block: int) -> NDArray[np.float64]:
    """Sum over the windows of a crop's size that begin at each block, cut off at the far faces."""
    summed = sums.astype(np.float64)
    for axis, n in enumerate(size):
        upto = np.insert(np.cumsum(summed, axis=axis), 0, 0.0, axis=axis)
        first = np.arange(summed.shape[axis])
        last = np.minimum(first + -(-n // block), summed.shape[axis])
        summed = np.take(upto, last, axis=axis) - np.take(upto, first, axis=axis)
    return summed


def start_anywhere(shape: Sequence[int], size: Size3, random: np.random.Generator) -> list[int]:
    """Draw where a crop begins; a volume shorter than the crop lies anywhere within it."""
    return [
        int(random.integers(min(0, edge - n), max(0, edge - n) + 1))
        for edge, n in zip(shape, size, strict=True)
    ]


def start_in(first: int, block: int, size: int, edge: int, random: np.random.Generator) -> int:
    """Draw a start along one axis among the voxels of a block."""
    if edge <= size:
        return int(random.integers(edge - size, 1))
    return int(random.integers(first, min(first + block, edge - size + 1)))
