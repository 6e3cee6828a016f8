"""Defects of a 256^3 vessel mask with few and with many error components.

The rival is what one would do without: flip each component and count the persistence of the mask
again, here with the faster of the programs at hand; a few flips are timed, the rest extrapolated.
"""

import time
from collections.abc import Callable

import cripser
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.row import Row
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.topology import Defects, find_defects

Mask = NDArray[np.bool_]

SIDE = 256
REACH = 2
"""Voxels from a vessel within which the fewer errors lie."""


def rows(quick: bool) -> list[Row]:
    """Time defects, with labels, kinds, sizes and centres, of a mask with few and many errors."""
    side = 96 if quick else SIDE
    trees = max(1, round(60 * (side / SIDE) ** 3))
    truth = np.asarray(vessel_tree((side,) * 3, seed=0, trees=trees).truth.voxels > 0)
    near = np.flatnonzero(ndimage.binary_dilation(truth, iterations=REACH))
    few = scattered(truth, near, round(1_000 * truth.size / SIDE**3), largest=3)
    many = scattered(truth, np.arange(truth.size), round(90_000 * truth.size / SIDE**3), largest=1)
    flip = persistence_of_a_flip(few)
    found = []
    for prediction, most in ((few, 0.1), (many, 0.5)):
        ours, defects = least(lambda p=prediction: find_defects(p, truth))
        what = f"defects of a vessel mask {side}^3, {len(defects):,} error components"
        wrong = f"{np.count_nonzero(prediction != truth):,} wrong voxels"
        note = f"a flip takes {flip:.1f} s; extrapolated"
        rival = "CubicalRipser, each flip"
        found.append(Row(what, ours, "", None, most, wrong))
        found.append(Row(what, ours, rival, flip * len(defects), 1.0, note))
    return found


def scattered(truth: Mask, places: NDArray[np.int64], count: int, largest: int) -> Mask:
    """Flip boxes of up to so many voxels a side, centred on some places, to what they are not."""
    random = np.random.default_rng(0)
    prediction = truth.copy()
    for voxel in random.choice(places, count, replace=False):
        centre = np.unravel_index(voxel, truth.shape)
        reach = random.integers(1, largest + 1, 3)
        box = tuple(
            slice(max(c - r // 2, 0), c + (r + 1) // 2) for c, r in zip(centre, reach, strict=True)
        )
        prediction[box] = not truth[centre]
    return prediction


def persistence_of_a_flip(mask: Mask, flips: int = 2) -> float:
    """Return the seconds of the persistence of a mask, the least of a few."""
    times = []
    for _ in range(flips):
        begun = time.perf_counter()
        cripser.computePH(1.0 - mask, maxdim=2)
        times.append(time.perf_counter() - begun)
    return min(times)


def least(call: Callable[[], Defects], repeats: int = 5) -> tuple[float, Defects]:
    """Return the least seconds of several calls, after one that compiles, and the result."""
    found = call()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times), found
