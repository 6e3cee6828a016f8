"""Blocks (biconnected components) of a graph, and how it falls apart when nodes are removed.

The one idea: a graph is a tree of blocks hung together at cut nodes. Removing a node leaves one
part for each block that it lies in; removing several nodes of one block can split that block
further, and only such blocks have to be searched.

References
----------
Hopcroft, Tarjan 1973, doi:10.1145/362248.362272.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


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
) -> tuple[Indices, Indices]:
    """Return the blocks as pairs: node ``member[i]`` lies in block ``block[i]``.

    Each edge to a parent is in the parent's own block, where a cycle leads past the parent.
    """
    # A forest of b blocks over n nodes has less than n + b < 2 n memberships.
    member = np.empty(2 * len(visited), np.int64)
    block = np.empty(2 * len(visited), np.int64)
    block_above = np.full(len(visited), -1)
    size = blocks = 0
    for node in visited:
        above = parent[node]
        if above < 0:
            continue
        block_above[node] = block_above[above]
        if lowest[node] >= entered[above]:
            block_above[node] = blocks
            member[size], block[size] = above, blocks
            size += 1
            blocks += 1
        member[size], block[size] = node, block_above[node]
        size += 1
    return member[:size], block[:size]


def parts_gained(first: Indices, neighbour: Indices, group: Indices, groups: int) -> Indices:
    """Return how many parts a graph gains when one group of nodes is removed, for each group.

    Parameters
    ----------
    first, neighbour
        The neighbours of node v are ``neighbour[first[v]:first[v + 1]]``; repeats do no harm.
    group, groups
        The group of each node, -1 for a node in none; and the number of groups.
    """
    member, block = name_blocks(*depth_first(first, neighbour))
    blocks = int(block.max()) + 1 if len(block) else 0
    gained = np.zeros(groups, np.int64)
    node_first, membership = grouped(len(group), member)
    block_first, inhabitant = grouped(blocks, block)
    add_parts(
        *grouped(groups, group),
        first,
        neighbour,
        block_first,
        member[inhabitant],
        node_first,
        block[membership],
        gained,
    )
    return gained


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_parts(
    group_first: Indices,
    group_node: Indices,
    first: Indices,
    neighbour: Indices,
    block_first: Indices,
    block_node: Indices,
    node_first: Indices,
    node_block: Indices,
    gained: Indices,
) -> None:
    """Add for every node of a group its blocks less one, and what blocks that lose several gain."""
    met = np.full(len(block_first) - 1, -1)
    searched = np.full(len(block_first) - 1, -1)
    removed = np.full(len(first) - 1, -1)
    allowed = np.zeros(len(first) - 1, np.bool_)
    stack = np.empty(len(first) - 1, np.int64)
    for group in range(len(group_first) - 1):
        nodes = group_node[group_first[group] : group_first[group + 1]]
        for node in nodes:
            removed[node] = group
            gained[group] += node_first[node + 1] - node_first[node] - 1
        if len(nodes) < 2:
            continue
        for node in nodes:
            for block in node_block[node_first[node] : node_first[node + 1]]:
                if met[block] == group and searched[block] != group:
                    searched[block] = group
                    inside = block_node[block_first[block] : block_first[block + 1]]
                    for other in inside:
                        allowed[other] = removed[other] != group
                    gained[group] += count_parts(inside, allowed, first, neighbour, stack) - 1
                met[block] = group


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_parts(
    nodes: Indices, allowed: Mask, first: Indices, neighbour: Indices, stack: Indices
) -> int:
    """Count the connected parts of the allowed ones among some nodes, and disallow all of them."""
    parts = 0
    for seed in nodes:
        if not allowed[seed]:
            continue
        parts += 1
        allowed[seed] = False
        stack[0], depth = seed, 1
        while depth:
            depth -= 1
            node = stack[depth]
            for other in neighbour[first[node] : first[node + 1]]:
                if allowed[other]:
                    allowed[other] = False
                    stack[depth] = other
                    depth += 1
    return parts
