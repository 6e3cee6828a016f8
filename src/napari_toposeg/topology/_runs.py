"""Run-length encoding of a volume of categories, and which runs touch.

The one idea: a row of thousands of equal voxels is one run, so components, contacts and graphs of a
volume are computed on runs, of which there are hundreds of times fewer.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs ``[start, stop)`` of equal category in the rows of a volume, in scan order.

    ``first[r]`` is the first run of row r, one entry more than there are rows.
    """

    start: NDArray[np.int32]
    stop: NDArray[np.int32]
    row: Indices
    first: Indices
    category: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, eq=False)
class Contacts:
    """Pairs of runs that touch: ``(n, 2)`` runs, and whether they share a face or only an edge."""

    pairs: NDArray[np.int32]
    share_face: NDArray[np.bool_]


def encode_runs(volume: NDArray[np.uint8]) -> Runs:
    """Encode the rows along the last axis of a C-contiguous volume."""
    width = volume.shape[-1]
    flat = volume.ravel()
    begins = np.empty(flat.size, np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[::width] = True
    place = np.flatnonzero(begins)
    row = place // width
    ends = np.append(place[1:], flat.size)
    first = np.searchsorted(row, np.arange(flat.size // width + 1))
    return Runs(
        (place - row * width).astype(np.int32),
        (ends - row * width).astype(np.int32),
        row,
        first,
        flat[place],
    )


def find_contacts(runs: Runs, rows_per_layer: int) -> Contacts:
    """Return every pair of runs that touch in the sense of 26-connectivity, each pair once."""
    count = list_contacts(
        runs.first,
        runs.start,
        runs.stop,
        rows_per_layer,
        np.empty((0, 2), np.int32),
        np.empty(0, np.bool_),
    )
    contacts = Contacts(np.empty((count, 2), np.int32), np.empty(count, np.bool_))
    list_contacts(
        runs.first, runs.start, runs.stop, rows_per_layer, contacts.pairs, contacts.share_face
    )
    return contacts


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_contacts(
    first: Indices,
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    rows_per_layer: int,
    pairs: NDArray[np.int32],
    share_face: NDArray[np.bool_],
) -> int:
    """Write the contacts as far as there is room, and return how many there are."""
    found = 0
    for row in range(len(first) - 1):
        y = row % rows_per_layer
        for run in range(first[row] + 1, first[row + 1]):
            if found < len(share_face):
                pairs[found, 0], pairs[found, 1], share_face[found] = run, run - 1, True
            found += 1
        # The four rows before this one that touch it; the other four see it as theirs.
        for layers, lines in ((0, 1), (1, 0), (1, 1), (1, -1)):
            before = row - layers * rows_per_layer - lines
            if row >= layers * rows_per_layer and 0 <= y - lines < rows_per_layer:
                straight = layers == 0 or lines == 0
                found = list_between(
                    first, start, stop, row, before, straight, pairs, share_face, found
                )
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_between(
    first: Indices,
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    row: int,
    before: int,
    straight: bool,
    pairs: NDArray[np.int32],
    share_face: NDArray[np.bool_],
    found: int,
) -> int:
    """Write the contacts of two rows; runs that touch only by their ends share no face."""
    other = first[before]
    for run in range(first[row], first[row + 1]):
        while other < first[before + 1] and stop[other] < start[run]:
            other += 1
        near = other
        while near < first[before + 1] and start[near] <= stop[run]:
            if found < len(share_face):
                pairs[found, 0], pairs[found, 1] = run, near
                overlap = start[near] < stop[run] and start[run] < stop[near]
                share_face[found] = straight and overlap
            found += 1
            near += 1
    return found


def connected(count: int, pairs: NDArray[np.integer]) -> Indices:
    """Return the component, numbered from 0, of each of ``count`` nodes joined by the pairs."""
    ones = np.ones(len(pairs), np.bool_)
    graph = sparse.coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    labels: Indices = sparse.csgraph.connected_components(graph, directed=False)[1]
    return labels.astype(np.int64)
