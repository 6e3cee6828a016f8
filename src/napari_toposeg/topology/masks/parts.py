"""How many more parts a graph has once a group of its nodes is removed, for each group alone.

The one idea: removing a node leaves one part for each block that it lies in. Removing several nodes
of one block can split that block further; there a search starts from each neighbour of them, all in
step, and ends when all have met but one, so that it costs what the smaller parts do.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.masks.blocks import find_blocks, grouped
from napari_toposeg.topology.masks.runs import root

Indices = NDArray[np.int64]

# A search that stands on a node with very many edges must not hold up the others.
EDGES_AT_A_TIME = 8


def parts_gained(first: Indices, neighbour: Indices, group: Indices, groups: int) -> Indices:
    """Return how many parts a graph gains when one group of nodes is removed, for each group.

    Parameters
    ----------
    first, neighbour
        The neighbours of node v are ``neighbour[first[v]:first[v + 1]]``; repeats do no harm.
    group, groups
        The group of each node, -1 for a node in none; and the number of groups.
    """
    blocks = find_blocks(first, neighbour)
    gained = np.zeros(groups, np.int64)
    grouping = grouped(groups, group)
    add_blocks(*grouping, blocks.members, gained)
    block_of_edge = name_edges(first, neighbour, blocks.above, blocks.entered)
    add_splits(*grouping, group, first, neighbour, block_of_edge, blocks.total, gained)
    return gained


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_blocks(
    group_first: Indices, group_node: Indices, members: Indices, gained: Indices
) -> None:
    """Add for every node of a group the blocks that it lies in, less one."""
    for group in range(len(gained)):
        for node in group_node[group_first[group] : group_first[group + 1]]:
            gained[group] += members[node] - 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def name_edges(first: Indices, neighbour: Indices, above: Indices, entered: Indices) -> Indices:
    """Return the block of each edge: the one above its end that was visited last."""
    block = np.empty(len(neighbour), np.int64)
    for node in range(len(first) - 1):
        for i in range(first[node], first[node + 1]):
            other = neighbour[i]
            block[i] = above[node] if entered[node] > entered[other] else above[other]
    return block


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_splits(
    group_first: Indices,
    group_node: Indices,
    group: Indices,
    first: Indices,
    neighbour: Indices,
    block: Indices,
    blocks: int,
    gained: Indices,
) -> None:
    """Add for every block that loses several nodes to a group its parts, less one."""
    nodes = len(first) - 1
    # Of a block: the group that was seen in it last, by which node; and whether by several.
    seen, seer, shared = np.full(blocks, -1), np.full(blocks, -1), np.full(blocks, -1)
    last_seed = np.full(blocks, -1)
    search = np.full(nodes, -1), first[:-1].copy(), np.empty(nodes, np.int64)
    for number in range(len(gained)):
        own = group_node[group_first[number] : group_first[number + 1]]
        if len(own) < 2:
            continue
        seeds = 0
        for node in own:
            for i in range(first[node], first[node + 1]):
                if seen[block[i]] == number and seer[block[i]] != node:
                    shared[block[i]] = number
                seen[block[i]], seer[block[i]] = number, node
                seeds += 1
        seed, previous = np.empty(seeds, np.int64), np.empty(seeds, np.int64)
        split = np.empty(seeds, np.int64)
        seeds = splits = 0
        for node in own:
            for i in range(first[node], first[node + 1]):
                b = block[i]
                if shared[b] != number:
                    continue
                if seer[b] >= 0:
                    # From here on a mark that the block is listed.
                    seer[b], last_seed[b] = -1, -1
                    split[splits] = b
                    splits += 1
                if group[neighbour[i]] != number:
                    seed[seeds], previous[seeds] = neighbour[i], last_seed[b]
                    last_seed[b] = seeds
                    seeds += 1
        for b in split[:splits]:
            parts = count_parts(
                seed, previous, last_seed[b], b, number, group, first, neighbour, block, *search
            )
            gained[number] += parts - 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_parts(
    seed: Indices,
    previous: Indices,
    last: int,
    within: int,
    removed: int,
    group: Indices,
    first: Indices,
    neighbour: Indices,
    block: Indices,
    finder: Indices,
    following: Indices,
    queue: Indices,
) -> int:
    """Count the parts of one block without one group, each of which has a seed.

    The seeds are ``seed[last]``, ``seed[previous[last]]``, ... until -1. ``finder`` (all -1),
    ``following`` (the first edge of each node) and ``queue`` are left as they were found.
    """
    length = found = 0
    while last >= 0:
        if finder[seed[last]] < 0:
            finder[seed[last]] = found
            queue[found] = seed[last]
            found += 1
        last = previous[last]
    met, waiting = np.arange(found), np.ones(found, np.int64)
    visited = [queue[i] for i in range(found)]
    begin, length, searching, ended = 0, found, found, 0
    while searching > 1:
        node = queue[begin]
        begin, length = (begin + 1) % len(queue), length - 1
        own = root(met, finder[node])
        stop = min(following[node] + EDGES_AT_A_TIME, first[node + 1])
        for i in range(following[node], stop):
            other = neighbour[i]
            if block[i] != within or group[other] == removed:
                continue
            if finder[other] < 0:
                finder[other] = own
                visited.append(other)
                queue[(begin + length) % len(queue)] = other
                length += 1
                waiting[own] += 1
            else:
                theirs = root(met, finder[other])
                if theirs != own:
                    met[theirs] = own
                    waiting[own] += waiting[theirs]
                    searching -= 1
        following[node] = stop
        if stop < first[node + 1]:
            queue[(begin + length) % len(queue)] = node
            length += 1
            continue
        waiting[own] -= 1
        if waiting[own] == 0:
            searching -= 1
            ended += 1
    for node in visited:
        finder[node], following[node] = -1, first[node]
    return ended + searching
