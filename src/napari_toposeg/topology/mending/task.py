"""What a repair works on: the map against its threshold, and what may be changed.

The one idea: only ``margin = map - threshold`` matters. Its sign says what is foreground, its size
what it costs to flip a voxel.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.betti import BettiNumbers, betti_numbers
from napari_toposeg.topology.cubical import persistence
from napari_toposeg.topology.diagram import PersistenceDiagram
from napari_toposeg.topology.grid import Connectivity, Mask
from napari_toposeg.topology.masks.bits import pack
from napari_toposeg.topology.masks.effects import find_effects
from napari_toposeg.topology.masks.extents import paint
from napari_toposeg.topology.masks.runs import encode_runs
from napari_toposeg.topology.mending.told import Told


@dataclass(frozen=True, eq=False)
class Task:
    """One map to be repaired.

    Parameters
    ----------
    margin
        The map less its threshold, float, ``(y, x)`` or ``(z, y, x)``.
    may_add
        Voxels that may become foreground.
    foreground
        Its connectivity.
    told
        Who is told how far the work has come, now and then and from the calling thread.
    may_bridge
        Of those, the voxels that bridges between components may cross; by default all.
    """

    margin: NDArray[Any]
    may_add: Mask
    foreground: Connectivity
    told: Told = field(default_factory=Told)
    may_bridge: Mask | None = None

    @cached_property
    def mask(self) -> Mask:
        """What lies above the threshold; not to be written to."""
        mask = np.asarray((self.margin > 0) & self.may_add)
        mask.setflags(write=False)
        return mask

    @cached_property
    def diagram(self) -> PersistenceDiagram:
        """Superlevel diagram of the margin; voxels that may not be added lie below all others."""
        return persistence(
            np.where(self.may_add, self.margin, self.margin.min() - 1),
            construction="T" if self.foreground in (8, 26) else "V",
            superlevel=True,
            progress=self.heed_fraction,
        )

    def count(self, mask: Mask) -> BettiNumbers:
        """Return the Betti numbers of a mask on this grid."""
        self.heed()
        return betti_numbers(mask, connectivity=self.foreground)

    def cost(self, mask: Mask) -> float:
        """Return the sum of ``abs(margin)`` over the voxels that differ from the threshold's."""
        return float(np.abs(self.margin[mask != self.mask]).sum(dtype=np.float64))

    def rank(self, mask: Mask, wanted: tuple[int, ...]) -> tuple[int, float]:
        """Return how far a mask is from the wanted last Betti numbers, and its cost."""
        numbers = self.count(mask)[-len(wanted) :]
        off = sum(abs(is_now - goal) for is_now, goal in zip(numbers, wanted, strict=True))
        return off, self.cost(mask)

    def pieces(self, start: Mask, end: Mask) -> "Pieces":
        """Return the connected pieces in which two masks differ."""
        self.heed()
        words = pack(start), pack(end)
        runs = encode_runs(*words, start.shape[-1])
        found = find_effects(*words, runs, self.foreground in (8, 26), self.heed_fraction)
        label = paint(runs, found.error, start.shape)
        differs = start != end
        cost = total(label[differs], np.abs(self.margin[differs]), len(found.change))
        return Pieces(label, found.change, cost)

    def heed(self) -> None:
        """Tell that a step is done; what is raised then ends the work."""
        self.told.heed()

    def heed_fraction(self, fraction: float) -> None:
        """Heed, whatever part of a step is done."""
        self.heed()


def total(label: NDArray[np.int32], value: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    """Return the sum of the values with each label from 1 to ``count``."""
    return np.bincount(label, value, count + 1)[1:].astype(np.float64)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Connected pieces of a difference of masks, as columns.

    ``label`` is 0 outside of them and 1 + the number on them; ``change (n, 3)`` is what flipping
    that piece alone adds to the Betti numbers of the first mask; ``cost`` sums ``abs(margin)``.
    """

    label: NDArray[np.int32]
    change: NDArray[np.int64]
    cost: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.cost)

    @property
    def is_critical(self) -> Mask:
        """Whether flipping that piece alone changes a Betti number."""
        return np.asarray(np.any(self.change != 0, axis=1))

    def union(self, chosen: Mask) -> Mask:
        """Return the voxels of the chosen pieces."""
        return np.asarray(np.append(False, chosen)[self.label])

    def chosen(self, which: Mask) -> NDArray[np.int32]:
        """Return the labels with 0 on all but the chosen pieces."""
        number = np.where(which, np.arange(1, len(self) + 1), 0).astype(np.int32)
        return np.append(np.int32(0), number)[self.label]
