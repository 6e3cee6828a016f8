"""What flipping each error component alone does to the Betti numbers of a prediction, exactly.

The one idea: voxels fall into four categories (right and wrong, in foreground and background). An
error component leaves one side, which may fall apart (a cut of the graph of that side's regions),
and enters the other, whose parts it may join. Cuts and joins give the components of foreground and
background, the 2 x 2 x 2 neighbourhoods of its voxels the Euler characteristic; loops follow.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.compiling import announce_compiling
from napari_toposeg.topology.masks.bits import Words
from napari_toposeg.topology.masks.blocks import grouped
from napari_toposeg.topology.masks.contacts import Contacts, Pairs, find_contacts
from napari_toposeg.topology.masks.euler import euler_changes
from napari_toposeg.topology.masks.parts import parts_gained
from napari_toposeg.topology.masks.runs import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    Categories,
    Indices,
    Runs,
    number_sets,
    root,
    unite,
)

TRUE_POSITIVE = 3
Report = Callable[[float], object]

COMPILING_SECONDS = 12


@dataclass(frozen=True, eq=False)
class Effects:
    """Error components, numbered from 0 in scan order, and what they do.

    ``error`` is the component of each run or -1; ``is_extra`` tells false positives from false
    negatives; ``change (n, 3)`` is what flipping one adds to b0, b1, b2.
    """

    error: Indices
    is_extra: NDArray[np.bool_]
    change: Indices


def find_effects(
    prediction: Words, truth: Words, runs: Runs, wide_foreground: bool, report: Report
) -> Effects:
    """Find the error components of two packed masks, whose runs are given, and weigh each one."""
    announce_compiling(subtract_joins, "the search for defects", COMPILING_SECONDS)
    contacts = find_contacts(runs, wide_foreground)
    report(0.4)
    error, errors = number(runs.category, (contacts.wide, FALSE_NEGATIVE, FALSE_POSITIVE))
    is_extra = np.empty(errors, np.bool_)
    is_extra[error[error >= 0]] = runs.category[error >= 0] == FALSE_POSITIVE
    cut, joined = weigh(runs.category, contacts, error, errors)
    report(0.6)
    components, enclosed = np.where(is_extra, (cut, joined), (joined, cut))
    if len(prediction) == 1:
        change = np.stack([components, enclosed, np.zeros_like(enclosed)], axis=1)
    else:
        chi = euler_changes(prediction, truth, runs, error, errors, wide_foreground)
        change = np.stack([components, components + enclosed - chi, enclosed], axis=1)
    report(0.7)
    return Effects(error, is_extra, change)


def number(category: Categories, *chosen: tuple[Indices, int, int]) -> tuple[Indices, int]:
    """Return a number for each set of runs of some categories, -1 off them; and how many.

    Parameters
    ----------
    chosen
        Sets, and the least and the greatest category of which they are numbered.
    """
    numbers, count = np.full(len(category), -1), 0
    for sets, least, greatest in chosen:
        count = number_sets(sets, category, least, greatest, numbers, count)
    return numbers, count


def weigh(
    category: Categories, contacts: Contacts, error: Indices, errors: int
) -> tuple[Indices, Indices]:
    """Return how many parts each error adds to the side that it leaves, and to the one it enters.

    A region is a set of runs of one category in the connectivity of its side; a piece is one of an
    error in the connectivity of the side that it would enter.
    """
    foreground, background = contacts.foreground, contacts.background
    region, regions = number(category, (background, 0, 1), (foreground, 2, TRUE_POSITIVE))
    piece, pieces = number(
        category,
        (foreground, FALSE_NEGATIVE, FALSE_NEGATIVE),
        (background, FALSE_POSITIVE, FALSE_POSITIVE),
    )
    error_of_region = owners(region, error, regions)
    first, neighbour = adjacency(region, contacts.beside, regions)
    cut = parts_gained(first, neighbour, error_of_region, errors)
    part = connect(region, contacts.beside, regions)
    error_of_piece = owners(piece, error, pieces)
    gained = np.bincount(error_of_piece, minlength=errors)
    near = piece[contacts.across[:, 0]]
    far = part[region[contacts.across[:, 1]]]
    subtract_joins(*grouped(errors, error_of_piece[near]), near, far, pieces, regions, gained)
    return cut, gained


def owners(number: Indices, error: Indices, count: int) -> Indices:
    """Return the error of each set of runs that lies in one, else -1."""
    owner = np.full(count, -1)
    is_numbered = number >= 0
    owner[number[is_numbered]] = error[is_numbered]
    return owner


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def adjacency(node: Indices, contacts: Pairs, count: int) -> tuple[Indices, Indices]:
    """Return the neighbours of each node, ``neighbour[first[v]:first[v + 1]]``, with repeats.

    ``node`` is that of each run, ``contacts`` are pairs of runs.
    """
    first = np.zeros(count + 1, np.int64)
    for i in range(len(contacts)):
        first[node[contacts[i, 0]] + 1] += 1
        first[node[contacts[i, 1]] + 1] += 1
    first = np.cumsum(first)
    free = first.copy()
    neighbour = np.empty(first[-1], np.int64)
    for i in range(len(contacts)):
        a, b = node[contacts[i, 0]], node[contacts[i, 1]]
        neighbour[free[a]], neighbour[free[b]] = b, a
        free[a] += 1
        free[b] += 1
    return first, neighbour


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def connect(node: Indices, contacts: Pairs, count: int) -> Indices:
    """Return one node for each connected part, the same for all nodes of the part."""
    part = np.arange(count)
    for i in range(len(contacts)):
        unite(part, node[contacts[i, 0]], node[contacts[i, 1]])
    for i in range(count):
        part[i] = root(part, i)
    return part


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def subtract_joins(
    first: Indices,
    contact: Indices,
    near: Indices,
    far: Indices,
    pieces: int,
    parts: int,
    gained: Indices,
) -> None:
    """Subtract from each error's pieces the parts that they touch, and the joins through them.

    Contact i is of piece ``near[i]`` with part ``far[i]``; those of error e are
    ``contact[first[e]:first[e + 1]]``.
    """
    sets = np.arange(pieces)
    touched_by = np.full(parts, -1)
    holder = np.empty(parts, np.int64)
    for error in range(len(first) - 1):
        for i in contact[first[error] : first[error + 1]]:
            if touched_by[far[i]] != error:
                # A part that is met for the first time hangs on one piece.
                touched_by[far[i]], holder[far[i]] = error, near[i]
                gained[error] -= 1
            else:
                gained[error] -= unite(sets, near[i], holder[far[i]])
