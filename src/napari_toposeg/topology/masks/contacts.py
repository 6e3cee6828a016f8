"""Which runs touch: the regions that they form, and the contacts of the wrong ones.

The one idea: one sweep over the rows and the four earlier rows that touch each of them joins runs
of one category, in the wide sense (26, 8) and in the narrow one (6, 4) at once, and lists the few
contacts between categories in which an error has a part.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.masks.runs import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    Categories,
    Indices,
    Runs,
    row_before,
    unite,
)
from napari_toposeg.topology.masks.slabs import each_slab

Pairs = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Contacts:
    """Sets of joined runs, and pairs of touching runs of which one at least is wrong.

    Parameters
    ----------
    foreground, background
        Sets of runs of one category in the connectivity of either side, as `root` reads them.
    wide
        The one of the two that is 26 (8) connected.
    beside
        ``(n, 2)`` runs of two categories on one side, joined in that side's connectivity.
    across
        ``(n, 2)`` a wrong run, and a run of the other side that it would join if it were flipped.
    """

    foreground: Indices
    background: Indices
    wide: Indices
    beside: Pairs
    across: Pairs


def find_contacts(runs: Runs, wide_foreground: bool) -> Contacts:
    """Join the runs of each category, and list the contacts of the wrong ones."""
    wide, narrow = np.arange(len(runs)), np.arange(len(runs))
    fields = runs.start, runs.category, runs.first, runs.width, runs.rows_per_layer

    def sweep(begin: int, end: int, least: int, most: int) -> tuple[Pairs, Pairs]:
        listed: tuple[Pairs, Pairs] = sweep_rows(
            *fields, wide_foreground, wide, narrow, begin, end, least, most
        )
        return listed

    slabs = each_slab(
        lambda begin, end: sweep(begin, end, begin, end), len(runs.first) - 1, runs.rows_per_layer
    )
    found = [listed for _, _, listed in slabs]
    found += [sweep(begin, begin + runs.rows_per_layer, 0, begin) for begin, _, _ in slabs[1:]]
    beside, across = (np.concatenate(pairs) for pairs in zip(*found, strict=True))
    foreground, background = (wide, narrow) if wide_foreground else (narrow, wide)
    return Contacts(foreground, background, wide, beside, across)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sweep_rows(
    start: Indices,
    category: Categories,
    first: Indices,
    width: int,
    rows_per_layer: int,
    wide_foreground: bool,
    wide: Indices,
    narrow: Indices,
    begin: int,
    end: int,
    least: int,
    most: int,
) -> tuple[Pairs, Pairs]:
    """Sweep the rows from begin to end against the rows between least and most.

    A run touches the run before it in its row too, which is seen where its own row is swept.
    """
    beside, across = np.empty((1024, 2), np.int32), np.empty((1024, 2), np.int32)
    sizes = np.zeros(2, np.int64)
    for row in range(begin, end):
        runs = first[row + 1] - first[row]
        if least <= row < most:
            beside, across = (
                with_room(beside, sizes[0], runs),
                with_room(across, sizes[1], 2 * runs),
            )
            for run in range(first[row] + 1, first[row + 1]):
                list_contact(run, run - 1, True, category, wide_foreground, beside, across, sizes)
        for number in range(4):
            before = row_before(row, number, rows_per_layer)
            if before < least or before >= most:
                continue
            # Less than three contacts a run, each listed at most twice.
            room = 6 * (runs + first[before + 1] - first[before])
            beside, across = with_room(beside, sizes[0], room), with_room(across, sizes[1], room)
            meet_rows(
                start,
                category,
                first,
                row,
                before,
                (row - before) * width,
                number < 2,
                wide_foreground,
                wide,
                narrow,
                beside,
                across,
                sizes,
            )
    return beside[: sizes[0]], across[: sizes[1]]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def meet_rows(
    start: Indices,
    category: Categories,
    first: Indices,
    row: int,
    before: int,
    shift: int,
    share_face: bool,
    wide_foreground: bool,
    wide: Indices,
    narrow: Indices,
    beside: Pairs,
    across: Pairs,
    sizes: Indices,
) -> None:
    """Walk along two rows, ``shift`` voxels apart, and join or list the runs that touch."""
    a, b = first[row], first[before]
    while a < first[row + 1]:
        if category[a] == category[b]:
            unite(wide, a, b)
            if share_face:
                unite(narrow, a, b)
        else:
            list_contact(a, b, share_face, category, wide_foreground, beside, across, sizes)
        end_a, end_b = start[a + 1], start[b + 1] + shift
        if end_a == end_b and a + 1 < first[row + 1]:
            # Four runs meet in a corner: opposite ones share an edge, or a point.
            for c, d in ((a + 1, b), (a, b + 1)):
                if category[c] == category[d]:
                    unite(wide, c, d)
                else:
                    list_contact(c, d, False, category, wide_foreground, beside, across, sizes)
        a += end_a <= end_b
        b += end_b <= end_a


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def with_room(pairs: Pairs, size: int, room: int) -> Pairs:
    """Return an array that begins with the same pairs and has room for more of them."""
    if size + room <= len(pairs):
        return pairs
    larger = np.empty((2 * (size + room), 2), np.int32)
    larger[:size] = pairs[:size]
    return larger


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_contact(
    a: int,
    b: int,
    share_face: bool,
    category: Categories,
    wide_foreground: bool,
    beside: Pairs,
    across: Pairs,
    sizes: Indices,
) -> None:
    """List two touching runs of different category, if an error is one of them."""
    for wrong, other in ((a, b), (b, a)):
        kind, side = category[wrong], category[other] >> 1
        if kind != FALSE_NEGATIVE and kind != FALSE_POSITIVE:
            continue
        if not share_face and (side == 1) != wide_foreground:
            continue
        if kind >> 1 == side:
            beside[sizes[0], 0], beside[sizes[0], 1] = wrong, other
            sizes[0] += 1
        else:
            across[sizes[1], 0], across[sizes[1], 1] = wrong, other
            sizes[1] += 1
