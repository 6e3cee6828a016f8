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

from napari_toposeg.topology.morse.gradient import Cells, Codes, Gradient, Places
from napari_toposeg.topology.morse.lower_star import (
    ABSENT,
    BIT,
    CENTRE,
    CUBE_BITS,
    POINTERS,
    SQUARE_BITS,
)
from napari_toposeg.topology.morse.sorting import order_of_places
from napari_toposeg.topology.morse.watch import Tell, silent

CHUNK = 1 << 16
PATH = 1 << 10

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
    ends = np.empty((2, len(facets)), np.int32)
    for start in range(0, len(facets), CHUNK):
        part = scan[start : start + CHUNK]
        ends_above(part, facets.voxel, facets.code, gradient.index, *dual, forest.node, ends)
        tell((start + len(part)) / len(facets))
    join(ends[:, ::-1], forest.parent, forest.joined[::-1])


class Dual(NamedTuple):
    """Where things lie around top cells, each known by the place of its lowest corner.

    Parameters
    ----------
    held
        ``(m,)`` for each row of the table of matchings which top cells the star holds: bit k for
        the one of which the star's voxel is corner k.
    up
        ``(m, 4)`` or ``(m, 8)``: the step from each of them to the one behind its matched facet.
    corner
        ``(4,)`` or ``(8,)`` step to each corner from the lowest one.
    lowest
        ``(27,)`` step from a voxel to the lowest corner of its cell of each code.
    normal
        ``(27,)`` step across a facet of each code, where it is one.
    """

    held: NDArray[np.uint8]
    up: Numbers
    corner: Table
    lowest: Table
    normal: Table


def dual_of(gradient: Gradient) -> Dual:
    """Return the steps around top cells: cubes, or for a planar gradient squares."""
    strides, rows = gradient.strides, gradient.rows
    axes = [1, 2] if gradient.planar else [0, 1, 2]
    sides = np.zeros((2 ** len(axes), 3), np.int64)
    sides[:, axes] = list(np.ndindex(*[2] * len(axes)))
    pointers = np.zeros_like(sides)
    pointers[:, axes] = 1 - 2 * sides[:, axes]
    across = np.zeros(19, np.int32)
    for stride, weight in zip(strides, (9, 3, 1), strict=True):
        across[9 + weight], across[9 - weight] = -stride, stride
    held = np.zeros(len(rows), np.uint8)
    up = np.empty((len(rows), len(sides)), np.int32)
    column = rows[:, SQUARE_BITS if gradient.planar else CUBE_BITS]
    first = 14 if gradient.planar else 18
    for k, code in enumerate(pointers @ np.array([9, 3, 1]) + CENTRE):
        held |= (column >> (BIT[code] - first) & 1).astype(np.uint8) << np.uint8(k)
        up[:, k] = across[(9 + code - rows[:, code]).clip(0, 18)]
    free = POINTERS[:, axes] == 0
    return Dual(
        held=held,
        up=up,
        corner=sides @ strides,
        lowest=np.minimum(POINTERS, 0) @ strides,
        normal=np.where(free.sum(axis=1) == 1, free @ strides[axes], 0),
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
    path = np.empty(PATH, np.int64)
    for i in which:
        for side in range(2):
            place = np.int64(voxels[i]) + side * steps[codes[i]]
            length = 0
            number = node[place]
            while number == 0:
                # On a way longer than the room for it, places are found again.
                if length < PATH:
                    path[length] = place
                length += 1
                step = down[index[place]]
                # The places of minima hold their number, so what does not flow on is the frame.
                number = np.int32(step == 0)
                place += step
                number |= node[place]
            for k in range(min(length, PATH)):
                node[path[k]] = number
            if length > PATH:
                place = path[-1] + down[index[path[-1]]]
                while node[place] == 0:
                    node[place] = number
                    place += down[index[place]]
            ends[side, i] = number - 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def ends_above(
    which: Table,
    voxels: Places,
    codes: Codes,
    index: Places,
    held: NDArray[np.uint8],
    up: Numbers,
    corner: Table,
    lowest: Table,
    normal: Table,
    node: Numbers,
    ends: Numbers,
) -> None:
    """Write the numbers of the maxima that the two sides of some facets flow to.

    ``held`` and ``up`` are, for each row of the table, the top cells that the star holds, as bits
    by `Dual.corner`, and the step from each of them to the one behind the facet matched to it.
    """
    path = np.empty(PATH, np.int64)
    for i in which:
        top = np.int64(voxels[i]) + lowest[codes[i]]
        for side in range(2):
            place = top - side * normal[codes[i]]
            length = 0
            number = node[place]
            while number == 0:
                if length < PATH:
                    path[length] = place
                length += 1
                step = step_up(place, index, held, up, corner)
                # The places of maxima hold their number, so what does not flow on is outside.
                number = np.int32(step == 0)
                place += step
                number |= node[place]
            for k in range(min(length, PATH)):
                node[path[k]] = number
            if length > PATH:
                place = path[-1] + step_up(path[-1], index, held, up, corner)
                while node[place] == 0:
                    node[place] = number
                    place += step_up(place, index, held, up, corner)
            ends[side, i] = number - 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def step_up(place: int, index: Places, held: NDArray[np.uint8], up: Numbers, corner: Table) -> int:
    """Return the step from a top cell to the one behind the facet matched to it.

    The cell enters with the one corner whose star holds it; outside cells enter with none: 0.
    """
    for k in range(len(corner)):
        row = index[place + corner[k]]
        if held[row] >> k & 1:
            return int(up[row, k])
    return 0
