"""Which slices to paint next: does topological doubt choose better ones than even spacing?

The one idea: a model that ships predicts; six slices are painted, chosen in four ways, and a short
training from that model is judged on the voxels that no way painted. Only the choice differs.
``python -m benchmarks.dock.next_slices`` prints a Markdown table.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.learning.predict import segment
from napari_toposeg.metrics import dice
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.plugin.finetune.annotations import BACKGROUND, read_annotation
from napari_toposeg.plugin.finetune.doubts import find_doubts
from napari_toposeg.plugin.finetune.run import finetune_run
from napari_toposeg.plugin.finetune.suggestions import choose, entropies, suggest_by_doubt
from napari_toposeg.progress import finish
from napari_toposeg.topology import betti_numbers
from napari_toposeg.volume import Volume

WAYS = ("by doubt", "by entropy", "evenly", "at random")
SLICES = 6
START = "vessels-ct"
CROP = (32, 32, 32)
"""Small, so that all trainings together take minutes of one core."""


def lines(*, seeds: int, steps: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: a phantom and a way each."""
    for seed in range(seeds):
        phantom = vessel_tree(seed=seed)
        truth = np.asarray(phantom.truth.voxels) > 0
        before = finish(segment(phantom.image, START, device="cpu")).probability.voxels
        painted = {way: next_slices(way, before, seed) for way in WAYS}
        unseen = np.ones(len(truth), bool)
        unseen[[index for each in painted.values() for index in each]] = False
        for way, slices in painted.items():
            found = probability_of(phantom.image, truth, slices, steps, seed) > 0.5
            yield (
                str(seed),
                way,
                ", ".join(map(str, sorted(slices))),
                f"{dice((before > 0.5)[unseen], truth[unseen]):.3f}",
                f"{dice(found[unseen], truth[unseen]):.3f}",
                str(betti_error(before > 0.5, truth)),
                str(betti_error(found, truth)),
            )


def next_slices(way: str, probability: NDArray[np.floating], seed: int) -> list[int]:
    """Choose the slices to paint."""
    match way:
        case "by doubt":
            doubts = find_doubts(probability)
            found = suggest_by_doubt(probability, doubts, (), 0, (1, 1, 1), count=SLICES)
            return [each.index for each in found]
        case "by entropy":
            unsure = entropies(probability, 0)
            return [index for index, _, _ in choose(unsure / unsure.max(), (), 1.0, SLICES)]
        case "evenly":
            return [round((part + 0.5) * len(probability) / SLICES) for part in range(SLICES)]
        case _:
            chance = np.random.default_rng(seed)
            return sorted(map(int, chance.choice(len(probability), SLICES, replace=False)))


def probability_of(
    image: Volume, truth: NDArray[np.bool_], slices: list[int], steps: int, seed: int
) -> NDArray[np.float32]:
    """Paint slices completely, train on them, and return the probability of the whole scan."""
    labels = np.zeros(truth.shape, np.uint8)
    labels[slices] = np.where(truth[slices], 1, BACKGROUND)
    with tempfile.TemporaryDirectory() as folder:
        config = FinetuneConfig.create(
            checkpoint=START,
            output=Path(folder) / "run",
            classes=("vessel",),
            crop=CROP,
            steps=steps,
            every=steps,
            seed=seed,
            device="cpu",
            threads=1,
            previews=False,
        )
        annotation = read_annotation(labels, axis=0, seed=seed)
        finish(finetune_run(image, labels, annotation, config))
        last = str(config.output / "last.safetensors")
        found = finish(segment(image, last, device="cpu"))
    return np.asarray(found.probability.voxels)


def betti_error(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> int:
    """Return the sum of the differences of the Betti numbers."""
    return sum(abs(a - b) for a, b in zip(betti_numbers(found), betti_numbers(truth), strict=True))


def main() -> None:
    """Print the table and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=16)
    arguments = parser.parse_args()
    start = time.process_time()
    header = ("phantom", "chosen", "slices", "Dice before", "after", "Betti error before", "after")
    print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}")
    rows = []
    for row in lines(seeds=arguments.seeds, steps=arguments.steps):
        rows.append(row)
        print(f"| {' | '.join(row)} |", flush=True)
    for way in WAYS:
        mine = [row for row in rows if row[1] == way]
        means = [np.mean([float(row[at]) for row in mine]) for at in range(3, 7)]
        dices, errors = (f"{means[0]:.3f} | {means[1]:.3f}", f"{means[2]:.0f} | {means[3]:.0f}")
        print(f"| mean | {way} | | {dices} | {errors} |")
    print(f"\n{time.process_time() - start:.0f} s of one core.")


if __name__ == "__main__":
    main()
