"""Distances of random diagrams against dense assignment, against POT and against hera."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles.distances import cases, dense_bottleneck, dense_wasserstein, points_of

from napari_toposeg.topology import bottleneck, match_diagrams, wasserstein

CLOSE = 1e-6
HERA = 1e-6  # its relative error
FEW = 12  # points up to which hera is as exact in a reasonable time


def check(count: int, seed: int = 0) -> int:
    """Compare so many pairs of diagrams; raise AssertionError at the first that differs."""
    orders = np.random.default_rng(seed).choice([1.0, 1.5, 2.0, 3.0], count)
    for number, (a, b) in enumerate(cases(count, seed)):
        order = float(orders[number])
        where = f"seed {seed}, case {number}, order {order}, shapes {a.shape} and {b.shape}"
        found = wasserstein(a, b, order=order)
        assert np.isclose(found, dense_wasserstein(a, b, order), rtol=CLOSE, atol=0), where
        for name, rival in rivals(order):
            if name == "hera" and max(len(a), len(b)) > FEW:
                continue
            # Both stop at absolute errors in their costs, so they are given points of size 1.
            lengths = np.concatenate([a.persistence, b.persistence])
            size = lengths[lengths < np.inf].max(initial=0.0) or 1.0
            theirs = sum(
                (size * rival(p / size, q / size)) ** order for p, q in finite_points(a, b)
            )
            ours = sum(wasserstein(a, b, order=order, dimension=k) ** order for k in range(3))
            ours -= sum(moved(a, b, k, order) for k in range(3))
            slack = CLOSE * (found**order) + 1e-300
            assert np.isclose(ours, theirs, rtol=order * CLOSE, atol=slack), f"{name}: {where}"
        exact = dense_bottleneck(a, b)
        assert np.isclose(bottleneck(a, b), exact, rtol=1e-12, atol=0), f"bottleneck: {where}"
        pairs = match_diagrams(a, b, order=order)
        for side, d in enumerate((a, b)):
            rows = pairs[pairs[:, side] >= 0, side]
            assert np.array_equal(np.sort(rows), np.arange(len(d))), f"rows: {where}"
    return count


def rivals(order):
    """Yield the programs that are installed."""
    from gudhi.hera import wasserstein_distance as hera

    if order <= 2:
        yield "hera", lambda p, q: hera(p, q, order=order, internal_p=2, delta=HERA)
    try:
        from gudhi.wasserstein import wasserstein_distance as pot
    except ImportError:
        return
    yield "POT", lambda p, q: pot(p, q, order=order, internal_p=2)


def finite_points(a, b):
    """Yield the finite points of both diagrams by dimension, off the diagonal."""
    for k in range(3):
        p, q = points_of(a, k)[0], points_of(b, k)[0]
        yield p[p[:, 0] < p[:, 1]], q[q[:, 0] < q[:, 1]]


def moved(a, b, dimension, order):
    """Return what essential features add."""
    p, q = points_of(a, dimension)[1], points_of(b, dimension)[1]
    return float(np.sum(np.abs(p - q) ** order))
