"""What each term of topomae does to the reconstruction of fine structures.

Every variant is trained with the same seeds, crops and masks, and judged on volumes that it did not
see: vessel phantoms, whose truth is known, and CT of patients who were kept out. Intervals (95 %,
bootstrap over seeds and over phantoms) are those of the paired difference to the first variant; the
real volumes are too few for any, so theirs are ranges over seeds: anecdotes. The networks are small
and the runs short, as two cores allow.

The settings of a term are searched for on phantoms and with seeds of their own, so that those on
which the found ones are then judged chose nothing.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.pretraining.fine_structures import (
    Fill,
    Judged,
    best_threshold,
    filled_in,
    hide,
    judge,
    rebuilt,
)
from benchmarks.pretraining.training import train
from benchmarks.pretraining.variants import BASE, CUBE, RATIO, Settings
from napari_toposeg.io import read_volume
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.metrics.intervals import crossed_mean_with_interval, mean_with_interval
from napari_toposeg.phantoms import vessel_tree

EDGE = 48
TRAINING = range(3_000_000, 3_000_024)
CHOOSING = range(3_100_000, 3_100_003)
TESTING = range(3_200_000, 3_200_008)
DEVELOPING = range(3_300_000, 3_300_008)
SEEDS, SEARCH_SEEDS = (0, 1, 2, 3, 4), (10, 11)
CT_SPACING = (3.0, 3.0, 3.0)
CT_TRAINING = (
    "lung_tumour/A0002_B40f_256.nii.gz",
    "lung_tumour/A0002_B70f_256.nii.gz",
    "liver_ct/CRLM-CT-1004_256.nii.gz",
    "lung_nodule/LIDC-IDRI-0001_slab.nii.gz",
    "totalsegmentator/example_ct.nii.gz",
)
CT_TESTING = ("chest_ct/ct-64.nrrd", "sarcoma/CT_image.nii.gz")
Data = Literal["phantoms", "development", "ct"]
STEPS: dict[Data, int] = {"phantoms": 300, "development": 300, "ct": 600}
"""On CT the network takes longer to be better than interpolation."""
COMMON = ("hidden error", "Betti curves", "Betti matching")
HEADER = ("variant", *COMMON, "average precision", "Dice")
HEADER_CT = ("variant", *COMMON)
Runs = Sequence[Sequence[dict[str, float]]]
"""What was measured, by seed and by volume."""


@dataclass(frozen=True)
class Setting:
    """Volumes to learn from, to choose the threshold on, and to be judged on."""

    training: Sequence[Example]
    choosing: Sequence[Judged]
    testing: Sequence[Judged]


def lines(variants: Mapping[str, Settings], data: Data, *, quick: bool) -> Iterator[list[str]]:
    """Train every variant with every seed and yield a line of the table for each."""
    cube = int(str(next(iter(variants.values())).get("cube", CUBE)))
    setting = volumes(data, cube)
    searching = data == "development"
    plain = [judged(setting, filled_in)]
    yield ["interpolation, no network", *cells(plain, None, data)]
    first: Runs | None = None
    for name, settings in variants.items():
        seeds = SEARCH_SEEDS if searching else SEEDS
        seeds = seeds[:1] if quick else seeds
        steps = 20 if quick else STEPS[data]
        runs = [measure(settings, setting, seed, steps) for seed in seeds]
        yield [name, *cells(runs, first, data)]
        first = first or runs


def measure(settings: Settings, setting: Setting, seed: int, steps: int) -> list[dict[str, float]]:
    """Train one variant with one seed and judge it on every volume."""
    every = {"seed": seed, "steps": steps, "every": steps}
    model = train(BASE | settings | every, setting.training, setting.training[:2]).model
    return judged(setting, lambda case: rebuilt(model, case))


def judged(setting: Setting, fill: Fill) -> list[dict[str, float]]:
    """Judge one way to fill in what is hidden on every volume, its threshold chosen on others."""
    threshold = 0.5
    if setting.choosing:
        threshold = best_threshold(setting.choosing, [fill(case) for case in setting.choosing])
    return [judge(case, fill(case), threshold) for case in setting.testing]


def cells(runs: Runs, first: Runs | None, data: Data) -> Iterator[str]:
    """Yield each measure's mean; of phantoms the interval of its difference to the first variant's.

    The difference is taken seed by seed and phantom by phantom, so what all variants share is not
    in it.
    """
    for name in runs[0][0]:
        values = values_of(runs, name)
        if data == "ct":
            means = values.mean(axis=1)
            yield f"{means.mean():.4g} ({means.min():.4g} - {means.max():.4g})"
        elif first is None:
            found = interval(values)
            yield f"{found['mean']:.4g} ({found['low']:.4g} - {found['high']:.4g})"
        else:
            apart = interval(values - values_of(first, name))
            yield f"{values.mean():.4g} ({apart['low']:+.2g} to {apart['high']:+.2g})"


def interval(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean of a measure with its interval over runs and volumes, or over volumes."""
    several = len(values) > 1
    return crossed_mean_with_interval(values, 0) if several else mean_with_interval(values[0], 0)


def values_of(runs: Runs, name: str) -> NDArray[np.float64]:
    """Return a measure of every run and volume."""
    return np.array([[case[name] for case in run] for run in runs])


def volumes(data: Data, cube: int) -> Setting:
    """Return the volumes of an experiment, cubes of so many voxels hidden."""
    match data:
        case "phantoms":
            return phantoms(cube, TESTING)
        case "development":
            return phantoms(cube, DEVELOPING)
        case "ct":
            return scans(cube)


def phantoms(cube: int, testing: range) -> Setting:
    """Draw the phantoms, and what is hidden of those that are judged."""
    chosen, tested = (
        [hide(*phantom(n), cube, RATIO, n) for n in part] for part in (CHOOSING, testing)
    )
    return Setting([Example(str(n), phantom(n)[0]) for n in TRAINING], chosen, tested)


@cache
def phantom(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a phantom: image in 0..1 and its vessels."""
    drawn = vessel_tree((EDGE,) * 3, seed=seed, noise=15.0, texture=20.0)
    return prepare_image(drawn.image, (1.0, 1.0, 1.0)).voxels, drawn.truth.voxels > 0


def scans(cube: int) -> Setting:
    """Read the CT volumes, split by patient; those judged are cut to whole cubes."""
    folder = Path(os.environ["NAPARI_TOPOSEG_DATA"])

    def read(name: str) -> Example:
        return Example(name, prepare_image(read_volume(folder / name), CT_SPACING).voxels)

    tested = [whole_cubes(read(name), cube, number) for number, name in enumerate(CT_TESTING)]
    return Setting([read(name) for name in CT_TRAINING], (), tested)


def whole_cubes(example: Example, cube: int, seed: int) -> Judged:
    """Cut a scan to whole cubes, and hide some."""
    whole = tuple(slice(0, edge // cube * cube) for edge in example.image.shape)
    return hide(np.asarray(example.image[whole]), None, cube, RATIO, seed)
