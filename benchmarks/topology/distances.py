"""Exact 2-Wasserstein distance of two diagrams, beside POT and hera.

Each row is one pair of diagrams of 1,000 points or more: random points, near the diagonal as most
features are or far from it; loops of two smooth fields; components and loops of a vessel scan and
of a smoother copy, as of a target and its reconstruction; and loops of white noise, the worst case,
where every feature competes with every other. Times are of the calling thread.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
from gudhi.hera import wasserstein_distance as hera
from gudhi.wasserstein import wasserstein_distance as pot
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.row import Row
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.topology import PersistenceDiagram, persistence, wasserstein

WANTED = 30.0
HERA_ERROR = 0.01  # relative; 1e-6 takes hera several times longer
MANY = 5_000_000  # pairs of points from which on rivals run once
Pair = tuple[PersistenceDiagram, PersistenceDiagram]


def rows(quick: bool) -> list[Row]:
    """Time every pair of diagrams; the quick ones are too small to report."""
    found = []
    for what, (a, b) in pairs(quick):
        p, q = points(a), points(b)
        jobs: list[Callable[[], float]] = [
            lambda a=a, b=b: wasserstein(a, b),
            lambda p=p, q=q: pot(p, q, order=2, internal_p=2),
        ]
        if not quick:
            jobs.append(lambda p=p, q=q: hera(p, q, order=2, internal_p=2, delta=HERA_ERROR))
        times, values = least_times(jobs, 1 if quick or len(p) * len(q) > MANY else 3)
        assert np.isclose(values[0], values[1], rtol=1e-6), (what, values)
        what = f"exact W2, {what}, {len(p):,} x {len(q):,} points"
        found.append(Row(what, times[0], "POT", times[1], WANTED))
        if not quick:
            note = f"hera to {HERA_ERROR:.0%}, ours exact"
            found.append(Row(what, times[0], "hera", times[2], WANTED, note))
    return found


def pairs(quick: bool) -> Iterator[tuple[str, Pair]]:
    """Yield pairs of diagrams without essential features."""
    rng = np.random.default_rng(0)
    many, side = (300, 16) if quick else (2000, 40)
    for what, spread in (("random near the diagonal", 0.01), ("random far from it", 0.1)):
        yield what, (random_diagram(rng, many, spread), random_diagram(rng, many, spread))
    fields = [ndimage.gaussian_filter(rng.normal(size=(side,) * 3), 1.2) for _ in range(2)]
    yield "loops of smooth fields", features(*fields, dimension=1)
    scan, rebuilt = scans(32 if quick else 48)
    for dimension, name in enumerate(("components", "loops")):
        yield (
            f"{name} of a vessel scan and a smoother one",
            features(scan, rebuilt, dimension=dimension),
        )
    noise = rng.random((2, *(side // 2,) * 3))
    yield "loops of white noise", features(*noise, dimension=1)


def random_diagram(rng: np.random.Generator, count: int, spread: float) -> PersistenceDiagram:
    """Return births in [0, 1] and exponential persistence."""
    birth = rng.random(count)
    rows = np.arange(count)
    death = birth + rng.exponential(spread, count)
    return PersistenceDiagram(
        np.zeros(count, np.int8), birth, death, rows, rows, (count, 1, 1), "T", False
    )


def scans(side: int) -> list[NDArray[np.float64]]:
    """Return a scan of vessels in [0, 1], and the same more blurred, as a network rebuilds it."""
    voxels = np.asarray(vessel_tree((side,) * 3, seed=0).image.voxels, np.float64)
    voxels = (voxels - voxels.min()) / np.ptp(voxels)
    return [ndimage.gaussian_filter(voxels, sigma) for sigma in (0.5, 1.0)]


def features(*images: NDArray[np.float64], dimension: int) -> Pair:
    """Return the finite features of two images as sublevel diagrams of their negatives."""
    first, second = (
        persistence(-image, dimensions=[dimension]).select(essential=False) for image in images
    )
    return first, second


def points(diagram: PersistenceDiagram) -> NDArray[np.float64]:
    """Return births and deaths ``(n, 2)``."""
    return np.stack([diagram.birth, diagram.death], axis=1)


def least_times(jobs: list[Callable[[], float]], repeats: int) -> tuple[list[float], list[float]]:
    """Run the jobs in turns; return the least seconds of each and its value."""
    times, values = [np.inf] * len(jobs), [np.nan] * len(jobs)
    for _ in range(repeats):
        for i, job in enumerate(jobs):
            began = time.thread_time()
            values[i] = job()
            times[i] = min(times[i], time.thread_time() - began)
    return times, values
