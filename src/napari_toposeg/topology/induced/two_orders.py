"""Critical cells that stand in two orders, their boundaries, and the barcode of any pair of orders.

The one idea: to walk along the gradient costs most, and where the walks end depends on no order. So
each boundary is found once; the barcode of either image and the image of one in the other are
reductions of the same small matrices, with rows in one order and columns in one. Components and
cavities need no matrix but a union-find, in which the younger by the order of the rows (cavities:
the columns) dies where cells join in the order of the columns (rows).
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.morse.basins import (
    Forest,
    dual_of,
    join,
    join_maxima,
    join_minima,
    plant_maxima,
    plant_minima,
)
from napari_toposeg.topology.morse.gradient import Cells, Gradient, Places
from napari_toposeg.topology.morse.loops import reduced, trace_columns
from napari_toposeg.topology.morse.reduction import Columns
from napari_toposeg.topology.morse.watch import Tell, part_of, silent

Indices = NDArray[np.int64]
Numbers = NDArray[np.int32]
Pairs = dict[int, tuple[Places, Places]]


@dataclass(frozen=True, eq=False)
class Stage:
    """The critical cells of one dimension.

    Parameters
    ----------
    cells
        In the order in which they were listed.
    place
        For each order ``(n,)`` places of the voxels with which the cells enter.
    order
        For each order ``(n,)`` the cells by entry.
    """

    cells: Cells
    place: tuple[Places, Places]
    order: tuple[Indices, Indices]

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True, eq=False)
class TwoOrders:
    """A gradient that suits two orders, 0 and 1, and its critical cells by dimension.

    ``tell`` is told the share of the work that is done; what it raises ends the work.
    """

    gradient: Gradient
    stages: list[Stage]
    threads: int = 1
    tell: Tell = silent

    @property
    def highest(self) -> int:
        """The dimension of cavities; of loops in 2D."""
        return self.gradient.top - 1

    def pairs(self, rows: int, columns: int, wanted: Collection[int]) -> Pairs:
        """Return by dimension the places of birth, by the rows, and of death, by the columns."""
        cells: dict[int, tuple[Indices, Indices]] = {}
        if 0 in wanted:
            dies = self.joins_below(rows, columns)
            order = self.stages[1].order[columns]
            cells[0] = dies[dies >= 0], order[dies >= 0]
        if self.highest in wanted:
            dies = self.joins_above(rows, columns)
            order = self.stages[self.highest].order[rows][::-1]
            cells[self.highest] = order[dies >= 0], dies[dies >= 0]
        if self.highest == 2 and 1 in wanted:
            cells[1] = self.pair_loops(rows, columns)
        return {
            k: (self.stages[k].place[rows][born], self.stages[k + 1].place[columns][dying])
            for k, (born, dying) in cells.items()
        }

    def joins_below(self, rows: int, columns: int) -> Indices:
        """Return the minimum that dies at each edge in order, -1 for an edge that makes a loop."""
        self.tell(0.0)
        return joins(self.ends[:, self.stages[1].order[columns]], self.stages[0].order[rows])

    def joins_above(self, rows: int, columns: int) -> Indices:
        """Return the maximum that fills what each facet, from the last, closes; -1 for nothing."""
        self.tell(0.0)
        return joins(
            self.rooms[:, self.stages[self.highest].order[rows][::-1]],
            self.stages[self.highest + 1].order[columns][::-1],
        )

    @cached_property
    def ends(self) -> Numbers:
        """``(2, edges)``: 1 + the minimum that either end of an edge flows to, 0 for the frame."""
        edges = self.stages[1].cells
        forest = plant_minima(self.gradient, self.stages[0].cells.voxel, edges)
        join_minima(self.gradient, edges, forest, part_of(self.tell, 0.0, 0.15))
        return numbers_at(forest, edges.voxel, edges.voxel + self.gradient.steps[edges.code])

    @cached_property
    def rooms(self) -> Numbers:
        """``(2, facets)``: 1 + the maximum that either side flows to, 0 for the outside."""
        facets = self.stages[self.highest].cells
        forest = plant_maxima(self.gradient, self.stages[self.highest + 1].cells, facets)
        join_maxima(self.gradient, facets, forest, part_of(self.tell, 0.15, 0.3))
        dual = dual_of(self.gradient)
        top = facets.voxel + dual.lowest[facets.code]
        return numbers_at(forest, top, top - dual.normal[facets.code])

    @cached_property
    def makes_loop(self) -> list[NDArray[np.bool_]]:
        """For each order, whether an edge joins nothing there: a row of the matrix of loops."""
        return [self.idle(1, self.joins_below(o, o), self.stages[1].order[o]) for o in (0, 1)]

    @cached_property
    def fills_loop(self) -> list[NDArray[np.bool_]]:
        """For each order, whether a square closes no cavity there: a column of that matrix."""
        return [self.idle(2, self.joins_above(o, o), self.stages[2].order[o][::-1]) for o in (0, 1)]

    def idle(self, dimension: int, joined: Indices, order: Indices) -> NDArray[np.bool_]:
        """Return which cells joined nothing."""
        mask = np.zeros(len(self.stages[dimension]), np.bool_)
        mask[order[joined < 0]] = True
        return mask

    @cached_property
    def traced(self) -> Columns:
        """Boundaries of the squares that fill loops, in the edges that make loops, in any order."""
        edges, squares = self.loop_cells
        tell = part_of(self.tell, 0.3, 0.8)
        return trace_columns(self.gradient, edges, squares, self.threads, tell)

    @cached_property
    def loop_cells(self) -> tuple[Cells, Cells]:
        """The edges and squares of the matrix of loops."""
        edges = self.stages[1].cells.rows(self.makes_loop[0] | self.makes_loop[1])
        return edges, self.stages[2].cells.rows(self.fills_loop[0] | self.fills_loop[1])

    def pair_loops(self, rows: int, columns: int) -> tuple[Indices, Indices]:
        """Return pairs of an edge and the square that fills its loop."""
        edge = self.stages[1].order[rows]
        edge = edge[self.makes_loop[rows][edge]]
        square = self.stages[2].order[columns]
        square = square[self.fills_loop[columns][square]]
        row_of = np.full(len(self.stages[1]), -1, np.int32)
        row_of[edge] = np.arange(len(edge), dtype=np.int32)
        row_of = row_of[self.makes_loop[0] | self.makes_loop[1]]
        traced_as = np.cumsum(self.fills_loop[0] | self.fills_loop[1]) - 1
        m = arranged(self.traced, traced_as[square], row_of)
        killer = reduced(m, len(edge), part_of(self.tell, 0.8, 1.0))
        paired = killer >= 0
        return edge[paired], square[killer[paired]]


def numbers_at(forest: Forest, *places: Places) -> Numbers:
    """Return the numbers of the cells that places flow to, all of which were followed."""
    return np.maximum(np.stack([forest.node[p] for p in places]), 1) - 1


def joins(ends: Numbers, eldest_first: Indices) -> Indices:
    """Return which of two cells dies where they are joined, -1 where they were joined before.

    ``ends`` ``(2, joints)`` in the order of joining: 1 + the cells, 0 for what never dies.
    """
    name = np.zeros(len(eldest_first) + 1, np.int32)
    name[eldest_first + 1] = np.arange(1, len(name), dtype=np.int32)
    joined = np.full(ends.shape[1], -1, np.int32)
    join(name[ends], np.arange(len(name), dtype=np.int32), joined)
    dies = np.full(len(joined), -1)
    dies[joined > 0] = eldest_first[joined[joined > 0] - 1]
    return dies


def arranged(traced: Columns, chosen: Indices, row_of: Numbers) -> Columns:
    """Return chosen columns in their order, less the rows that are renumbered as -1."""
    columns = Columns(np.empty(len(chosen), np.int64), np.empty(len(chosen), np.int32))
    columns.rows = np.empty(traced.length[chosen].sum(dtype=np.int64), np.int32)
    columns.used = renumber(
        traced.begin,
        traced.length,
        traced.rows,
        chosen,
        row_of,
        columns.begin,
        columns.length,
        columns.rows,
    )
    return columns


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def renumber(
    traced_begin: Indices,
    traced_length: Numbers,
    traced_rows: Numbers,
    chosen: Indices,
    row_of: Numbers,
    begin: Indices,
    length: Numbers,
    rows: Numbers,
) -> int:
    """See `arranged`; returns how many rows were written."""
    used = 0
    for j in range(len(chosen)):
        begin[j] = used
        first = traced_begin[chosen[j]]
        for i in range(first, first + traced_length[chosen[j]]):
            row = row_of[traced_rows[i]]
            if row >= 0:
                rows[used] = row
                used += 1
        length[j] = used - begin[j]
    return used
