"""Time the metrics of a case beside MONAI's, and write the table of docs/measure.md.

    python -m benchmarks.measuring [--write]

Both sides run in the same process, in alternation; of the processor time of several repeats the
least counts, so that other work on the machine does not.
``NAPARI_TOPOSEG_DATA`` names the folder of the real volumes.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks import tables
from napari_toposeg.config import PARTS
from napari_toposeg.io import list_cases, read_volume
from napari_toposeg.metrics import measure_case
from napari_toposeg.metrics.catalogue import metrics_of
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.volume import Volume

PAGE = Path(__file__).parents[1] / "docs" / "measure.md"
REPEATS = 5
EDGE = 128
Pair = tuple[Volume, Volume]


def main() -> int:
    """Print the rows as they come, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the table of the docs")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    lines = ["| what | of them | hippocampus | vessels |", "|---|---|---|---|"]
    cases = [hippocampus(), vessels()]
    for line in rows(cases):
        lines.append(tables.written(line))
        print(lines[-1], flush=True)
    if asked.write:
        tables.write("measuring", "\n".join(lines), PAGE)
    return 0


def rows(cases: list[Pair]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each row."""
    yield ("voxels", "", *(" x ".join(map(str, truth.shape)) for _, truth in cases))
    for part in PARTS:
        names = ", ".join(metric.heading for metric in metrics_of((part,)))
        yield (f"`{part}`", names, *(shown(least(partial(ours, case, (part,)))) for case in cases))
    yield ("all", "", *(shown(least(partial(ours, case, PARTS))) for case in cases))
    times = [
        alternating(partial(ours, case, ("surface",)), partial(monais, case)) for case in cases
    ]
    yield ("MONAI's", "HD95, ASSD, surface Dice", *(shown(theirs) for _, theirs in times))
    yield ("**MONAI's / ours**", "", *(f"{theirs / mine:.1f}x" for mine, theirs in times))


def ours(case: Pair, parts: tuple[str, ...]) -> object:
    """Measure some parts of all classes."""
    return measure_case(*case, parts=parts)


def monais(case: Pair) -> None:
    """Measure the distances of surfaces of all classes."""
    found, truth = (
        torch.stack([torch.as_tensor(labels.voxels == k) for k in range(1, 1 + classes(case))])
        for labels in case
    )
    pair, spacing = (found[None].float(), truth[None].float()), case[1].spacing
    compute_hausdorff_distance(*pair, percentile=95, spacing=spacing, include_background=True)
    compute_average_surface_distance(
        *pair, symmetric=True, spacing=spacing, include_background=True
    )
    compute_surface_dice(*pair, [1.0] * classes(case), spacing=spacing, include_background=True)


def classes(case: Pair) -> int:
    """Return the number of classes."""
    return int(case[1].voxels.max())


def alternating(mine: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Return the least seconds of both sides, taken in turns."""
    times = [(seconds(mine), seconds(theirs)) for _ in range(REPEATS)]
    return min(mine for mine, _ in times), min(theirs for _, theirs in times)


def least(call: Callable[[], object]) -> float:
    """Return the least seconds of several calls, after one that compiles."""
    call()
    return min(seconds(call) for _ in range(REPEATS))


def seconds(call: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def shown(time_taken: float) -> str:
    """Write a time."""
    return tables.quantity(time_taken, "s")


def hippocampus() -> Pair:
    """Return a real case, two classes, its truth blurred by noise for a prediction."""
    folder = Path(os.environ["NAPARI_TOPOSEG_DATA"]) / "hippocampus" / "labels"
    truth = read_volume(next(iter(list_cases(folder).values())), modality="label")
    return blurred(truth, 0.5), truth


def vessels() -> Pair:
    """Return vessel trees and what noise leaves of them."""
    truth = vessel_tree((EDGE,) * 3, seed=0, trees=6).truth
    return blurred(truth, 0.35, sigma=0.7), truth


def blurred(truth: Volume, noise: float, sigma: float = 1.0) -> Volume:
    """Return the classes that are most probable after noise and smoothing."""
    random = np.random.default_rng(0)
    maps = [
        ndimage.gaussian_filter((truth.voxels == k) + random.normal(0, noise, truth.shape), sigma)
        for k in range(1 + int(truth.voxels.max()))
    ]
    labels: NDArray[np.int64] = np.argmax(maps, axis=0)
    return truth.with_voxels(labels.astype(np.uint8))


if __name__ == "__main__":
    sys.exit(main())
