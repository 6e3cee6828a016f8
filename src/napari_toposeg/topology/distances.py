"""Distances between persistence diagrams.

The one idea: a distance is the cost of the best pairing of the features of two diagrams, where a
feature may also be paired with the diagonal, that is, be given up. Features that never die are
paired among themselves by their births, in order. The pairing is exact.

References
----------
Cohen-Steiner, Edelsbrunner, Harer 2007, doi:10.1007/s00454-006-1276-5 (bottleneck distance).
Cohen-Steiner, Edelsbrunner, Harer, Mileyko 2010, doi:10.1007/s10208-010-9060-6 (Wasserstein).
Carriere, Cuturi, Oudot 2017, arXiv:1706.03358 (sliced Wasserstein).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology.diagram import PersistenceDiagram, require_dimension, require_order
from napari_toposeg.topology.pairing.assignment import cheapest_pairs
from napari_toposeg.topology.pairing.bottleneck import bottleneck_of_points

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def wasserstein(
    a: PersistenceDiagram,
    b: PersistenceDiagram,
    *,
    order: float = 2.0,
    dimension: int | None = None,
) -> float:
    """Compute the q-Wasserstein distance of two diagrams, exactly.

    Parameters
    ----------
    a, b
        Diagrams of one construction and direction; their images may differ in shape.
    order
        q >= 1. Costs are Euclidean distances in the plane to the power q.
    dimension
        Only features of this dimension; by default all, each paired within its own dimension.

    Returns
    -------
    float
        q-th root of the least sum of costs, over all dimensions; ``inf`` where the numbers of
        essential features differ.

    Raises
    ------
    InvalidConfig
        If the diagrams cannot be compared, or the order is less than 1 or not finite.

    Notes
    -----
    ``W_q(a, b) = (min sum |x - y|^q)^(1/q)`` over pairings of a and b, each with as many points of
    the diagonal as wanted. Memory is linear in the number of features. Releases the interpreter's
    lock, and is safe to call from several threads.

    Examples
    --------
    >>> from napari_toposeg.topology import persistence
    >>> low, high = (persistence(np.array([[0, 0, 0], [0, x, 0], [0, 0, 0]])) for x in (3, 4))
    >>> wasserstein(low, high, dimension=1)
    1.0
    """
    require_comparable(a, b)
    require_order(order, least=1.0)
    costs = [
        pair_costs(a, b, pairing_of_dimension(a, b, k, order))
        for k in dimensions_of(a, b, dimension)
    ]
    lengths = np.concatenate(costs or [np.zeros(0)])
    longest = float(lengths.max(initial=0.0))
    if longest == 0 or np.isinf(longest):
        return longest
    return float(longest * np.sum((lengths / longest) ** order) ** (1 / order))


def match_diagrams(
    a: PersistenceDiagram,
    b: PersistenceDiagram,
    *,
    order: float = 2.0,
    dimension: int | None = None,
) -> Indices:
    """Return the pairing behind `wasserstein`.

    Parameters
    ----------
    a, b, order, dimension
        As in `wasserstein`.

    Returns
    -------
    ndarray
        ``(n, 2)``: a row of ``a`` and a row of ``b``; -1 stands for the diagonal, and for nothing
        where an essential feature is left over. Each row of the dimensions asked for occurs once.

    Raises
    ------
    InvalidConfig
        As `wasserstein`.
    """
    require_comparable(a, b)
    require_order(order, least=1.0)
    pairs = [pairing_of_dimension(a, b, k, order) for k in dimensions_of(a, b, dimension)]
    return np.concatenate([*pairs, np.empty((0, 2), np.int64)])


def bottleneck(
    a: PersistenceDiagram, b: PersistenceDiagram, *, dimension: int | None = None
) -> float:
    """Compute the bottleneck distance of two diagrams, exactly.

    Parameters
    ----------
    a, b, dimension
        As in `wasserstein`.

    Returns
    -------
    float
        Least t such that all features can be paired, with each other or the diagonal, without
        moving a birth or a death by more than t; the greatest over dimensions; ``inf`` where the
        numbers of essential features differ. It never exceeds the greatest difference of the
        images (stability).

    Raises
    ------
    InvalidConfig
        If the diagrams cannot be compared.
    """
    require_comparable(a, b)
    return max(
        (
            max(
                bottleneck_of_points(*(points(d)[finite_rows(d, k)] for d in (a, b))),
                float(essential_differences(a, b, k).max(initial=0.0)),
            )
            for k in dimensions_of(a, b, dimension)
        ),
        default=0.0,
    )


def sliced_wasserstein(
    a: PersistenceDiagram,
    b: PersistenceDiagram,
    *,
    directions: int = 32,
    dimension: int | None = None,
) -> float:
    """Compute the sliced Wasserstein distance of two diagrams.

    Parameters
    ----------
    a, b, dimension
        As in `wasserstein`; dimensions are summed.
    directions
        Number of lines through the origin, evenly turned from -90 degrees on.

    Returns
    -------
    float
        Mean over lines of the 1-Wasserstein distance of the projected diagrams, each joined by the
        other's projection on the diagonal. Essential features add the differences of their births;
        ``inf`` where their numbers differ.

    Raises
    ------
    InvalidConfig
        If the diagrams cannot be compared, or there is no direction.

    References
    ----------
    Carriere, Cuturi, Oudot 2017, arXiv:1706.03358, algorithm 1.
    """
    require_comparable(a, b)
    if directions != int(directions) or directions < 1:
        raise InvalidConfig(f"{directions} directions: take a whole number from 1 on")
    lines = slicing_lines(directions)
    total = 0.0
    for k in dimensions_of(a, b, dimension):
        first, second = (points(d)[finite_rows(d, k)] for d in (a, b))
        joined = (np.concatenate([first, on_diagonal(second)]) @ lines).T
        other = (np.concatenate([second, on_diagonal(first)]) @ lines).T
        moved = np.abs(np.sort(joined, axis=1) - np.sort(other, axis=1)).sum(axis=1)
        total += float(moved.mean() + essential_differences(a, b, k).sum())
    return total


def require_comparable(a: PersistenceDiagram, b: PersistenceDiagram) -> None:
    """Raise InvalidConfig if two diagrams speak of different things."""
    if a.superlevel != b.superlevel:
        raise InvalidConfig(
            f"one diagram is of {'super' if a.superlevel else 'sub'}level sets, the other of "
            f"{'super' if b.superlevel else 'sub'}level sets; compute both with one `superlevel`"
        )
    if len(a.shape) != len(b.shape):
        raise InvalidConfig(
            f"one diagram is of a {len(a.shape)}D image, the other of a {len(b.shape)}D one; their "
            "loops and cavities are not the same things"
        )
    if a.construction != b.construction:
        raise InvalidConfig(
            f"constructions {a.construction!r} and {b.construction!r} differ in connectivity; "
            "compute both diagrams with one of them"
        )


def dimensions_of(a: PersistenceDiagram, b: PersistenceDiagram, dimension: int | None) -> list[int]:
    """Return the dimension asked for, or all that either diagram has."""
    if dimension is not None:
        require_dimension(dimension, a)
        return [dimension]
    return [int(k) for k in np.union1d(a.dimension, b.dimension)]


def points(diagram: PersistenceDiagram) -> Floats:
    """Return births and deaths ``(n, 2)``."""
    return np.stack([diagram.birth, diagram.death], axis=1)


def finite_rows(diagram: PersistenceDiagram, dimension: int) -> Indices:
    """Return the rows of features of one dimension that die."""
    return np.flatnonzero((diagram.dimension == dimension) & np.isfinite(diagram.death))


def essential_rows(diagram: PersistenceDiagram, dimension: int) -> Indices:
    """Return the rows of features of one dimension that never die, in order of birth."""
    rows = np.flatnonzero((diagram.dimension == dimension) & ~np.isfinite(diagram.death))
    return rows[np.argsort(diagram.birth[rows], kind="stable")]


def pairing_of_dimension(
    a: PersistenceDiagram, b: PersistenceDiagram, dimension: int, order: float
) -> Indices:
    """Return the best pairs of rows of one dimension, finite ones and then essential ones."""
    rows, columns = finite_rows(a, dimension), finite_rows(b, dimension)
    partner = cheapest_pairs(points(a)[rows], points(b)[columns], order)
    paired = partner >= 0
    left = np.ones(len(columns), np.bool_)
    left[partner[paired]] = False
    return np.concatenate(
        [
            np.stack([rows[paired], columns[partner[paired]]], axis=1),
            *both_sides(rows[~paired], columns[left]),
            *essential_pairs(a, b, dimension),
        ]
    )


def essential_pairs(
    a: PersistenceDiagram, b: PersistenceDiagram, dimension: int
) -> Iterator[Indices]:
    """Yield the pairs of features that never die, and those left over."""
    first, second = essential_rows(a, dimension), essential_rows(b, dimension)
    n = min(len(first), len(second))
    yield np.stack([first[:n], second[:n]], axis=1)
    yield from both_sides(first[n:], second[n:])


def both_sides(rows: Indices, columns: Indices) -> Iterator[Indices]:
    """Yield rows of either diagram that have no partner, as pairs."""
    yield np.stack([rows, np.full_like(rows, -1)], axis=1)
    yield np.stack([np.full_like(columns, -1), columns], axis=1)


def essential_differences(a: PersistenceDiagram, b: PersistenceDiagram, dimension: int) -> Floats:
    """Return how far apart essential features are born; ``inf`` where their numbers differ."""
    first, second = (np.sort(d.birth[essential_rows(d, dimension)]) for d in (a, b))
    return np.abs(first - second) if len(first) == len(second) else np.array([np.inf])


def pair_costs(a: PersistenceDiagram, b: PersistenceDiagram, pairs: Indices) -> Floats:
    """Return the Euclidean length of each pair; ``inf`` for an essential feature left over."""
    alone_a, alone_b = pairs[:, 1] < 0, pairs[:, 0] < 0
    both = pairs[~alone_a & ~alone_b]
    first, second = points(a)[both[:, 0]], points(b)[both[:, 1]]
    # The deaths of essential features are equal, and their difference is not a number.
    apart = np.subtract(first, second, out=np.zeros_like(first), where=np.isfinite(first))
    return np.concatenate(
        [
            np.hypot(apart[:, 0], apart[:, 1]),
            a.persistence[pairs[alone_a, 0]] / np.sqrt(2),
            b.persistence[pairs[alone_b, 1]] / np.sqrt(2),
        ]
    )


def slicing_lines(directions: int) -> Floats:
    """Return unit vectors ``(2, directions)`` of a half turn."""
    angle = np.pi * (np.arange(directions) / directions - 0.5)
    return np.stack([np.cos(angle), np.sin(angle)])


def on_diagonal(births_and_deaths: Floats) -> Floats:
    """Return the nearest points of the diagonal."""
    middle = births_and_deaths.mean(axis=1, keepdims=True)
    return np.repeat(middle, 2, axis=1)
