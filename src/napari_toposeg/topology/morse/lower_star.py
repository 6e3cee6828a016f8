"""Lower stars of voxels as 26-bit patterns, and a perfect acyclic matching of each pattern.

The one idea: voxels are vertices and enter one by one; the cells that a voxel brings along (its
lower star) are those whose other corners entered before. Which they are is a pattern of 26 bits, of
which only 15,935 are possible, so the discrete gradient of an image is one table lookup a voxel.

A cell of a star has a *code*: 9 (dz + 1) + 3 (dy + 1) + (dx + 1), where (dz, dy, dx) in {-1, 0, 1}
points from the voxel to the opposite corner; 13 is the voxel itself. Pattern bits: 0 - 5 edges
(-z, +z, -y, +y, -x, +x), 6 - 17 squares (zy, zx, yx; in each --, -+, +-, ++), 18 - 25 cubes (---
to +++).

References
----------
Robins, Wood, Sheppard 2011, doi:10.1109/TPAMI.2011.95 (discrete Morse theory on lower stars).
"""

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
from numba import njit
from numpy.typing import NDArray

CENTRE = 13
ABSENT = 0
PATTERNS = 15_935
# Columns of a row behind the 27 matches.
EDGE_BITS, CUBE_BITS, SQUARE_BITS = 27, 28, 29
ROW_BYTES = 32
SLOTS = 1 << 16
EMPTY_SLOT = 0xFFFFFFFF
HASH = 0x9E3779B1

POINTERS = np.array([(c // 9 - 1, c // 3 % 3 - 1, c % 3 - 1) for c in range(27)], np.int64)
DIMENSION = np.abs(POINTERS).sum(axis=1)


def code_of(pointer: NDArray[np.int64]) -> int:
    """Return the code of the cell between a voxel and the corner that is pointed to."""
    return int((pointer + 1) @ (9, 3, 1))


def bit_of(code: int) -> int:
    """Return the place of a cell in the pattern; -1 for the voxel itself."""
    pointer = POINTERS[code]
    axes = np.flatnonzero(pointer)
    sides = int((pointer[axes] > 0) @ (2 ** np.arange(len(axes))[::-1])) if len(axes) else 0
    match len(axes):
        case 0:
            return -1
        case 1:
            return 2 * int(axes[0]) + sides
        case 2:
            return 6 + 4 * (int(axes.sum()) - 1) + sides
        case _:
            return 18 + sides


def facets_of(code: int) -> list[int]:
    """Return the codes of the facets that hold the voxel itself."""
    facets = []
    for axis in np.flatnonzero(POINTERS[code]):
        pointer = POINTERS[code].copy()
        pointer[axis] = 0
        facets.append(code_of(pointer))
    return facets


BIT = np.array([bit_of(c) for c in range(27)])
FACETS = np.array([(facets_of(c) + [-1] * 3)[:3] for c in range(27)])


@dataclass(frozen=True, eq=False)
class Matchings:
    """The gradient inside every possible lower star.

    Parameters
    ----------
    rows
        ``(1 + 15935, 32)``. ``rows[i, c]`` for c < 27: the code of the cell matched to cell c in
        the star, c itself where it is critical, -1 where the star lacks it; then the pattern's edge
        bits, its cube bits and the bits of its four yx squares. Row 0 (``ABSENT``) is for
        places outside of the image: all -1, no bits.
    critical
        ``(1 + 15935,)`` number of critical cells of each row.
    keys, places
        Hash table from pattern to row, see `find_row`.
    """

    rows: NDArray[np.int8]
    critical: NDArray[np.uint8]
    keys: NDArray[np.uint32]
    places: NDArray[np.uint16]


@lru_cache(maxsize=1)
def build_matchings() -> Matchings:
    """Match every possible lower star."""
    patterns = list_patterns(PATTERNS)
    rows = np.full((len(patterns) + 1, ROW_BYTES), -1, np.int8)
    rows[:, 27:] = 0
    match_stars(patterns, BIT, DIMENSION, FACETS, rows[1:])
    rows[1:, EDGE_BITS] = patterns & 0x3F
    rows[1:, CUBE_BITS] = (patterns >> 18).astype(np.uint8).view(np.int8)
    rows[1:, SQUARE_BITS] = patterns >> 14 & 0xF
    critical = np.count_nonzero(rows[:, :27] == np.arange(27), axis=1).astype(np.uint8)
    keys = np.full(SLOTS, EMPTY_SLOT, np.uint32)
    places = np.zeros(SLOTS, np.uint16)
    fill_hash(patterns, keys, places)
    for table in (rows, critical, keys, places):
        table.setflags(write=False)
    return Matchings(rows, critical, keys, places)


LOCK = Lock()


def matchings() -> Matchings:
    """Return the table of matchings, built by the first caller."""
    with LOCK:
        return build_matchings()


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def allowed_squares(edges: int) -> int:
    """Return the 12 bits of squares both of whose edges are in the star."""
    z = (edges & 1) * 0b0011 | (edges >> 1 & 1) * 0b1100
    y = (edges >> 2 & 1) * 0b0011 | (edges >> 3 & 1) * 0b1100
    y_second = (edges >> 2 & 1) * 0b0101 | (edges >> 3 & 1) * 0b1010
    x_second = (edges >> 4 & 1) * 0b0101 | (edges >> 5 & 1) * 0b1010
    return (z & y_second) | (z & x_second) << 4 | (y & x_second) << 8


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def allowed_cubes(squares: int) -> int:
    """Return the 8 bits of cubes all three of whose squares are in the star."""
    zy, zx, yx = squares & 15, squares >> 4 & 15, squares >> 8 & 15
    by_zy = ((zy & 1) | (zy & 2) << 1 | (zy & 4) << 2 | (zy & 8) << 3) * 0b11
    by_zx = (zx & 3) * 0b101 | (zx >> 2) * 0b1010000
    return by_zy & by_zx & (yx * 0b10001)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_patterns(count: int) -> NDArray[np.uint32]:
    """Return the ``count`` possible patterns: every cell comes with its facets."""
    patterns = np.empty(count, np.uint32)
    found = 0
    for edges in range(64):
        may_square = allowed_squares(edges)
        squares = 0
        while True:
            may_cube = allowed_cubes(squares)
            cubes = 0
            while True:
                patterns[found] = edges | squares << 6 | cubes << 18
                found += 1
                # The next subset of the bits allowed, the empty one coming again at last.
                cubes = (cubes - may_cube) & may_cube
                if cubes == 0:
                    break
            squares = (squares - may_square) & may_square
            if squares == 0:
                break
    assert found == count
    return patterns


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def match_stars(
    patterns: NDArray[np.uint32],
    bit: NDArray[np.int64],
    dimension: NDArray[np.int64],
    facets: NDArray[np.int64],
    rows: NDArray[np.int8],
) -> None:
    """Write the matching of each pattern into the first 27 columns of its row."""
    left = np.zeros(27, np.bool_)
    for i in range(len(patterns)):
        for c in range(27):
            left[c] = c != CENTRE and patterns[i] >> bit[c] & 1
        for c in range(27):
            if left[c] and dimension[c] == 1:
                rows[i, CENTRE], rows[i, c] = c, CENTRE
                left[c] = False
                break
        if patterns[i] == 0:
            rows[i, CENTRE] = CENTRE
        match_cells(left, dimension, facets, rows[i])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def match_cells(
    left: NDArray[np.bool_],
    dimension: NDArray[np.int64],
    facets: NDArray[np.int64],
    row: NDArray[np.int8],
) -> None:
    """Match the cells left (all of them cleared) by coreduction.

    A cell with one facet left is matched to it. Where there is none such, the first cell of least
    dimension, which then has no facet left, is critical. A matching found this way is acyclic.
    """
    while left.any():
        stuck = True
        for c in range(27):
            if left[c]:
                count, free = count_facets(c, left, facets)
                if count == 1:
                    row[c], row[free] = free, c
                    left[c] = left[free] = False
                    stuck = False
        if stuck:
            lowest = -1
            for c in range(27):
                if left[c] and (lowest < 0 or dimension[c] < dimension[lowest]):
                    lowest = c
            row[lowest] = lowest
            left[lowest] = False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_facets(cell: int, left: NDArray[np.bool_], facets: NDArray[np.int64]) -> tuple[int, int]:
    """Return how many facets of a cell are left, and the last of them."""
    count, last = 0, -1
    for facet in facets[cell]:
        if facet >= 0 and left[facet]:
            count += 1
            last = facet
    return count, last


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fill_hash(
    patterns: NDArray[np.uint32], keys: NDArray[np.uint32], places: NDArray[np.uint16]
) -> None:
    """Enter row 1 + i for pattern i, with open addressing."""
    for i in range(len(patterns)):
        slot = first_slot(np.int64(patterns[i]))
        while keys[slot] != EMPTY_SLOT:
            slot = (slot + 1) & (SLOTS - 1)
        keys[slot] = patterns[i]
        places[slot] = i + 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_row(pattern: int, keys: NDArray[np.uint32], places: NDArray[np.uint16]) -> int:
    """Return the row of a pattern that is known to be possible."""
    slot = first_slot(pattern)
    while keys[slot] != pattern:
        slot = (slot + 1) & (SLOTS - 1)
    return int(places[slot])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def first_slot(pattern: int) -> int:
    """Return where the search for a pattern begins (Fibonacci hashing)."""
    return (pattern * HASH & EMPTY_SLOT) >> 16
