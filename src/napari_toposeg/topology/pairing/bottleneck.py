"""The bottleneck distance between the points of two persistence diagrams, exactly.

The one idea: at most t is possible if the points that are further than t from the diagonal can all
be paired within t; by Mendelsohn and Dulmage it is enough that those of each side can be, apart.
The distance is one of finitely many numbers: a height above the diagonal or a distance between two
points. The heights are bisected first; between two of them only few distances are left to bisect.

References
----------
Efrat, Itai, Katz 2001, doi:10.1007/s00453-001-0016-8 (bottleneck matching in the plane).
Mendelsohn, Dulmage 1958, doi:10.4153/CJM-1958-052-0.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import KDTree

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

LISTED = 1 << 20  # distances listed at once, and no more
SLACK = 1 + 1e-9  # the tree's bounds round; what it finds is compared again


class Side:
    """Points of one diagram, each place once and counted, to be covered by those of the other.

    Places, for a binary image has thousands of features at one of them.
    """

    def __init__(self, points: Floats, others: Floats) -> None:
        self.points, self.many = np.unique(points, axis=0, return_counts=True)
        self.others, self.room = np.unique(others, axis=0, return_counts=True)
        self.height = np.abs(self.points[:, 1] - self.points[:, 0]) / 2
        self.tree = KDTree(self.others)

    def high(self, bound: float) -> Floats:
        """Return the points that must be paired where the bound is t."""
        return self.points[self.height > bound]

    def can_be_covered(self, bound: float) -> bool:
        """Whether each high point finds a partner of its own within the bound."""
        must, many = self.high(bound), self.many[self.height > bound]
        if not len(must):
            return True
        i, j, distance = self.pairs(must, bound)
        near = distance <= bound
        return all_find_room(i[near], j[near], many, self.room)

    def pairs(self, points: Floats, bound: float) -> tuple[Indices, Indices, Floats]:
        """Return pairs ``(i, j, distance)`` within a bound, and some hardly beyond it."""
        found = KDTree(points).sparse_distance_matrix(
            self.tree, bound * SLACK, p=np.inf, output_type="ndarray"
        )
        distance = np.abs(points[found["i"]] - self.others[found["j"]]).max(axis=1, initial=0.0)
        return found["i"], found["j"], distance

    def distances(self, low: float, high: float) -> Floats:
        """Return the distances in ``(low, high]`` from points that are high above ``low``."""
        distance = self.pairs(self.high(low), high)[2]
        kept: Floats = distance[(distance > low) & (distance <= high)]
        return kept

    def count(self, low: float, high: float) -> int:
        """Return how many pairs `distances` would look at."""
        must = self.high(low)
        return int(KDTree(must).count_neighbors(self.tree, high * SLACK, p=np.inf))


def bottleneck_of_points(a: Floats, b: Floats) -> float:
    """Return the bottleneck distance of finite points, in the infinity norm.

    Parameters
    ----------
    a, b
        ``(n, 2)`` and ``(m, 2)`` finite births and deaths.
    """
    heights = np.abs(np.concatenate([a, b]) @ [-0.5, 0.5])
    highest = float(heights.max(initial=0.0))
    if not len(a) or not len(b) or highest == 0:
        return highest
    sides = Side(a, b), Side(b, a)

    def possible(bound: float) -> bool:
        return all(side.can_be_covered(bound) for side in sides)

    if possible(0.0):
        return 0.0
    low, high = bisect(np.unique(np.append(heights, 0.0)), possible)
    while sum(side.count(low, high) for side in sides) > LISTED:
        middle = (low + high) / 2
        if not low < middle < high:
            return high
        low, high = (low, middle) if possible(middle) else (middle, high)
    candidates = np.concatenate([side.distances(low, high) for side in sides])
    return bisect(np.unique(np.append(candidates, [low, high])), possible)[1]


def all_find_room(i: Indices, j: Indices, many: Indices, room: Indices) -> bool:
    """Whether ``many[i]`` points of each place go to places j beside it with room for ``room[j]``.

    A matching where every place holds one point, else a flow from a source over i and j to a sink.
    """
    n, m = len(many), len(room)
    if many.max() == 1 and room.max() == 1:
        graph = sparse.csr_array((np.ones(len(i), np.bool_), (i, j)), shape=(n, m))
        mate = sparse.csgraph.maximum_bipartite_matching(graph, perm_type="column")
        return bool((mate >= 0).all())
    source, sink = n + m, n + m + 1
    start = np.concatenate([np.full(n, source), i, n + np.arange(m)])
    stop = np.concatenate([np.arange(n), n + j, np.full(m, sink)])
    most = np.concatenate([many, np.minimum(many[i], room[j]), room]).astype(np.int32)
    network = sparse.csr_array((most, (start, stop)), shape=(n + m + 2, n + m + 2))
    flow = sparse.csgraph.maximum_flow(network, source, sink).flow_value
    return bool(flow == many.sum())


def bisect(candidates: Floats, possible: Callable[[float], bool]) -> tuple[float, float]:
    """Return the last candidate that is not possible and the first that is.

    The first of the rising candidates must be impossible and the last one possible.
    """
    low, high = 0, len(candidates) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if possible(candidates[middle]) else (middle, high)
    return float(candidates[low]), float(candidates[high])
