"""What 16 bits change of a segmentation."""

from collections.abc import Iterator

import numpy as np

from benchmarks.prediction.hippocampus import SHIPPED, cases_of
from napari_toposeg.learning.checkpoints import load_model
from napari_toposeg.learning.segmentation import segment_together
from napari_toposeg.learning.sweep import Sweep
from napari_toposeg.metrics import dice
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.progress import finish
from napari_toposeg.volume import Volume

HEADER = (
    "model", "cases", "Dice in full precision", "in bf16", "labels changed, share of foreground",
    "largest change of a probability",
)  # fmt: skip


def lines(*, quick: bool) -> Iterator[tuple[str, ...]]:
    """Yield a row for each model."""
    for name, classes, cases in (
        (SHIPPED, 2, cases_of("test", quick=quick)),
        ("vessels-ct", 1, phantoms(1 if quick else 6)),
    ):
        model, rows = load_model(name, "cpu"), []
        for _, image, truth in cases:
            full, half = (
                finish(segment_together(image, [model], Sweep(precision=precision)))
                for precision in ("32-true", "bf16-mixed")
            )
            one, other = full.labels.voxels, half.labels.voxels
            rows.append((
                mean_dice(one, truth, classes), mean_dice(other, truth, classes),
                (one != other).sum() / (one > 0).sum(),
                np.abs(full.class_probabilities - half.class_probabilities).max(),
            ))  # fmt: skip
        first, second, changed, _ = np.mean(rows, axis=0)
        most = np.max(rows, axis=0)[3]
        yield (
            name, str(len(rows)), f"{first:.5f}", f"{second:.5f}", f"{changed:.2%}", f"{most:.3f}"
        )  # fmt: skip


def mean_dice(labels: np.ndarray, truth: Volume, classes: int) -> float:
    """Return the mean Dice over classes."""
    return float(np.mean([dice(labels == k, truth.voxels == k) for k in range(1, classes + 1)]))


def phantoms(count: int) -> Iterator[tuple[str, Volume, Volume]]:
    """Yield vessel trees that no model was trained on."""
    for seed in range(1000, 1000 + count):
        phantom = vessel_tree((64, 64, 64), seed=seed)
        yield f"tree {seed}", phantom.image, phantom.truth
