"""Components and cavities: union-find on critical cells, joined along the gradient.

The one idea: each voxel flows down to one minimum, so the components of a growing image are a
union-find over minima that critical edges join. Cavities are the same on the dual, seen backwards:
each top cell flows up to one maximum or to the outside, and critical facets join those.

Both kernels know cells by number only: 1, 2, ... from the eldest to the youngest, 0 for what is
elder than all (the frame; the outside). What "elder" and the order of the joining cells mean is the
caller's choice, so that they serve image persistence with two orders as well.

References
----------
Guillou, Vidal, Tierny 2023, arXiv 2206.13932 (Discrete Morse Sandwich).
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology._gradient import Cells, Codes, Gradient, Places, Rows
from napari_toposeg.topology._lower_star import (
    ABSENT,
    BIT,
    CENTRE,
    CUBE_BITS,
    POINTERS,
    SQUARE_BITS,
)
from napari_toposeg.topology._sorting import order_of_places
from napari_toposeg.topology._watch import Tell, silent

CHUNK = 1 << 16

Table = NDArray[np.int64]
Numbers = NDArray[np.int32]


class Forest(NamedTuple):
    """State of a union-find.

    Parameters
    ----------
    node
        For each place of the framed image 0, or 1 + the number of the cell that it flows to.
    parent
        Of each number.
    joined
        For each joining cell the number of the cell that it kills, -1 where it closes a cycle.
    """

    node: Numbers
    parent: Numbers
    joined: Numbers


def plant(gradient: Gradient, places: Places, joining: int) -> Forest:
    """Return the forest of cells at these places, numbered from 1 and each for itself at first."""
    node = np.zeros(gradient.index.size, np.int32)
    node[places] = np.arange(2, len(places) + 2, dtype=np.int32)
    return Forest(node, np.arange(len(places) + 1, dtype=np.int32), np.full(joining, -1, np.int32))


def plant_minima(gradient: Gradient, minima: Places, edges: Cells) -> Forest:
    """Return the forest of critical vertices, given from the eldest to the youngest."""
    return plant(gradient, minima, len(edges))


def plant_maxima(gradient: Gradient, tops: Cells, facets: Cells) -> Forest:
    """Return the forest of critical top cells, given from the eldest (last to enter) on."""
    lowest = np.minimum(POINTERS, 0) @ gradient.strides
    return plant(gradient, tops.voxel + lowest[tops.code], len(facets))


def join_minima(gradient: Gradient, edges: Cells, forest: Forest, tell: Tell = silent) -> None:
    """Let the edges join minima in their order; `Forest.joined` says which one dies at each."""
    # A flow read in scan order finds its surroundings in the cache.
    scan = order_of_places(edges.voxel)
    down = gradient.steps[gradient.rows[:, CENTRE]].astype(np.int32)
    down[ABSENT] = 0
    ends = np.empty((2, len(edges)), np.int32)
    for start in range(0, len(edges), CHUNK):
        part = scan[start : start + CHUNK]
        ends_below(
            part, edges.voxel, edges.code, gradient.index, gradient.steps, down, forest.node, ends
        )
        tell((start + len(part)) / len(edges))
    join(ends, forest.parent, forest.joined)


def join_maxima(gradient: Gradient, facets: Cells, forest: Forest, tell: Tell = silent) -> None:
    """Let the facets join maxima from the last one back.

    `Forest.joined` says for each facet which maximum fills the cavity that it closes, -1 where it
    closes none.
    """
    scan = order_of_places(facets.voxel)
    dual = dual_of(gradient)
    held = np.ascontiguousarray(gradient.rows[:, dual.column])
    ends = np.empty((2, len(facets)), np.int32)
    for start in range(0, len(facets), CHUNK):
        part = scan[start : start + CHUNK]
        ends_above(
            part,
            facets.voxel,
            facets.code,
            gradient.index,
            gradient.rows,
            held,
            dual,
            forest.node,
            ends,
        )
        tell((start + len(part)) / len(facets))
    join(ends[:, ::-1], forest.parent, forest.joined[::-1])


class Dual(NamedTuple):
    """Where things lie around top cells, each known by the place of its lowest corner.

    Parameters
    ----------
    corner, code, bit
        For each of the 4 or 8 corners: step to it from the lowest one; the code that the top cell
        has there; and its bit in column ``column`` of the table of matchings.
    lowest
        ``(27,)`` step from a voxel to the lowest corner of its cell of each code.
    normal
        ``(27,)`` step across a facet of each code, where it is one.
    across
        ``(19,)`` step from a top cell to the one behind its facet, by 9 + code of the top cell -
        code of the facet.
    """

    corner: Table
    code: Table
    bit: Table
    lowest: Table
    normal: Table
    across: Table
    column: int


def dual_of(gradient: Gradient) -> Dual:
    """Return the steps around top cells: cubes, or for a planar gradient squares."""
    strides = gradient.strides
    axes = [1, 2] if gradient.planar else [0, 1, 2]
    sides = np.zeros((2 ** len(axes), 3), np.int64)
    sides[:, axes] = list(np.ndindex(*[2] * len(axes)))
    pointers = np.zeros_like(sides)
    pointers[:, axes] = 1 - 2 * sides[:, axes]
    codes = (pointers + 1) @ np.array([9, 3, 1])
    across = np.zeros(19, np.int64)
    for stride, weight in zip(strides, (9, 3, 1), strict=True):
        across[9 + weight], across[9 - weight] = -stride, stride
    free = POINTERS[:, axes] == 0
    return Dual(
        corner=sides @ strides,
        code=codes,
        bit=BIT[codes] - (14 if gradient.planar else 18),
        lowest=np.minimum(POINTERS, 0) @ strides,
        normal=np.where(free.sum(axis=1) == 1, free @ strides[axes], 0),
        across=across,
        column=SQUARE_BITS if gradient.planar else CUBE_BITS,
    )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join(ends: Numbers, parent: Numbers, joined: Numbers) -> None:
    """Join the two ends of each joining cell in turn."""
    for i in range(len(joined)):
        one, other = find(ends[0, i], parent), find(ends[1, i], parent)
        if one != other:
            joined[i] = max(one, other)
            parent[max(one, other)] = min(one, other)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find(number: int, parent: Numbers) -> int:
    """Return the eldest of a number's tree, and hang its path there."""
    root = number
    while parent[root] != root:
        root = parent[root]
    while parent[number] != root:
        parent[number], number = root, parent[number]
    return root


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def ends_below(
    which: Table,
    voxels: Places,
    codes: Codes,
    index: Places,
    steps: Table,
    down: Numbers,
    node: Numbers,
    ends: Numbers,
) -> None:
    """Write the numbers of the minima that the two ends of some edges flow to.

    ``down`` is, for each row of the table, the step along a voxel's own edge.
    """
    for i in which:
        voxel = np.int64(voxels[i])
        ends[0, i] = flow_down(voxel, index, down, node)
        ends[1, i] = flow_down(voxel + steps[codes[i]], index, down, node)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flow_down(voxel: int, index: Places, down: Numbers, node: Numbers) -> int:
    """Return the number of the minimum that a voxel flows to, 0 if it reaches the frame."""
    place = voxel
    number = node[place]
    while number == 0:
        step = down[index[place]]
        # The places of minima hold their number, so what does not flow on is the frame.
        if step == 0:
            number = 1
        place += step
        number = max(number, node[place])
    place = voxel
    while node[place] == 0:
        node[place] = number
        place += down[index[place]]
    return int(number - 1)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def ends_above(
    which: Table,
    voxels: Places,
    codes: Codes,
    index: Places,
    rows: Rows,
    held: Codes,
    dual: Dual,
    node: Numbers,
    ends: Numbers,
) -> None:
    """Write the numbers of the maxima that the two sides of some facets flow to.

    ``held`` is, for each row of the table, which top cells the star holds.
    """
    for i in which:
        top = np.int64(voxels[i]) + dual.lowest[codes[i]]
        ends[0, i] = flow_up(top, index, rows, held, dual, node)
        ends[1, i] = flow_up(top - dual.normal[codes[i]], index, rows, held, dual, node)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flow_up(top: int, index: Places, rows: Rows, held: Codes, dual: Dual, node: Numbers) -> int:
    """Return the number of the maximum that a top cell flows to, 0 if it reaches the outside."""
    place = top
    number = node[place]
    while number == 0:
        step = step_up(place, index, rows, held, dual)
        if step == 0:
            number = 1
        place += step
        number = max(number, node[place])
    place = top
    while node[place] == 0:
        step = step_up(place, index, rows, held, dual)
        node[place] = number
        place += step
    return int(number - 1)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def step_up(place: int, index: Places, rows: Rows, held: Codes, dual: Dual) -> int:
    """Return the step from a top cell to the one behind the facet matched to it.

    The cell enters with the one corner whose star holds it; outside cells enter with none: 0.
    """
    for k in range(len(dual.corner)):
        row = index[place + dual.corner[k]]
        if held[row] >> dual.bit[k] & 1:
            code = dual.code[k]
            return int(dual.across[9 + code - rows[row, code]])
    return 0
