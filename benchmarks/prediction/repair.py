"""Masks with the wanted Betti numbers beside the plain repair: what exactness costs."""

from collections.abc import Iterator

import numpy as np

from benchmarks.prediction.hippocampus import CLASSES, SHIPPED, cases_of, few_labels
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.repairing import repaired
from napari_toposeg.learning.segmentation import segment_with
from napari_toposeg.metrics import dice, hausdorff95
from napari_toposeg.metrics.intervals import mean_with_interval
from napari_toposeg.progress import finish
from napari_toposeg.topology import betti_numbers, largest_and_filled, repair_by_class
from napari_toposeg.volume import Volume

HEADER = (
    "model", "mask", "Dice", "HD95 (mm)", "(1,0,0), both classes", "Dice, less the plain repair's",
    "HD95, less the plain repair's (mm)",
)  # fmt: skip
WANTED = dict.fromkeys((1, 2), (1, 0, 0))
FEW = ((2, 0), (4, 0))

Masks = dict[str, list[tuple[float, float, bool]]]
"""Of each way to make a mask, for each case: mean Dice, mean HD95, whether both classes are so."""


def lines(*, quick: bool) -> Iterator[tuple[str, ...]]:
    """Yield four rows for each model: as predicted, and repaired in three ways."""
    models = {SHIPPED: load_model(SHIPPED, "cpu")}
    if not quick:
        models |= {f"{count} labels, seed {seed}": few_labels(count, seed) for count, seed in FEW}
    for name, model in models.items():
        measured = measure(model, quick=quick)
        plain = np.array(measured["plain repair"])
        for mask, rows in measured.items():
            values = np.array(rows)
            apart = [
                "" if mask == "plain repair" else compared(values[:, k] - plain[:, k])
                for k in (0, 1)
            ]
            yield (
                name, mask, f"{values[:, 0].mean():.4f}", distance(values[:, 1]),
                f"{int(values[:, 2].sum())} of {len(values)}", *apart,
            )  # fmt: skip


def measure(model: Model, *, quick: bool) -> Masks:
    """Measure the masks of all test cases."""
    ways = ("as predicted", "plain repair", "by costs alone", "--repair 1,0,0")
    found: Masks = {way: [] for way in ways}
    for _, image, truth in cases_of("test", quick=quick):
        segmentation = finish(segment_with(image, model))
        labels = segmentation.labels
        masks = (
            labels,
            labels.with_voxels(largest_and_filled(labels.voxels)),
            labels.with_voxels(
                repair_by_class(segmentation.class_probabilities, WANTED, threshold=0.0).labels
            ),
            repaired(segmentation, WANTED)[0].labels,
        )
        for rows, mask in zip(found.values(), masks, strict=True):
            rows.append(judged(mask, truth))
    return found


def judged(mask: Volume, truth: Volume) -> tuple[float, float, bool]:
    """Return mean Dice, mean HD95 in mm, and whether each class is one solid piece."""
    pairs = [(mask.voxels == label, truth.voxels == label) for label in range(1, len(CLASSES) + 1)]
    return (
        float(np.mean([dice(*pair) for pair in pairs])),
        float(np.mean([hausdorff95(*pair, truth.spacing) for pair in pairs])),
        all(betti_numbers(found) == (1, 0, 0) for found, _ in pairs),
    )


def distance(values: np.ndarray) -> str:
    """Return the mean of what is finite, and how many are not: a class is nowhere there."""
    infinite = int(np.isinf(values).sum())
    text = f"{values[np.isfinite(values)].mean():.3f}"
    return f"{text} ({infinite} infinite)" if infinite else text


def compared(values: np.ndarray) -> str:
    """Return a mean difference and its 95 % interval over cases."""
    with np.errstate(invalid="ignore"):
        found = mean_with_interval(values, seed=0)
    return f"{found['mean']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f})"
