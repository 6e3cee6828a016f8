"""FoundDefects: what is wrong in one or several classes of a label map, as one list.

The one idea: one row an error, columns for all that is asked of it, and its voxels as indices, so
that errors of two classes may share a voxel. No Qt here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology import Defects

ALL = 0
"""Label of the errors of all classes taken together."""
SURE = 0.5
"""Cost of a voxel where no probability says how sure a label map is of it."""
Numbers = tuple[int, int, int]
COLUMNS = (
    "class",
    "label",
    "kind",
    "voxels",
    "mm3",
    "cost",
    "change b0",
    "change b1",
    "change b2",
    "z",
    "y",
    "x",
)
"""Headings of `FoundDefects.rows`; changes are what mending one error alone adds."""


@dataclass(frozen=True, eq=False)
class FoundDefects:
    """Errors as columns; row i has the number i.

    Parameters
    ----------
    label
        ``(n,)`` class of each error, `ALL` where the classes are taken together.
    kind
        ``(n,)`` strings, as in `Defects`, or ``"apart"``.
    adds
        ``(n,)`` whether mending it adds its voxels to the class; else it takes them away.
    change
        ``(n, 3)``: what mending it alone adds to b0, b1, b2 of its class.
    cost
        ``(n,)`` sum over its voxels of how sure the label map is of each.
    centre
        ``(n, 3)`` voxel of it that is nearest to its centre.
    voxels, first
        Flat indices, those of row i being ``voxels[first[i]:first[i + 1]]``.
    shape
        Of the grid.
    voxel_mm3
        Volume of a voxel.
    """

    label: NDArray[np.int64]
    kind: NDArray[np.str_]
    adds: NDArray[np.bool_]
    change: NDArray[np.int64]
    cost: NDArray[np.float64]
    centre: NDArray[np.int64]
    voxels: NDArray[np.int64]
    first: NDArray[np.int64]
    shape: tuple[int, ...]
    voxel_mm3: float

    def __len__(self) -> int:
        return len(self.kind)

    @cached_property
    def present(self) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
        """The kinds that there are, and the place of each error's kind among them."""
        kinds, which = np.unique(self.kind, return_inverse=True)
        return kinds, which

    def is_of(self, kinds: Collection[str]) -> NDArray[np.bool_]:
        """Return for each error whether it is of one of some kinds."""
        present, which = self.present
        return np.isin(present, list(kinds))[which]

    @property
    def size(self) -> NDArray[np.int64]:
        """Voxels of each error."""
        return np.diff(self.first)

    @property
    def volume(self) -> NDArray[np.float64]:
        """Volume of each error in cubic millimetres."""
        return np.asarray(self.size * self.voxel_mm3, np.float64)

    @property
    def is_critical(self) -> NDArray[np.bool_]:
        """Whether mending it alone changes a Betti number."""
        return np.asarray(np.any(self.change != 0, axis=1))

    def voxels_of(self, row: int) -> NDArray[np.int64]:
        """Return the flat indices of an error."""
        return self.voxels[self.first[row] : self.first[row + 1]]

    def voxels_where(
        self, chosen: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the flat indices of some errors, and the row of each."""
        owner = np.repeat(np.arange(len(self)), self.size)
        kept = chosen[owner]
        return self.voxels[kept], owner[kept]

    def rows(self, names: Mapping[int, str] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield the row of each error under `COLUMNS`, as plain numbers and strings."""
        size, volume = self.size, self.volume
        for row in range(len(self)):
            label = int(self.label[row])
            yield (
                "all" if label == ALL else (names or {}).get(label, f"label {label}"),
                label,
                str(self.kind[row]),
                int(size[row]),
                float(volume[row]),
                float(self.cost[row]),
                *map(int, self.change[row]),
                *map(int, self.centre[row]),
            )


def join(parts: Sequence[FoundDefects], shape: tuple[int, ...], voxel_mm3: float) -> FoundDefects:
    """Return the errors of several classes as one list."""
    if not parts:
        return nothing(shape, voxel_mm3)
    size = np.concatenate([part.size for part in parts])
    return FoundDefects(
        label=np.concatenate([part.label for part in parts]),
        kind=np.concatenate([part.kind for part in parts]),
        adds=np.concatenate([part.adds for part in parts]),
        change=np.concatenate([part.change for part in parts]),
        cost=np.concatenate([part.cost for part in parts]),
        centre=np.concatenate([part.centre for part in parts]),
        voxels=np.concatenate([part.voxels for part in parts]),
        first=np.concatenate([[0], np.cumsum(size)]),
        shape=shape,
        voxel_mm3=voxel_mm3,
    )


def nothing(shape: tuple[int, ...], voxel_mm3: float) -> FoundDefects:
    """Return an empty list of errors."""
    none = np.empty(0, np.int64)
    return FoundDefects(
        label=none,
        kind=np.empty(0, np.str_),
        adds=np.empty(0, np.bool_),
        change=none.reshape(0, 3),
        cost=np.empty(0),
        centre=none.reshape(0, 3),
        voxels=none,
        first=np.zeros(1, np.int64),
        shape=shape,
        voxel_mm3=voxel_mm3,
    )


def from_defects(
    defects: Defects,
    box: tuple[slice, ...],
    mask: NDArray[np.bool_],
    label: int,
    probability: NDArray[np.floating] | None,
    voxel_mm3: float,
    shape: tuple[int, ...],
) -> FoundDefects:
    """Return the defects of one class, found in a box of the grid, as a list.

    Parameters
    ----------
    mask
        Where the class is in the judged label map, in the box.
    label
        Number of the class, or `ALL`.
    probability
        Of the foreground, on the whole grid.
    """
    inner = np.flatnonzero(defects.labels)
    owner = defects.labels.ravel()[inner] - 1
    inner = inner[np.argsort(owner, kind="stable")]
    first = np.concatenate([[0], np.cumsum(defects.size)])
    sure: NDArray[np.floating] = np.full(len(inner), SURE)
    if probability is not None:
        sure = np.abs(probability[box].ravel()[inner] - SURE)
    cost = np.bincount(np.repeat(np.arange(len(defects)), defects.size), sure, len(defects))
    corner = [side.start or 0 for side in box]
    place = np.unravel_index(inner, defects.labels.shape)
    voxels = np.ravel_multi_index(
        tuple(axis + start for axis, start in zip(place, corner, strict=True)), shape
    )
    return FoundDefects(
        label=np.full(len(defects), label, np.int64),
        kind=defects.kind,
        adds=~mask.ravel()[inner[first[:-1]]],
        change=defects.change,
        cost=np.asarray(cost, np.float64),
        centre=defects.centre + corner,
        voxels=voxels,
        first=first,
        shape=shape,
        voxel_mm3=voxel_mm3,
    )
