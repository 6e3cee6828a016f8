"""Blocks (biconnected components) of a graph.

The one idea: a graph is a tree of blocks hung together at cut nodes. One walk in depth finds them:
an edge to a parent begins a block, unless what hangs below it leads past the parent.

References
----------
Hopcroft, Tarjan 1973, doi:10.1145/362248.362272.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Indices = NDArray[np.int64]


class Blocks(NamedTuple):
    """Blocks of a graph, numbered from 0.

    Parameters
    ----------
    above
        Per node the block of the edge to its parent in the walk, -1 where it has none.
    entered
        Per node the time of its visit. An edge is in the block above its end that was visited last.
    members
        Per node in how many blocks it lies.
    total
        Number of blocks.
    """

    above: Indices
    entered: Indices
    members: Indices
    total: int


def find_blocks(first: Indices, neighbour: Indices) -> Blocks:
    """Find the blocks; the neighbours of node v are ``neighbour[first[v]:first[v + 1]]``."""
    visited, parent, entered, lowest = depth_first(first, neighbour)
    above, members, count = name_blocks(visited, parent, entered, lowest)
    return Blocks(above, entered, members, count)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def depth_first(first: Indices, neighbour: Indices) -> tuple[Indices, Indices, Indices, Indices]:
    """Walk the graph depth first.

    Returns the nodes in the order of visit; and per node its parent (-1 for a root), the time of
    its visit, and the earliest time that it and what hangs below it can reach by one more edge.
    """
    count = len(first) - 1
    visited = np.empty(count, np.int64)
    parent = np.full(count, -1)
    entered = np.full(count, -1)
    lowest = np.empty(count, np.int64)
    following = first[:-1].copy()
    path = np.empty(count, np.int64)
    clock = 0
    for root in range(count):
        if entered[root] >= 0:
            continue
        path[0], depth = root, 1
        while depth:
            node = path[depth - 1]
            if entered[node] < 0:
                visited[clock], entered[node], lowest[node] = node, clock, clock
                clock += 1
            if following[node] < first[node + 1]:
                other = neighbour[following[node]]
                following[node] += 1
                if entered[other] < 0:
                    parent[other], path[depth] = node, other
                    depth += 1
                elif other != parent[node]:
                    lowest[node] = min(lowest[node], entered[other])
                continue
            depth -= 1
            if depth:
                lowest[parent[node]] = min(lowest[parent[node]], lowest[node])
    return visited, parent, entered, lowest


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def name_blocks(
    visited: Indices, parent: Indices, entered: Indices, lowest: Indices
) -> tuple[Indices, Indices, int]:
    """Return the block above each node, in how many blocks each lies, and how many there are."""
    above = np.full(len(visited), -1)
    members = np.zeros(len(visited), np.int64)
    blocks = 0
    for node in visited:
        if parent[node] < 0:
            continue
        above[node] = above[parent[node]]
        if lowest[node] >= entered[parent[node]]:
            above[node] = blocks
            blocks += 1
            members[parent[node]] += 1
        members[node] += 1
    return above, members, blocks


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def grouped(groups: int, key: Indices) -> tuple[Indices, Indices]:
    """Return the places of each key, ``place[first[k]:first[k + 1]]``; none of negative keys."""
    first = np.zeros(groups + 1, np.int64)
    for k in key:
        if k >= 0:
            first[k + 1] += 1
    first = np.cumsum(first)
    free = first.copy()
    place = np.empty(first[-1], np.int64)
    for i in range(len(key)):
        if key[i] >= 0:
            place[free[key[i]]] = i
            free[key[i]] += 1
    return first, place
