"""A discrete gradient that suits two orders of the same voxels at once, for image persistence.

The one idea: a gradient of one image is no gradient of another, but cells that enter with the same
voxel in *both* orders (a *bi-star*) may be matched, since no time of either lies between them. The
star of a voxel in one order falls into bi-stars by the voxel that brings each cell in the other;
where that is the voxel itself for the whole star, the table of lower stars serves as it is.
"""

from functools import lru_cache
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.compiling import announce_compiling
from napari_toposeg.topology.morse.gradient import Cells, Gradient, Places
from napari_toposeg.topology.morse.lower_star import (
    BIT,
    CENTRE,
    CUBE_BITS,
    DIMENSION,
    EDGE_BITS,
    FACETS,
    POINTERS,
    ROW_BYTES,
    SQUARE_BITS,
    code_of,
    find_row,
    matchings,
)
from napari_toposeg.topology.morse.watch import Tell, silent

Indices = NDArray[np.int64]
Stars = NDArray[np.integer]
Masks = NDArray[np.int64]
OTHER_CORNERS = 7
COMPILING_SECONDS = 10
CHUNK = 1 << 16
NO_CORNER = -1


def other_corners() -> tuple[Indices, Indices]:
    """Return for each cell of a star its corners but the voxel, and its own code at each.

    Both ``(27, 7)``, filled up with -1: the codes that point to the corners, and the code that the
    cell has in the star of that corner.
    """
    corner = np.full((27, OTHER_CORNERS), NO_CORNER)
    seen_as = np.full((27, OTHER_CORNERS), NO_CORNER)
    for code in range(27):
        axes = np.flatnonzero(POINTERS[code])
        chosen = [c for c in product((0, 1), repeat=len(axes)) if any(c)]
        for i, choice in enumerate(chosen):
            away = np.zeros(3, np.int64)
            away[axes] = POINTERS[code][axes] * choice
            corner[code, i] = code_of(away)
            seen_as[code, i] = code_of(POINTERS[code] - 2 * away)
    return corner, seen_as


CORNER, SEEN_AS = other_corners()
BY_DIMENSION = np.argsort(DIMENSION, kind="stable")[1:]


@lru_cache(maxsize=1)
def masks_of_rows() -> Masks:
    """Return the pattern of each row of the table of lower stars; 0 for the frame's."""
    cells = matchings().rows[:, :27] >= 0
    cells[:, CENTRE] = False
    masks: Masks = cells @ (1 << np.maximum(BIT, 0))
    masks.setflags(write=False)
    return masks


def bistar_gradient(base: Gradient, other: Gradient, tell: Tell = silent) -> Gradient:
    """Return a gradient inside the bi-stars of two orders.

    Critical cells and the bits of a row are those of the base's stars. `other` differs in
    `index` only.
    """
    announce_compiling(match_bistars, "image persistence", COMPILING_SECONDS)
    table, masks = matchings(), masks_of_rows()
    split = np.empty(base.index.size, np.int32)
    count = find_split(base.index, other.index, masks, split)
    tell(0.0)
    rows = np.empty((len(table.rows) + count, ROW_BYTES), np.int8)
    rows[: len(table.rows)] = table.rows
    critical = np.empty(len(rows), np.uint8)
    critical[: len(table.rows)] = table.critical
    index = base.index.astype(np.int32)
    for start in range(0, count, CHUNK):
        match_bistars(
            split[start : min(start + CHUNK, count)],
            base.index,
            other.index,
            base.steps,
            masks,
            table.keys,
            table.places,
            rows,
            critical,
            len(table.rows) + start,
            index,
        )
        tell(min(1.0, (start + CHUNK) / count))
    return Gradient(index, rows, critical, base.shape)


def owners(other: Gradient, cells: Cells) -> Places:
    """Return the place with which each cell enters in the other order."""
    found = np.empty_like(cells.voxel)
    find_owners(cells.voxel, cells.code, other.index, other.steps, masks_of_rows(), found)
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_split(base: Stars, other: Stars, masks: Masks, split: NDArray[np.int32]) -> int:
    """Write the places whose star falls into several bi-stars; return their number."""
    count = 0
    for place in range(len(base)):
        if base[place] != other[place] and masks[base[place]] & ~masks[other[place]]:
            split[count] = place
            count += 1
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def corner_of_entry(place: int, code: int, other: Stars, steps: Indices, masks: Masks) -> int:
    """Return the code of the corner with which a cell enters in the other order."""
    for i in range(OTHER_CORNERS):
        corner = CORNER[code, i]
        if corner < 0:
            break
        star = masks[other[place + steps[corner]]]
        if star >> BIT[SEEN_AS[code, i]] & 1:
            return int(corner)
    return CENTRE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_owners(
    voxels: NDArray[np.integer],
    codes: NDArray[np.int8],
    other: Stars,
    steps: Indices,
    masks: Masks,
    found: Places,
) -> None:
    """See `owners`."""
    for i in range(len(voxels)):
        place = np.int64(voxels[i])
        if codes[i] != CENTRE:
            place += steps[corner_of_entry(place, codes[i], other, steps, masks)]
        found[i] = place


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def match_bistars(
    split: NDArray[np.int32],
    base: Stars,
    other: Stars,
    steps: Indices,
    masks: Masks,
    keys: NDArray[np.uint32],
    places: NDArray[np.uint16],
    rows: NDArray[np.int8],
    critical: NDArray[np.uint8],
    first: int,
    index: NDArray[np.int32],
) -> None:
    """Write a row, from `first` on, for each star that falls into several bi-stars."""
    entry = np.empty(27, np.int64)
    cells = np.empty(27, np.int64)
    group = np.empty(27, np.int64)
    for i in range(len(split)):
        place = np.int64(split[i])
        whole = masks[base[place]]
        own = whole & masks[other[place]]
        row = rows[first + i]
        row[:] = rows[find_row(own, keys, places)]
        row[EDGE_BITS] = rows[base[place], EDGE_BITS]
        row[CUBE_BITS] = rows[base[place], CUBE_BITS]
        row[SQUARE_BITS] = rows[base[place], SQUARE_BITS]
        index[place] = first + i
        count = 0
        for code in BY_DIMENSION:
            if (whole & ~own) >> BIT[code] & 1:
                cells[count] = code
                entry[count] = corner_of_entry(place, code, other, steps, masks)
                count += 1
        for start in range(count):
            if entry[start] == NO_CORNER:
                continue
            corner, size = entry[start], 0
            for j in range(start, count):
                if entry[j] == corner:
                    group[size] = cells[j]
                    entry[j] = NO_CORNER
                    size += 1
            match_group(group[:size], row)
        critical[first + i] = 0
        for code in range(27):
            critical[first + i] += row[code] == code


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def match_group(group: Indices, row: NDArray[np.int8]) -> None:
    """Match the cells of a bi-star, given by rising dimension, as `match_cells` does."""
    left = 0
    for cell in group:
        left |= 1 << cell
    while left:
        stuck, lowest = True, NO_CORNER
        for cell in group:
            if not left >> cell & 1:
                continue
            facets, free = 0, NO_CORNER
            for facet in FACETS[cell]:
                if facet >= 0 and left >> facet & 1:
                    facets += 1
                    free = facet
            if facets == 1:
                row[cell], row[free] = free, cell
                left ^= 1 << cell | 1 << free
                stuck = False
            elif lowest == NO_CORNER:
                lowest = cell
        if stuck:
            row[lowest] = lowest
            left ^= 1 << lowest
