"""Image persistence: the features of one growing image that live on in a larger one.

The one idea: where K_t lies in L_t, the image of H(K_t) in H(L_t) has the barcode of the boundary
matrix of either whose *rows* stand in the order of K and whose *columns* stand in the order of L.
On a gradient that suits both orders (`_bistar`), the matrix shrinks to critical cells, and the
kernels for one image serve with two orders: components die by the age of their minima in K where
edges of L join them, cavities by that of their maxima in L where facets of K wall them in.

The top-cell construction follows by duality: transposed and reversed in both directions, the matrix
has the same pairs, so births in K and deaths in L become, in the reversed images, births in L and
deaths in K.

References
----------
Cohen-Steiner, Edelsbrunner, Harer, Morozov 2009, doi:10.1137/1.9781611973068.110.
Bauer, Schmahl 2022, "Efficient computation of image persistence", arXiv:2201.04170.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology._bistar import bistar_gradient, owners
from napari_toposeg.topology._basins import (
    Forest,
    join_maxima,
    join_minima,
    plant_maxima,
    plant_minima,
)
from napari_toposeg.topology._engine import enter, find_gradient
from napari_toposeg.topology._engine import pair_cells as pair_own_cells
from napari_toposeg.topology._gradient import Cells, Gradient, Places, to_image
from napari_toposeg.topology._induced import Bars
from napari_toposeg.topology._loops import pair_rows
from napari_toposeg.topology._patterns import comparable
from napari_toposeg.topology._watch import Watch
from napari_toposeg.topology.grid import Construction

Indices = NDArray[np.int64]
Pairs = dict[int, tuple[Places, Places]]


@dataclass(frozen=True, eq=False)
class Growing:
    """An image whose voxels enter from the lowest value, ties by index, and its gradient.

    ``dual``: whether it stands for its top-cell construction, being reversed and framed then.
    """

    volume: NDArray[Any]
    dual: bool
    gradient: Gradient

    @property
    def cells(self) -> list[Cells]:
        """Critical cells of each dimension, in the order in which they enter."""
        return self.enter(self.gradient)

    def enter(self, gradient: Gradient) -> list[Cells]:
        """Return the critical cells of a gradient on this image's stars, in order of entry."""
        return enter(gradient, self.volume, self.dual, False)

    def values(self, places: Places) -> NDArray[Any]:
        """Return numbers, rising in order of entry, at places of the framed image."""
        flat = to_image(places, self.gradient.shape, flipped=self.dual)
        values = self.volume.reshape(-1)[flat]
        if not self.dual:
            return values
        return -values if values.dtype.kind == "f" else ~values

    def bars(self, pairs: Pairs) -> dict[int, Bars]:
        """Turn pairs of places into bars of the construction meant."""
        last = self.gradient.top - 1
        bars = {}
        for dimension, ends in pairs.items():
            birth, death = (to_image(p, self.gradient.shape, flipped=self.dual) for p in ends)
            bars[dimension] = Bars(birth, death)
        if not self.dual:
            return bars
        return {last - k: Bars(b.death, b.birth) for k, b in bars.items()}

    def wanted(self, dimensions: Collection[int]) -> set[int]:
        """Return the dimensions to compute for those that are meant."""
        last = self.gradient.top - 1
        return {last - k if self.dual else k for k in dimensions}


def grow(image: NDArray[Any], construction: Construction) -> Growing:
    """Find the gradient of an image, of which the lowest values enter first."""
    volume = comparable(image.reshape((-1, *image.shape[-2:])))
    dual = construction == "T"
    gradient = find_gradient(volume, dual, False, image.ndim == 2, 1, Watch())
    return Growing(volume, dual, gradient)


def own_bars(image: Growing, dimensions: Collection[int]) -> dict[int, Bars]:
    """Return the bars of an image by dimension, but for the essential one."""
    found = pair_own_cells(image.gradient, image.cells, image.wanted(dimensions), 1, Watch())
    return image.bars(found.pairs)


def image_bars(
    smaller: Growing, larger: Growing, dimensions: Collection[int]
) -> dict[int, Bars]:
    """Return the bars of the image of one growing set in another that contains it.

    They are born with voxels of the smaller and die with voxels of the larger; empty ones, which
    are born after their death, are among them. The essential one is not.
    """
    rows, columns = (larger, smaller) if smaller.dual else (smaller, larger)
    gradient = bistar_gradient(columns.gradient, rows.gradient)
    stages = [in_both_orders(cells, rows) for cells in columns.enter(gradient)]
    return smaller.bars(pair_cells(gradient, stages, smaller.wanted(dimensions)))


@dataclass(frozen=True, eq=False)
class Stage:
    """The critical cells of one dimension, in the order of the columns and in that of the rows.

    ``born`` holds, for those in the order of the rows, the place with which they enter there.
    """

    by_column: Cells
    by_row: Cells
    born: Indices


def in_both_orders(cells: Cells, rows: Growing) -> Stage:
    """Put cells that stand in the order of the columns in that of the rows, too."""
    owner = owners(rows.gradient, cells)
    order = np.lexsort((owner, rows.values(owner)))
    return Stage(cells, cells.rows(order), owner[order])


def pair_cells(gradient: Gradient, stages: list[Stage], wanted: set[int]) -> Pairs:
    """Return by dimension the places of birth, by rows, and of death, by columns."""
    highest = gradient.top - 1
    loops = gradient.top == 3 and 1 in wanted
    minima, edges, facets = stages[0], stages[1], stages[highest]
    tops = stages[highest + 1].by_column.backwards()
    pairs: Pairs = {}
    if loops or 0 in wanted:
        low = plant_minima(gradient, minima.by_row.voxel, edges.by_column)
        join_minima(gradient, edges.by_column, low)
        dies = low.joined >= 0
        pairs[0] = minima.born[low.joined[dies] - 1], edges.by_column.voxel[dies]
    if loops or highest in wanted:
        high = plant_maxima(gradient, tops, facets.by_row)
        join_maxima(gradient, facets.by_row, high)
        dies = high.joined >= 0
        pairs[highest] = facets.born[dies], tops.voxel[high.joined[dies] - 1]
    if loops:
        pairs[1] = pair_loops(gradient, edges, facets, replant(low), replant(high))
    return {k: pair for k, pair in pairs.items() if k in wanted}


def pair_loops(
    gradient: Gradient, edges: Stage, squares: Stage, low: Forest, high: Forest
) -> tuple[Places, Places]:
    """Pair edges that make a loop in their rows' order with squares that fill one in the columns'.

    Edges that join components and squares that close cavities, each in that order, are known from
    the two forests and left out.
    """
    join_minima(gradient, edges.by_row, low)
    join_maxima(gradient, squares.by_column, high)
    makes_loop = low.joined < 0
    filling = squares.by_column.rows(high.joined < 0)
    killer = pair_rows(gradient, edges.by_row.rows(makes_loop), filling)
    paired = killer >= 0
    return edges.born[makes_loop][paired], filling.voxel[killer[paired]]


def replant(forest: Forest) -> Forest:
    """Return the forest as before any joining, with what is known of where places flow to."""
    return Forest(
        forest.node,
        np.arange(len(forest.parent), dtype=np.int32),
        np.full(len(forest.joined), -1, np.int32),
    )
