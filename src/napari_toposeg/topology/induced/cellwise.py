"""Betti matching cell by cell, in the order of Betti-Matching-3D.

The one idea: that program breaks ties between cells of one value by their lower corner and then by
their axis, and keeps image bars of no length. Which bars it matches depends on both, so figures
made with it are reproduced only by reducing the same cells in the same order. Vertex construction
and sublevel sets; tens of times slower than the induced matching.

References
----------
Stucki et al. 2024, arXiv:2407.04683; github.com/nstucki/Betti-Matching-3D.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.induced.grid_cells import (
    Cells,
    cells_of,
    sides_of,
    strides,
    walls_of,
    without,
)
from napari_toposeg.topology.induced.matching import Bars, Matching
from napari_toposeg.topology.morse.bit_tree import empty_tree
from napari_toposeg.topology.morse.reduction import reduce_columns

Indices = NDArray[np.int64]

OUTSIDE_AGE = np.iinfo(np.int64).min


def match_cells(first: NDArray[Any], second: NDArray[Any]) -> dict[int, Matching]:
    """Match the bars of two images in every dimension, sublevel, vertex construction."""
    top = first.ndim
    shape = (1,) * (3 - top) + first.shape
    images = [x.reshape(shape) for x in (first, second, np.minimum(first, second))]
    cells = [{k: cells_of(image, k) for k in range(top + 1)} for image in images]
    found = {0: match_components(cells, shape)}
    found[top - 1], has_cavity = match_top(cells, shape, top)
    if top == 3:
        found[1] = match_loops(cells, shape, has_cavity)
    return found


def match_components(cells: list[dict[int, Cells]], shape: tuple[int, ...]) -> Matching:
    """Match in dimension 0: components of either image merge at the same edge of the comparison."""
    steps = strides(shape)
    ages = np.stack([c[0].rank for c in cells])

    def ends(edges: Indices) -> Indices:
        tail, axis = np.divmod(edges, 3)
        return np.stack([tail, tail + steps[axis]], axis=1)

    bars, bar_of_birth = [], []
    for side in (0, 1):
        edges = cells[side][1].order
        dies = merges(ends(edges), ages[side : side + 1])[0]
        kept = np.flatnonzero(dies >= 0)
        bars.append((dies[kept], edges[kept]))
        bar_of_birth.append(long_bars(*bars[side], cells[side][0], cells[side][1]))
    edges = cells[2][1].order
    dies = merges(ends(edges), ages)
    lasting = (dies[2] >= 0) & (cells[2][0].value[dies[2]] < cells[2][1].value[edges])
    rows = np.stack([bar_of_birth[side][dies[side][lasting]] for side in (0, 1)], axis=1)
    return matching(bars, rows, cells, 0)


def match_top(
    cells: list[dict[int, Cells]], shape: tuple[int, ...], top: int
) -> tuple[Matching, list[NDArray[np.bool_]]]:
    """Match cavities (loops in 2D), and say which walls close one in each image.

    The dual of components: walls open from the last to the first, and rooms merge.
    """
    walls = walls_of(shape, top)
    outside = cells[0][top].rank.size
    ages = np.stack([np.append(-c[top].rank, OUTSIDE_AGE) for c in cells])
    bars, bar_at_death, closes = [], [], []
    for side in (0, 1):
        order = cells[side][top - 1].order[::-1]
        own, common = merges(walls[order], ages[[side, 2]])
        kept = np.flatnonzero(own >= 0)
        bars.append((order[kept], own[kept]))
        by_birth = long_bars(order[kept], own[kept], cells[side][top - 1], cells[side][top])
        by_death = np.full(outside, -1)
        by_death[common[kept]] = by_birth[order[kept]]
        bar_at_death.append(by_death)
        closes.append(marked(order[kept], by_birth.size))
    order = cells[2][top - 1].order[::-1]
    dies = merges(walls[order], ages[2:])[0]
    closes.append(marked(order[dies >= 0], closes[0].size))
    lasting = (dies >= 0) & (cells[2][top - 1].value[order] < cells[2][top].value[dies])
    rows = np.stack([by_death[dies[lasting]] for by_death in bar_at_death], axis=1)
    return matching(bars, rows, cells, top - 1), closes


def match_loops(
    cells: list[dict[int, Cells]], shape: tuple[int, ...], closes: list[NDArray[np.bool_]]
) -> Matching:
    """Match loops in 3D by reducing the boundaries of the squares that close no cavity."""
    sides = sides_of(shape)

    def killers(rows: Cells, columns: Cells) -> tuple[Indices, Indices]:
        killer = reduce_squares(rows.rank[sides[columns.order]], rows.order.size)
        kept = np.flatnonzero(killer >= 0)
        return rows.order[kept], columns.order[killer[kept]]

    bars, bar_at_death = [], []
    common = without(cells[2][2], closes[2])
    for side in (0, 1):
        edges, squares = cells[side][1], without(cells[side][2], closes[side])
        bars.append(killers(edges, squares))
        by_birth = long_bars(*bars[side], edges, squares)
        birth, death = killers(edges, common)
        by_death = np.full(squares.rank.size, -1)
        by_death[death] = by_birth[birth]
        bar_at_death.append(by_death)
    birth, death = killers(cells[2][1], common)
    lasting = death[cells[2][1].value[birth] < cells[2][2].value[death]]
    rows = np.stack([by_death[lasting] for by_death in bar_at_death], axis=1)
    return matching(bars, rows, cells, 1)


def long_bars(birth: Indices, death: Indices, born: Cells, dying: Cells) -> Indices:
    """Return, by cell of birth, the row of its bar; -1 where there is none of any length."""
    row = np.full(born.rank.size, -1)
    kept = np.flatnonzero(born.value[birth] < dying.value[death])
    row[birth[kept]] = kept
    return row


def matching(
    bars: list[tuple[Indices, Indices]], rows: Indices, cells: list[dict[int, Cells]], k: int
) -> Matching:
    """Drop what is matched on one side only and the bars of no length; turn cells into voxels."""
    rows = rows[(rows >= 0).all(axis=1)]
    sides, columns = [], []
    for side, (birth, death) in enumerate(bars):
        born, dying = cells[side][k], cells[side][k + 1]
        kept = np.flatnonzero(born.value[birth] < dying.value[death])
        sides.append(Bars(born.owner[birth[kept]], dying.owner[death[kept]]))
        columns.append(np.searchsorted(kept, rows[:, side]))
    return Matching(sides[0], sides[1], columns[0], columns[1])


def reduce_squares(boundaries: Indices, rows: int) -> NDArray[np.int32]:
    """Return for each row the column ``(columns, 4)`` that it is the last one of, -1 for none."""
    count = len(boundaries)
    killer = np.full(rows, -1, np.int32)
    reduce_columns(
        0,
        count,
        np.arange(0, 4 * count, 4),
        np.full(count, 4, np.int32),
        boundaries.astype(np.int32).ravel(),
        4 * count,
        killer,
        empty_tree(rows),
    )
    return killer


def marked(which: Indices, count: int) -> NDArray[np.bool_]:
    """Return the mask of the numbers named."""
    mask = np.zeros(count, np.bool_)
    mask[which] = True
    return mask


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def merges(ends: Indices, ages: Indices) -> Indices:
    """Return ``(ages, edges)``: by each age, the younger of the two nodes that an edge unites.

    ``ends`` ``(edges, 2)`` in the order in which edges come, ``ages`` ``(ages, nodes)``: the least
    is the eldest; -1 where an edge unites nothing.
    """
    kinds, nodes = ages.shape
    parent = np.arange(nodes)
    eldest = np.empty((kinds, nodes), np.int64)
    for kind in range(kinds):
        eldest[kind] = np.arange(nodes)
    dies = np.full((kinds, len(ends)), -1)
    for edge in range(len(ends)):
        a, b = ends[edge]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a == b:
            continue
        parent[b] = a
        for kind in range(kinds):
            old, young = eldest[kind, a], eldest[kind, b]
            if ages[kind, young] < ages[kind, old]:
                old, young = young, old
            dies[kind, edge] = young
            eldest[kind, a] = old
    return dies
