"""Distances of diagrams by dense assignment and by trying every bound, and diagrams to try."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage, optimize, sparse

from napari_toposeg.topology import PersistenceDiagram, persistence


def diagram(points, dimension=0, superlevel=False, construction="T") -> PersistenceDiagram:
    """A diagram of given births and deaths ``(n, 2)``, in ascending terms; inf never dies."""
    points = np.asarray(points, np.float64).reshape(-1, 2) * (-1 if superlevel else 1)
    essential = ~np.isfinite(points[:, 1])
    rows = np.arange(len(points))
    return PersistenceDiagram(
        np.broadcast_to(np.int8(dimension), len(points)).copy(),
        points[:, 0],
        points[:, 1],
        rows,
        np.where(essential, -1, rows),
        (max(1, len(points)), 1, 1),
        construction,
        superlevel,
    )


def points_of(d: PersistenceDiagram, dimension: int):
    """Finite points and births of essential features, in ascending terms."""
    chosen = d.dimension == dimension
    sign = -1 if d.superlevel else 1
    points = sign * np.stack([d.birth[chosen], d.death[chosen]], axis=1)
    finite = np.isfinite(points[:, 1])
    return points[finite], np.sort(points[~finite, 0])


def dense_wasserstein(a, b, order: float) -> float:
    """By a square assignment in which each point has its own place on the diagonal."""
    total = 0.0
    for k in range(3):
        (p, p_endless), (q, q_endless) = points_of(a, k), points_of(b, k)
        if len(p_endless) != len(q_endless):
            return np.inf
        total += np.sum(np.abs(p_endless - q_endless) ** order)
        n, m = len(p), len(q)
        cost = np.zeros((n + m, n + m))
        cost[:n, :m] = np.linalg.norm(p[:, None] - q[None], axis=2) ** order
        cost[:n, m:] = ((p[:, 1] - p[:, 0]) / np.sqrt(2))[:, None] ** order
        cost[n:, :m] = ((q[:, 1] - q[:, 0]) / np.sqrt(2))[None] ** order
        total += cost[optimize.linear_sum_assignment(cost)].sum()
    return float(total ** (1 / order))


def dense_bottleneck(a, b) -> float:
    """By trying every distance as the bound."""
    worst = 0.0
    for k in range(3):
        (p, p_endless), (q, q_endless) = points_of(a, k), points_of(b, k)
        if len(p_endless) != len(q_endless):
            return np.inf
        n, m = len(p), len(q)
        cost = np.zeros((n + m, n + m))
        cost[:n, :m] = np.abs(p[:, None] - q[None]).max(axis=2)
        cost[:n, m:] = ((p[:, 1] - p[:, 0]) / 2)[:, None]
        cost[n:, :m] = ((q[:, 1] - q[:, 0]) / 2)[None]
        bounds = np.unique(np.append(cost, 0.0))
        low, high = -1, len(bounds) - 1
        while high - low > 1:
            middle = (low + high) // 2
            graph = sparse.csr_array(cost <= bounds[middle])
            mate = sparse.csgraph.maximum_bipartite_matching(graph)
            low, high = (low, middle) if (mate >= 0).all() else (middle, high)
        worst = max(worst, bounds[high], np.abs(p_endless - q_endless).max(initial=0.0))
    return float(worst)


def images(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two small images of one kind: noise, smooth, tied or binary."""
    shape = tuple(rng.integers(1, 9 if rng.random() < 0.5 else 6, rng.integers(2, 4)))
    pair = rng.normal(size=(2, *shape))
    match rng.integers(4):
        case 0:
            pair = pair * 10.0 ** rng.integers(-3, 4)
        case 1:
            pair = np.stack([ndimage.gaussian_filter(image, 1) for image in pair])
        case 2:
            pair = np.round(pair * 2).astype(np.int16)
        case _:
            pair = (pair > 0.3).astype(np.uint8)
    return pair[0], pair[1]


def clouds(rng: np.random.Generator) -> tuple[PersistenceDiagram, PersistenceDiagram]:
    """Two diagrams of random points, with repeats, points on the diagonal and wild scales."""
    scale, offset = 10.0 ** rng.integers(-6, 7), float(rng.choice([0.0, 1.0, -1000.0]))
    pair = []
    for _ in range(2):
        count = rng.integers(0, 30)
        birth = rng.random(count) * 3
        length = rng.exponential(1, count) * rng.choice([0.01, 0.3, 1.0])
        points = np.stack([birth, birth + length], axis=1)
        if rng.random() < 0.5:
            points = np.round(points)
        points = np.repeat(points, rng.integers(1, 4, count), axis=0) * scale + offset * scale
        pair.append(diagram(points, rng.integers(0, 3, len(points))))
    return pair[0], pair[1]


def cases(count: int, seed: int) -> Iterator[tuple[PersistenceDiagram, PersistenceDiagram]]:
    """Pairs of diagrams of images and of random points, in turns."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        if number % 2:
            yield clouds(rng)
        else:
            superlevel, construction = rng.random() < 0.5, "TV"[rng.integers(2)]
            a, b = (
                persistence(image, superlevel=superlevel, construction=construction)
                for image in images(rng)
            )
            yield a, b
