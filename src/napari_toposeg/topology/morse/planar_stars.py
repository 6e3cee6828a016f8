"""What the matchings of lower stars say of the plane, in the form in which its kernels need it.

The one idea: a *move* m is a step of one pixel: -3 and 3 along y, -1 and 1 along x, 0 for none. A
pixel moves along its matched edge, a square across its matched facet.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.morse.lower_star import BIT, CENTRE, SQUARE_BITS, matchings

EDGES = np.array([10, 12, 14, 16])
# Of the squares whose lowest, ... highest corner the voxel is.
SQUARES = np.array([17, 15, 11, 9])
MOST_EDGES = 3


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
