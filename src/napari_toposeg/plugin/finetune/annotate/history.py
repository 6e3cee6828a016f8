"""History: what was changed in an annotation, so that it can be undone and done again.

The one idea: a change is the few boxes of voxels in which it lies, before and after, compressed:
a filled slice takes some hundred bytes, so the history is bounded by memory and not by its number
of strokes. No Qt here.
"""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.finetune.annotate.classes import Classes

MOST_BYTES = 64 * 2**20
"""Memory that the changes of one annotation may take; the oldest go first."""

Index = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class Block:
    """A box of voxels that changed.

    Parameters
    ----------
    start, shape
        First voxel and size ``(z, y, x)``.
    dtype
        Type of the voxels.
    before, after
        Its voxels, compressed.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    before: bytes
    after: bytes

    @property
    def box(self) -> Index:
        """Where it lies."""
        return tuple(
            slice(first, first + size) for first, size in zip(self.start, self.shape, strict=True)
        )

    def voxels(self, packed: bytes) -> NDArray[Any]:
        """Return one of its two states."""
        return np.frombuffer(zlib.decompress(packed), self.dtype).reshape(self.shape)

    def write(self, array: NDArray[Any], *, after: bool) -> None:
        """Write the voxels that changed, in one of the two states, into an array."""
        old, new = self.voxels(self.before), self.voxels(self.after)
        changed = old != new
        array[self.box][changed] = (new if after else old)[changed]


@dataclass(frozen=True, eq=False)
class Change:
    """One thing that a person did.

    Parameters
    ----------
    blocks
        The voxels that it changed.
    what
        What it was, for a person, as in ``"stroke"``.
    classes
        The classes before and after, where it changed them too.
    """

    blocks: tuple[Block, ...]
    what: str
    classes: tuple[Classes, Classes] | None = None

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        return sum(len(each.before) + len(each.after) for each in self.blocks)

    def write(self, array: NDArray[Any], *, after: bool) -> None:
        """Write one of its two states into an array."""
        for block in self.blocks:
            block.write(array, after=after)

    def slice_to_show(self, axis: int, shown: int) -> int:
        """Return the slice across an axis in which it is seen: the one shown, if it lies there."""
        spans = [each.box[axis] for each in self.blocks]
        if not spans or any(span.start <= shown < span.stop for span in spans):
            return shown
        largest = max(self.blocks, key=lambda each: math.prod(each.shape)).box[axis]
        return int(largest.start + largest.stop) // 2


@dataclass
class History:
    """Changes that can be undone, and undone ones that can be done again.

    Parameters
    ----------
    most_bytes
        Memory that they may take together.
    """

    most_bytes: int = MOST_BYTES
    done: list[Change] = field(default_factory=list)
    undone: list[Change] = field(default_factory=list)

    def record(self, change: Change) -> None:
        """Remember a change that was made; what had been undone is forgotten."""
        if not change.blocks and change.classes is None:
            return
        self.undone.clear()
        self.done.append(change)
        taken = sum(each.bytes for each in self.done)
        while taken > self.most_bytes and len(self.done) > 1:
            taken -= self.done.pop(0).bytes

    def undo(self, array: NDArray[Any]) -> Change | None:
        """Take the last change back, and return it; None where there is none."""
        return self._move(self.done, self.undone, array, after=False)

    def redo(self, array: NDArray[Any]) -> Change | None:
        """Make the change again that was undone last, and return it; None where there is none."""
        return self._move(self.undone, self.done, array, after=True)

    def _move(
        self, source: list[Change], target: list[Change], array: NDArray[Any], *, after: bool
    ) -> Change | None:
        if not source:
            return None
        change = source.pop()
        change.write(array, after=after)
        target.append(change)
        return change


def blocks_between(
    before: NDArray[Any], after: NDArray[Any], start: Sequence[int] = (0, 0, 0)
) -> tuple[Block, ...]:
    """Return the boxes in which two arrays differ, one for each slice along the shortest axis.

    Parameters
    ----------
    before, after
        Arrays of one shape.
    start
        Place of their first voxel.
    """
    axis = int(np.argmin(before.shape))
    return tuple(
        Block(
            tuple(int(a + b.start) for a, b in zip(start, box, strict=True)),
            before[box].shape,
            before.dtype.str,
            zlib.compress(np.ascontiguousarray(before[box]).tobytes(), 1),
            zlib.compress(np.ascontiguousarray(after[box], before.dtype).tobytes(), 1),
        )
        for box in _boxes(before, after, axis)
    )


def _boxes(before: NDArray[Any], after: NDArray[Any], axis: int) -> Iterator[Index]:
    first, second = np.moveaxis(before, axis, 0), np.moveaxis(after, axis, 0)
    for index in range(before.shape[axis]):
        differs = first[index] != second[index]
        if differs.any():
            box = [_span(differs.any(axis=1 - other)) for other in range(2)]
            box.insert(axis, slice(index, index + 1))
            yield tuple(box)


def _span(mask: NDArray[np.bool_]) -> slice:
    there = np.flatnonzero(mask)
    return slice(int(there[0]), int(there[-1]) + 1)


def change_of(atoms: Sequence[Any], array: NDArray[Any], what: str) -> Change:
    """Return what napari's ``paint`` event tells of.

    Parameters
    ----------
    atoms
        The event's value: ``(indices, before, after)`` of a call of ``data_setitem``, or a named
        tuple of ``slice_key``, ``mask``, ``old_values`` and ``new_value`` of a stroke of the brush.
    array
        The layer's array. A stroke is in it already, what is set at once comes after the event.
    what
        What it was, for a person.
    """
    spans = [_bounds(atom) for atom in atoms]
    if not spans:
        return Change((), what)
    low = np.min([span[0] for span in spans], axis=0)
    high = np.max([span[1] for span in spans], axis=0)
    before = np.array(array[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))])
    for atom in reversed(atoms):
        _write(atom, before, low, after=False)
    after = before.copy()
    for atom in atoms:
        _write(atom, after, low, after=True)
    return Change(blocks_between(before, after, low), what)


def _bounds(atom: Any) -> tuple[list[int], list[int]]:
    if hasattr(atom, "slice_key"):
        return [s.start for s in atom.slice_key], [s.stop for s in atom.slice_key]
    return [int(np.min(i)) for i in atom[0]], [int(np.max(i)) + 1 for i in atom[0]]


def _write(atom: Any, array: NDArray[Any], low: NDArray[np.int_], *, after: bool) -> None:
    if not hasattr(atom, "slice_key"):
        places = tuple(np.asarray(i) - a for i, a in zip(atom[0], low, strict=True))
        array[places] = atom[2] if after else atom[1]
        return
    starts = zip(atom.slice_key, low, strict=True)
    part = array[tuple(slice(s.start - a, s.stop - a) for s, a in starts)]
    part[... if atom.mask is None else atom.mask] = atom.new_value if after else atom.old_values
