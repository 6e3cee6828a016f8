"""Repair of a vessel map to one tree; there is no rival, the bound is a second."""

import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from benchmarks.row import Row
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.topology import betti_numbers, repair
from napari_toposeg.topology.mending.cores import grow_cores
from napari_toposeg.topology.mending.joining import choose_components
from napari_toposeg.topology.mending.task import Task

MOST_SECONDS = 1.0
VESSEL_THRESHOLD_HU = -450.0


def rows(quick: bool) -> list[Row]:
    """Time repairs of maps with few and with many faults, the least of several repeats."""
    side, repeats = (48, 2) if quick else (128, 5)
    maps = {
        "8 broken trees, noise": vessel_map(side, trees=8, blur=0.6),
        f"{max(1, side**3 // 16_000)} broken trees, noise": vessel_map(side, trees=None, blur=0.5),
    }
    return [row(what, field, repeats) for what, field in maps.items()]


def row(what: str, field: np.ndarray, repeats: int) -> Row:
    """Time one map, and compare the cost with that of growing the largest component alone."""
    found = repair(field, (1, 0, 0))
    assert found.reached, found.reason
    seconds = least(lambda: repair(field, (1, 0, 0)), repeats)
    cost, joined, largest = found.cost, *grown_alone(field)
    note = (
        f"{tuple(betti_numbers(field > 0.5))} before; cost {cost:.4g}, of growing alone "
        f"{joined:.4g} with the same bridges and {largest:.4g} from the largest component"
    )
    return Row(
        f"repair to (1, 0, 0), {field.shape[0]}^3, {what}", seconds, "", None, MOST_SECONDS, note
    )


def vessel_map(side: int, trees: int | None, blur: float) -> np.ndarray:
    """A map of vessels as a network gives it: smoothed, then a logistic function of the HU."""
    hu = vessel_tree((side,) * 3, seed=3, trees=trees).image.voxels.astype(np.float32)
    smooth = ndimage.gaussian_filter(hu, blur)
    return 1 / (1 + np.exp(-(smooth - VESSEL_THRESHOLD_HU) / 80))


def grown_alone(field: np.ndarray) -> tuple[float, float]:
    """Cost of the core alone, of all that is joined and of the largest component."""
    task = Task(field - np.float32(0.5), np.ones(field.shape, bool), 26)
    joined = choose_components(task, task.mask, 1)
    label, _ = ndimage.label(task.mask, np.ones((3, 3, 3)))
    largest = label == 1 + np.argmax(np.bincount(label[task.mask])[1:])
    cores = [grow_cores(task, mask, task.margin) for mask in (joined, largest)]
    return task.cost(cores[0]), task.cost(cores[1])


def least(work: Callable[[], object], repeats: int) -> float:
    """Return the least time of several."""
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)
