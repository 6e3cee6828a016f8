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


def adjacency(count: int, pairs: Indices) -> tuple[Indices, Indices]:
    """Return the neighbours of each node, ``neighbour[first[v]:first[v + 1]]``."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return grouped(count, both[:, 0], both[:, 1])


def grouped(count: int, key: Indices, value: Indices) -> tuple[Indices, Indices]:
    """Return the values of each key, ``grouped_value[first[k]:first[k + 1]]``."""
    first = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=count))])
    return first.astype(np.int64), value[np.argsort(key, kind="stable")]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_blocks(first: Indices, neighbour: Indices) -> tuple[Indices, Indices]:
    """Return the blocks as pairs: node ``member[i]`` lies in block ``block[i]``; depth first."""
    count = len(first) - 1
    entered = np.zeros(count, np.int64)
    lowest = np.zeros(count, np.int64)
    parent = np.full(count, -1)
    following = first[:-1].copy()
    path = np.empty(count, np.int64)
    open_nodes = np.empty(count, np.int64)
    # A tree of b blocks over n nodes has at most n + b - 1 < 2 n memberships.
    member = np.empty(2 * count + 1, np.int64)
    block = np.empty(2 * count + 1, np.int64)
    clock = blocks = size = 0
    for root in range(count):
        if entered[root]:
            continue
        clock += 1
        entered[root] = lowest[root] = clock
        path[0], depth, opened = root, 1, 0
        while depth:
            node = path[depth - 1]
            if following[node] < first[node + 1]:
                other = neighbour[following[node]]
                following[node] += 1
                if not entered[other]:
                    clock += 1
                    entered[other] = lowest[other] = clock
                    parent[other] = node
                    path[depth] = open_nodes[opened] = other
                    depth += 1
                    opened += 1
                elif other != parent[node]:
                    lowest[node] = min(lowest[node], entered[other])
                continue
            depth -= 1
            above = parent[node]
            if above < 0:
                continue
            lowest[above] = min(lowest[above], lowest[node])
            if lowest[node] < entered[above]:
                continue
            while True:
                opened -= 1
                member[size], block[size] = open_nodes[opened], blocks
                size += 1
                if open_nodes[opened] == node:
                    break
            member[size], block[size] = above, blocks
            size += 1
            blocks += 1
    return member[:size], block[:size]


def parts_gained(count: int, pairs: Indices, group: Indices, node: Indices, groups: int) -> Indices:
    """Return how many parts a graph gains when one group of nodes is removed, for each group.

    Parameters
    ----------
    count, pairs
        Number of nodes, and the edges ``(n, 2)``, each once.
    group, node
        Node ``node[i]`` belongs to group ``group[i]``; each pair once.
    groups
        Number of groups.
    """
    first, neighbour = adjacency(count, pairs)
    member, block = find_blocks(first, neighbour)
    blocks = int(block.max()) + 1 if len(block) else 0
    memberships = np.bincount(member, minlength=count)
    gained = np.zeros(groups, np.int64)
    np.add.at(gained, group, memberships[node] - 1)
    add_parts_of_blocks(
        *grouped(groups, group, node),
        first,
        neighbour,
        *grouped(blocks, block, member),
        *grouped(count, member, block),
        gained,
    )
    return gained


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_parts_of_blocks(
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
    """Add, for every block that loses two nodes or more to a group, its parts less one."""
    count = len(first) - 1
    met = np.full(len(block_first) - 1, -1)
    searched = np.full(len(block_first) - 1, -1)
    removed = np.full(count, -1)
    allowed = np.full(count, -1)
    stack = np.empty(count, np.int64)
    search = 0
    for group in range(len(group_first) - 1):
        nodes = group_node[group_first[group] : group_first[group + 1]]
        if len(nodes) < 2:
            continue
        for node in nodes:
            removed[node] = group
        for node in nodes:
            for block in node_block[node_first[node] : node_first[node + 1]]:
                if met[block] != group:
                    met[block] = group
                    continue
                if searched[block] == group:
                    continue
                searched[block] = group
                search += 1
                inside = block_node[block_first[block] : block_first[block + 1]]
                for other in inside:
                    if removed[other] != group:
                        allowed[other] = search
                gained[group] -= 1
                for seed in inside:
                    if allowed[seed] != search:
                        continue
                    gained[group] += 1
                    allowed[seed] = -1
                    stack[0], depth = seed, 1
                    while depth:
                        depth -= 1
                        here = stack[depth]
                        for other in neighbour[first[here] : first[here + 1]]:
                            if allowed[other] == search:
                                allowed[other] = -1
                                stack[depth] = other
                                depth += 1
