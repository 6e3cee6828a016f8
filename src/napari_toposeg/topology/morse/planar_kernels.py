"""The loops of `planar`: follow flows, join, and list pairs.

The one idea: each passes once over its lists, in scan order where it can.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.morse.basins import find

Places = NDArray[np.integer]
Numbers = NDArray[np.int32]
Words = NDArray[np.unsignedinteger]
Moves = NDArray[np.int8]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flow_down(index: Places, down: Moves, steps: Places, node: Places) -> None:
    """Write for each voxel the place to which it flows."""
    for place in range(len(index)):
        node[place] = place + steps[down[index[place]] + 4]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flow_up(index: Places, up: NDArray[np.uint16], steps: Places, node: Places) -> None:
    """Write for each square, known by its lowest corner, the place to which it flows."""
    width = steps[7]
    # No square has these for its lowest corner.
    node[len(index) - width - 1 :] = ~0
    for place in range(len(index) - width - 1):
        under = place + width
        upper = up[index[place]] | up[index[place + 1]] >> 3
        lower = up[index[under]] >> 6 | up[index[under + 1]] >> 9
        node[place] = place + steps[(upper | lower) & 7]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def shorten(node: Places) -> None:
    """Let each place flow to where its next one flows: in scan order, most come to their end."""
    for place in range(len(node)):
        then = node[place]
        further = node[max(then, 0)]
        node[place] = further if then >= 0 else then


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_ends(
    places: Places,
    codes: NDArray[np.int8],
    sides: NDArray[np.int64],
    node: Places,
    ends: Numbers,
) -> None:
    """Write the numbers of the cells that the two ends of some edges flow to.

    ``sides`` are the steps from an edge's voxel to its two ends, by code.
    """
    for i in range(len(places)):
        for side in range(2):
            start = places[i] + sides[codes[i], side]
            place = start
            while node[place] >= 0:
                place = node[place]
            found = node[place]
            place = start
            while node[place] >= 0:
                then = node[place]
                node[place] = found
                place = then
            ends[i, side] = ~found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def pair_next_door(
    ends: Numbers,
    words: Words,
    flip: Any,
    age: Words,
    parent: Numbers,
    joined: Numbers,
) -> None:
    """Pair each cell with the first edge that leaves it, if that leads to an elder one.

    Until then the cell is alone in its component, and what it meets is elder: so it dies there.
    """
    backwards = flip > 0
    first = np.full(len(parent), -1, np.int32)
    # No finite value has this word, so that each cell that an edge leaves has a first one.
    least = np.full(len(parent), flip | ~flip, words.dtype)
    for i in range(len(ends)):
        edge = len(ends) - 1 - i if backwards else i
        one, other = ends[edge, 0], ends[edge, 1]
        if one != other:
            word = words[edge] ^ flip
            first[one] = edge if word < least[one] else first[one]
            least[one] = min(least[one], word)
            first[other] = edge if word < least[other] else first[other]
            least[other] = min(least[other], word)
    for number in range(1, len(parent)):
        edge = first[number]
        if edge >= 0:
            other = ends[edge, 0] + ends[edge, 1] - number
            if elder(other, number, age):
                parent[number] = other
                joined[edge] = number
    for number in range(1, len(parent)):
        find(number, parent)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def elder(one: int, other: int, age: Words) -> bool:
    """Return whether the first of two cells is the elder."""
    return age[one] < age[other] or (age[one] == age[other] and one < other)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def contract(rest: Places, ends: Numbers, parent: Numbers) -> tuple[Numbers, Numbers]:
    """Return the eldest cells of the components, and positions among them for ends of the rest.

    So there is less memory to jump about in.
    """
    place = np.empty(len(parent), np.int32)
    roots = np.empty(len(parent), np.int32)
    count = 0
    for number in range(len(parent)):
        roots[count] = number
        place[number] = count
        count += parent[number] == number
    moved = np.empty((len(rest), 2), np.int32)
    for i in range(len(rest)):
        for side in range(2):
            moved[i, side] = place[parent[ends[rest[i], side]]]
    return roots[:count], moved


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join_rest(order: Places, ends: Numbers, age: Words, parent: Numbers, joined: Numbers) -> None:
    """Let each edge in turn join its two ends."""
    for edge in order:
        one, other = find(ends[edge, 0], parent), find(ends[edge, 1], parent)
        if one != other:
            if elder(other, one, age):
                one, other = other, one
            parent[other] = one
            joined[edge] = other


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_pairs(joined: Numbers, words: Words, flip: Any, age: Words) -> int:
    """Return how many pairs do not lie within one value."""
    count = 0
    for edge in range(len(joined)):
        number = joined[edge]
        count += number > 0 and age[number] != words[edge] ^ flip
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_pairs(
    joined: Numbers,
    words: Words,
    flip: Any,
    age: Words,
    edges: Places,
    cells: Places,
    by_cell: bool,
    backwards: bool,
    pairs: NDArray[np.int64],
) -> None:
    """Write these pairs: by number of the cell and then the edge, or by edge and then the cell."""
    count = 0
    if by_cell:
        killer = np.full(len(age), -1, np.int32)
        for edge in range(len(joined)):
            number = joined[edge]
            if number > 0 and age[number] != words[edge] ^ flip:
                killer[number] = edge
        for number in range(len(age)):
            if killer[number] >= 0:
                pairs[0, count], pairs[1, count] = cells[number], edges[killer[number]]
                count += 1
        return
    for i in range(len(joined)):
        edge = len(joined) - 1 - i if backwards else i
        number = joined[edge]
        if number > 0 and age[number] != words[edge] ^ flip:
            pairs[0, count], pairs[1, count] = edges[edge], cells[number]
            count += 1
