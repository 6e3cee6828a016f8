"""Critical cells and moves of 2D images, from the matchings of lower stars.

The one idea: a *move* m is a step of one pixel: -3 and 3 along y, -1 and 1 along x, 0 for none. A
pixel moves along its matched edge, a square across its matched facet.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.morse.gradient import Gradient
from napari_toposeg.topology.morse.lower_star import BIT, CENTRE, SQUARE_BITS, matchings
from napari_toposeg.topology.morse.sorting import bits_of

EDGES = np.array([10, 12, 14, 16])
# Of the squares whose lowest, ... highest corner the voxel is.
SQUARES = np.array([17, 15, 11, 9])
MOST_EDGES = 3

Places = NDArray[np.integer]
Words = NDArray[np.unsignedinteger]


class Critical(NamedTuple):
    """Critical cells of one dimension in scan order.

    ``(n,)`` each: the place of an edge's voxel, or of the lowest corner of another cell; of an edge
    its number in `EDGES`; the voxel's index in the image; and its value as a word,
    rising as voxels enter.
    """

    place: Places
    code: NDArray[np.int8]
    flat: Places
    word: Words


class PlanarStars(NamedTuple):
    """The matching of each lower star of a 2D image, by row of `Matchings.rows`.

    Parameters
    ----------
    critical
        ``(m,)`` the critical cells, in bits: 0 whether the vertex is, 1 - 2 how many edges are,
        3 - 8 which ones (number in `EDGES`, two bits each), 9 whether a square is, 10 - 11 which
        (number in `SQUARES`).
    down
        ``(m,)`` move of the voxel.
    up
        ``(m,)`` moves of the four squares of which the voxel is corner 0 - 3: three bits each from
        the lowest on, the move being 4 less; 0 where the star lacks the square or does not move it,
        so that a square's move is in the bits that any of its corners has.
    """

    critical: NDArray[np.uint16]
    down: NDArray[np.int8]
    up: NDArray[np.uint16]


@lru_cache(maxsize=1)
def planar_stars() -> PlanarStars:
    """Return the tables; rows of stars that no 2D image has are of no use."""
    rows = matchings().rows
    edge = rows[:, EDGES] == EDGES
    square = rows[:, SQUARES] == SQUARES
    which = np.argsort(~edge, axis=1, kind="stable")[:, :MOST_EDGES]
    critical = (
        (rows[:, CENTRE] == CENTRE)
        | np.minimum(edge.sum(axis=1), MOST_EDGES) << 1
        | which @ (1 << 3, 1 << 5, 1 << 7)
        | square.any(axis=1) << 9
        | square.argmax(axis=1) << 10
    )
    # Where no cell is critical the word is 0.
    critical[critical & 0b1000000111 == 0] = 0
    held = rows[:, SQUARE_BITS, None] >> (BIT[SQUARES] - BIT[SQUARES].min()) & 1 > 0
    across = move(rows[:, SQUARES], SQUARES)
    return PlanarStars(
        critical=critical.astype(np.uint16),
        down=move(rows[:, CENTRE], CENTRE),
        up=(np.where(held & (across != 0), across + 4, 0) @ (1, 1 << 3, 1 << 6, 1 << 9)).astype(
            np.uint16
        ),
    )


def move(match: NDArray[np.int8], code: int | NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the move along or across a match; 0 where there is none in the plane."""
    moves = match.astype(np.int64) - code
    return np.where((match >= 0) & (np.abs(moves) <= 3), moves, 0).astype(np.int8)


def steps_of_moves(width: int) -> NDArray[np.int32]:
    """Return the step in flat places of each move + 4, for 0 none, with rows of a width."""
    return np.array([0, -width, 0, -1, 0, 1, 0, width], np.int32)


def find_cells(
    gradient: Gradient, volume: NDArray[Any], dual: bool, negate: bool
) -> tuple[Critical, Critical, Critical]:
    """Return the critical vertices, edges and squares."""
    bits, sign = bits_of(volume.reshape(-1), negate)
    critical = planar_stars().critical
    counts = count_cells(gradient.index, critical)
    wide = np.int32 if gradient.index.size < 2**31 else np.int64
    # The kernel writes what may be a cell and then counts what was one.
    lists = [
        Critical(
            place=np.empty(count + 1, wide),
            code=np.empty(count + 1, np.int8),
            flat=np.empty(count + 1, wide),
            word=np.empty(count + 1, bits.dtype),
        )
        for count in counts
    ]
    list_cells(gradient.index, gradient.shape[2], critical, bits, sign, dual, *lists)
    minima, edges, tops = (
        Critical(c.place[:n], c.code[:n], c.flat[:n], c.word[:n])
        for n, c in zip(counts, lists, strict=True)
    )
    return minima, edges, tops


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_cells(index: Places, critical: NDArray[np.uint16]) -> tuple[int, int, int]:
    """Return how many critical vertices, edges and squares there are."""
    vertices, edges, squares = 0, 0, 0
    for row in index:
        cells = critical[row]
        vertices += int(cells & 1)
        edges += int(cells >> 1 & 3)
        squares += int(cells >> 9 & 1)
    return vertices, edges, squares


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_cells(
    index: Places,
    width: int,
    critical: NDArray[np.uint16],
    bits: Words,
    sign: Words,
    mirrored: bool,
    vertices: Critical,
    edges: Critical,
    squares: Critical,
) -> None:
    """Write the critical cells; ``bits`` and ``sign`` are those of `bits_of`."""
    vertex, edge, square = 0, 0, 0
    highest, every, flip = sign
    columns = np.empty(width, np.int32)
    for y in range(1, len(index) // width - 1):
        count = 0
        row = index[y * width : (y + 1) * width]
        # Without branches, which could not be predicted.
        for x in range(1, width - 1):
            columns[count] = x
            count += critical[row[x]] > 0
        for x in columns[:count]:
            cells = int(critical[row[x]])
            place = y * width + x
            flat = (y - 1) * (width - 2) + x - 1
            if mirrored:
                flat = len(bits) - 1 - flat
            word = bits[flat]
            # Negative numbers go backwards, but for -0, which is 0.
            word = (word ^ every if word > highest else word | highest) ^ flip
            put(vertices, vertex, place, flat, word)
            vertex += cells & 1
            put(edges, edge, place, flat, word)
            edges.code[edge] = cells >> 3 & 3
            many = cells >> 1 & 3
            for k in range(1, many):
                put(edges, edge + k, place, flat, word)
                edges.code[edge + k] = cells >> (3 + 2 * k) & 3
            edge += many
            corner = cells >> 10
            put(squares, square, place - (corner >> 1) * width - (corner & 1), flat, word)
            square += cells >> 9 & 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def put(cells: Critical, number: int, place: int, flat: int, word: int) -> None:
    """Write one cell."""
    cells.place[number], cells.flat[number], cells.word[number] = place, flat, word
