"""Parts that a graph gains where a group of nodes is removed: against removing each group."""

from itertools import chain

import networkx as nx
import numpy as np
import pytest

from napari_toposeg.topology.masks.parts import parts_gained


def as_arrays(graph: nx.Graph, repeats: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours of each node, each so many times."""
    lists = [repeats * list(graph[node]) for node in range(len(graph))]
    first = np.concatenate([[0], np.cumsum([len(each) for each in lists])])
    return first.astype(np.int64), np.fromiter(chain.from_iterable(lists), np.int64)


def by_removal(graph: nx.Graph, group: np.ndarray, groups: int) -> list[int]:
    before = nx.number_connected_components(graph)
    gained = []
    for number in range(groups):
        left = graph.copy()
        left.remove_nodes_from(np.flatnonzero(group == number).tolist())
        gained.append(nx.number_connected_components(left) - before)
    return gained


def random_graph(random: np.random.Generator) -> nx.Graph:
    nodes = int(random.integers(1, 40))
    match random.integers(4):
        case 0:
            graph = nx.gnm_random_graph(nodes, int(random.integers(0, 3 * nodes)), int(nodes))
        case 1:
            graph = nx.cycle_graph(nodes) if nodes > 2 else nx.path_graph(nodes)
        case 2:
            graph = nx.star_graph(nodes)
            graph.add_edges_from(random.integers(0, nodes + 1, (nodes // 2, 2)).tolist())
        case _:
            graph = nx.barbell_graph(4, nodes)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    return graph


@pytest.mark.parametrize("seed", range(3))
def test_parts_are_those_found_by_removing_each_group(seed):
    random = np.random.default_rng(seed)
    for _ in range(300):
        graph = random_graph(random)
        groups = int(random.integers(1, len(graph) + 1))
        group = random.integers(-1, groups, len(graph))
        found = parts_gained(*as_arrays(graph, int(random.integers(1, 3))), group, groups)
        assert found.tolist() == by_removal(graph, group, groups)


def test_a_long_chain_and_a_great_star_do_not_exhaust_anything():
    chain = nx.path_graph(100_000)
    group = np.full(len(chain), -1)
    group[1:-1:2] = np.arange(49_999)
    assert (parts_gained(*as_arrays(chain), group, 49_999) == 1).all()
    star = nx.star_graph(100_000)
    assert parts_gained(*as_arrays(star), np.append(0, np.full(100_000, -1)), 1) == [99_999]
