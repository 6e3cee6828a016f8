"""Betti matching of a probability map against its label, and of two images without a label.

The rival is Betti-Matching-3D as topolosses compiles and calls it: vertex construction, sublevel
sets of 1 - image in float64; its threads are its own. We are timed in its construction and in that
of top cells, which it lacks.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from scipy import ndimage

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles import betti_matching_3d

from benchmarks.row import Row
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.topology import match_barcodes

Image = NDArray[Any]

SIDE = 96
MOST_BYTES = 1e9
MEGABYTE = 1e6
SAMPLING = 0.002
"""Seconds between two looks at the memory in use."""


def rows(quick: bool) -> list[Row]:
    """Time the matching of a vessel map and of blobs with their labels, and of two images."""
    side = 32 if quick else SIDE
    found = []
    for name, (wanted, make) in CASES.items():
        pair = make(side)
        least = alternating({name: partial(run, *pair) for name, run in RUNS.items()}, quick)
        memory = {run: most_memory(name, run, side) for run in RUNS}
        assert max(memory["V"], memory["T"]) < MOST_BYTES, f"{name}: {memory}"
        megabytes = {run: f"{most / MEGABYTE:.0f}" for run, most in memory.items()}
        for construction, kind in (("V", "as the rival's"), ("T", "the rival has V only")):
            what = f"Betti matching, {name} {side}^3, construction {construction}"
            note = f"{kind}; {megabytes[construction]} MB of memory, it {megabytes['rival']}"
            ours, theirs = least[construction], least["rival"]
            found.append(Row(what, ours, "Betti-Matching-3D", theirs, wanted, note))
    return found


def vessels(side: int) -> tuple[Image, Image]:
    """A probability of vessels as a network gives it, rough where the scan is, and the label."""
    phantom = vessel_tree((side,) * 3, seed=0)
    truth = phantom.truth.voxels > 0
    scan = ndimage.gaussian_filter(phantom.image.voxels.astype(np.float32), 0.7)
    inside, outside = np.median(scan[truth]), np.median(scan[~truth])
    middle, width = (inside + outside) / 2, (inside - outside) / 10
    return (1 / (1 + np.exp((middle - scan) / width))).astype(np.float32), truth.astype(np.uint8)


def blobs(side: int) -> tuple[Image, Image]:
    """Blobs of a tenth of the volume, and a blurred and noisy probability of them."""
    truth = smooth(side, 0, sigma=2.5)
    truth = truth > np.quantile(truth, 0.9)
    noise = 0.03 * smooth(side, 3, sigma=0.7)
    steepness = 8 * (ndimage.gaussian_filter(truth.astype(np.float32), 1.0) + noise - 0.5)
    return (1 / (1 + np.exp(-steepness))).astype(np.float32), truth.astype(np.uint8)


def smooth(side: int, seed: int, sigma: float = 1.5) -> Image:
    """Blurred noise of unit variance."""
    noise = np.random.default_rng(seed).standard_normal((side,) * 3).astype(np.float32)
    image = ndimage.gaussian_filter(noise, sigma)
    return np.asarray(image / image.std(), np.float32)


def by_rival(prediction: Image, truth: Image) -> Any:
    """Match as topolosses does."""
    images = [1.0 - image.astype(np.float64) for image in (prediction, truth)]
    return rival().compute_matching(images[:1], images[1:])[0]


def rival() -> Any:
    """Return the rival's compiled module."""
    return sys.modules.get("betti_matching") or sys.modules.setdefault(
        "betti_matching", betti_matching_3d.load()
    )


CASES: dict[str, tuple[float, Callable[[int], tuple[Image, Image]]]] = {
    "vessel map against its label": (15.0, vessels),
    "blurred blobs against their label": (15.0, blobs),
    "two smooth images": (4.0, lambda side: (smooth(side, 1), smooth(side, 2))),
}
"""Name of a pair of images: how many times faster we are to be, and the images."""

RUNS: dict[str, Callable[[Image, Image], Any]] = {
    "V": partial(match_barcodes, construction="V"),
    "T": partial(match_barcodes, construction="T"),
    "rival": by_rival,
}


def alternating(runs: dict[str, Callable[[], Any]], quick: bool) -> dict[str, float]:
    """Return the least seconds of each run, all having been run in turn, the first time untimed."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(2 if quick else 4):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - begun)
    return {name: min(seconds[1:]) for name, seconds in times.items()}


def most_memory(case: str, run: str, side: int) -> float:
    """Return how many bytes more than before are in use at the worst moment, in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(most_memory_here, case, run, side).result()


def most_memory_here(case: str, run: str, side: int) -> float:
    """Measure in this process, which has worked on nothing of that size before."""
    make = CASES[case][1]
    RUNS[run](*make(8))
    pair = make(side)
    with watched_memory() as most:
        RUNS[run](*pair)
    return most[0]


@contextmanager
def watched_memory() -> Iterator[list[float]]:
    """Look at the memory in use every few milliseconds, and keep the most."""
    process = psutil.Process()
    before, most, ended = process.memory_info().rss, [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(SAMPLING):
            most[0] = max(most[0], process.memory_info().rss - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()
