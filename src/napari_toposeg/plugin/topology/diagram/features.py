"""Features: what the Diagram page shows, of one layer or of two that are compared.

The one idea: all views, the table and the canvas speak of the same rows. A row knows its ends, the
layer that it is of, and its partner in the other layer, if it has one. No Qt here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.topology.diagram.layer_diagram import LayerDiagram
from napari_toposeg.topology import BettiMatching, PersistenceDiagram

Rows = NDArray[np.intp]
Numbers = NDArray[np.float64]


MOST_MARKED = 1_000
"""Selected features marked in the viewer at most, the most persistent first."""

MOST_DRAWN = 20
"""Selected features drawn as voxels at most, the most persistent first."""


class Fate(IntEnum):
    """What became of a feature in a comparison; all features of a single layer are `BOTH`."""

    BOTH = 0
    ONLY_FIRST = 1
    ONLY_SECOND = 2


@dataclass(frozen=True, eq=False)
class Features:
    """The features of one or two diagrams, row by row: those of the first, then of the second.

    Parameters
    ----------
    parts
        The diagrams, each with the excerpt that it was computed of.
    partner
        ``(n,)``: row of the feature that a feature is matched to, -1 where there is none.
    """

    parts: tuple[LayerDiagram, ...]
    partner: NDArray[np.intp]

    @classmethod
    def of(cls, found: LayerDiagram) -> "Features":
        """Return the features of one layer."""
        return cls((found,), np.full(len(found.diagram), -1, np.intp))

    def __len__(self) -> int:
        return len(self.partner)

    @property
    def compared(self) -> bool:
        """Whether these are the features of two layers."""
        return len(self.parts) == 2

    @property
    def superlevel(self) -> bool:
        """Whether the threshold falls."""
        return self.parts[0].diagram.superlevel

    @cached_property
    def dimension(self) -> NDArray[np.int8]:
        """``(n,)``: 0 component, 1 loop, 2 cavity."""
        return np.concatenate([part.diagram.dimension for part in self.parts])

    @cached_property
    def birth(self) -> Numbers:
        """``(n,)``, in the layers' unit."""
        return np.concatenate([part.diagram.birth for part in self.parts])

    @cached_property
    def death(self) -> Numbers:
        """``(n,)``, infinite where a feature never dies."""
        return np.concatenate([part.diagram.death for part in self.parts])

    @cached_property
    def births(self) -> Numbers:
        """``(n, 3)`` voxels ``(z, y, x)`` of the row's own layer."""
        return np.concatenate([part.births for part in self.parts])

    @cached_property
    def deaths(self) -> Numbers:
        """``(n, 3)`` voxels, NaN where a feature never dies."""
        return np.concatenate([part.deaths for part in self.parts])

    @cached_property
    def part(self) -> NDArray[np.int8]:
        """``(n,)``: 0 for rows of the first layer, 1 for the second's."""
        lengths = [len(part.diagram) for part in self.parts]
        return np.repeat(np.arange(len(lengths), dtype=np.int8), lengths)

    @cached_property
    def persistence(self) -> Numbers:
        """``(n,)``: length of each bar, infinite where it never ends."""
        return np.abs(self.death - self.birth)

    @cached_property
    def fate(self) -> NDArray[np.int8]:
        """``(n,)``: a `Fate` for each row."""
        alone = (self.partner < 0) & self.compared
        return np.where(alone, self.part + 1, 0).astype(np.int8)

    @cached_property
    def weight(self) -> Numbers:
        """``(n,)``: what the persistence slider goes by; a pair comes and goes together."""
        return np.where(
            self.partner < 0,
            self.persistence,
            np.maximum(self.persistence, self.persistence[self.partner]),
        )

    @cached_property
    def order(self) -> Rows:
        """All rows, the most persistent first, a pair one after the other."""
        rows = np.arange(len(self))
        pair = np.where(self.partner < 0, rows, np.minimum(rows, self.partner))
        return np.lexsort((self.part, pair, -self.weight))

    @cached_property
    def by_birth(self) -> Rows:
        """All rows, in the order in which they are born."""
        return np.argsort(-self.birth if self.superlevel else self.birth)

    @cached_property
    def by_death(self) -> Rows:
        """All rows, in the order in which they die."""
        return np.argsort(-self.death if self.superlevel else self.death)

    @cached_property
    def value_range(self) -> tuple[float, float]:
        """Least and greatest finite value of birth or death, apart even if all are equal."""
        values = np.concatenate([self.birth, self.death])
        finite = values[np.isfinite(values)]
        if not finite.size:
            return 0.0, 1.0
        low, high = float(finite.min()), float(finite.max())
        return low, high if high > low else low + 1.0

    def origin(self, row: int) -> tuple[int, int]:
        """Return which part a row is of, and its row in the diagram of that part."""
        part = int(self.part[row])
        return part, row - (len(self.parts[0].diagram) if part else 0)

    def shown(
        self,
        dimensions: Collection[int],
        min_persistence: float,
        fates: Collection[Fate] = tuple(Fate),
    ) -> Rows:
        """Return the rows of some dimensions and fates that last longer than a bound.

        The most persistent come first.
        """
        kept = np.isin(self.dimension, list(dimensions)) & (self.weight > min_persistence)
        if len(set(fates)) < len(Fate):
            kept &= np.isin(self.fate, list(fates))
        rows: Rows = self.order[kept[self.order]]
        return rows

    def alive(self, kept: NDArray[np.bool_], levels: Numbers) -> NDArray[np.int64]:
        """Count the features that are alive at each level, of those kept ``(n,)``.

        For all features of a dimension this is `napari_toposeg.topology.betti_curve`.
        """
        sign = -1.0 if self.superlevel else 1.0
        counts = [
            np.searchsorted(sign * values[order[kept[order]]], sign * levels, side="right")
            for values, order in ((self.birth, self.by_birth), (self.death, self.by_death))
        ]
        living: NDArray[np.int64] = counts[0] - counts[1]
        return living

    def nearest(self, position: Numbers, spacing: Numbers, among: Rows) -> int | None:
        """Return the feature with a birth or death voxel nearest to a voxel.

        Parameters
        ----------
        position
            Voxel ``(z, y, x)`` of the layer.
        spacing
            Voxel size ``(z, y, x)`` in mm.
        among
            Rows to choose from, the most persistent first; it wins ties.
        """
        if len(among) == 0:
            return None
        ends = np.stack([self.births[among], self.deaths[among]])
        squared = (((ends - position) * spacing) ** 2).sum(axis=-1)
        return int(among[np.argmin(np.fmin(squared[0], squared[1]))])

    def counts(self, rows: Rows) -> list[tuple[int, int, int]]:
        """Count features by dimension: matched, only in the first, only in the second layer."""
        found = []
        for k in range(3):
            fates = self.fate[rows[self.dimension[rows] == k]]
            both, first, second = np.bincount(fates, minlength=3)[:3]
            found.append((int(both) // len(self.parts), int(first), int(second)))
        return found

    def columns(self, rows: Rows) -> dict[str, NDArray[Any]]:
        """Return rows as columns by name, as a file of them has it; voxels are ``z, y, x``."""
        table: dict[str, NDArray[Any]] = {
            "feature": rows,
            "dimension": self.dimension[rows],
            "birth": self.birth[rows],
            "death": self.death[rows],
            "persistence": self.persistence[rows],
        }
        for end, voxels in (("birth", self.births), ("death", self.deaths)):
            for axis, name in enumerate("zyx"):
                table[f"{end}_{name}"] = voxels[rows, axis]
        if self.compared:
            table["layer"] = self.part[rows] + 1
            table["matched_with"] = self.partner[rows]
        return table


def matched_features(
    matching: BettiMatching, first: LayerDiagram, second: LayerDiagram
) -> Features:
    """Return the features of two layers, each with its partner.

    Parameters
    ----------
    matching
        What was matched.
    first, second
        The diagrams of both layers, matched features first and in the same order.
    """
    pairs, many = len(matching.matched_prediction), len(first.diagram)
    partner = np.full(many + len(second.diagram), -1, np.intp)
    partner[:pairs] = many + np.arange(pairs)
    partner[many : many + pairs] = np.arange(pairs)
    return Features((first, second), partner)


def joined(first: PersistenceDiagram, second: PersistenceDiagram) -> PersistenceDiagram:
    """Return one diagram of the rows of two of the same image."""
    columns = ("dimension", "birth", "death", "birth_voxel", "death_voxel")
    both = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in columns}
    return PersistenceDiagram(
        **both,
        shape=first.shape,
        construction=first.construction,
        superlevel=first.superlevel,
    )
