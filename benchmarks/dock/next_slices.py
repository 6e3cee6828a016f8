"""Which slices to paint next: does topological doubt choose better ones than even spacing?

The one idea: a model that ships predicts, and six slices are chosen in four ways. First it is
counted how many of the prediction's errors lie in them, which is what a person would see and mend;
then a short training from that model is judged on the voxels that no way painted. Only the choice
differs. ``python -m benchmarks.dock.next_slices`` prints two Markdown tables.
"""

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.learning.predict import segment
from napari_toposeg.metrics import dice
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND, read_annotation
from napari_toposeg.plugin.finetune.annotate.doubts import find_doubts
from napari_toposeg.plugin.finetune.annotate.suggestions import choose, entropies, suggest_by_doubt
from napari_toposeg.plugin.finetune.train.run import finetune_run
from napari_toposeg.progress import finish
from napari_toposeg.topology import betti_numbers, find_defects
from napari_toposeg.volume import Volume

WAYS = ("by doubt", "by entropy", "evenly", "at random")
SLICES = 6
START = "vessels-ct"
CROP = (36, 36, 36)
"""Small, so that all trainings together take minutes of one core."""
SEEN_HEADER = ("chosen", "errors that change the topology", "wrong voxels", "most of the former in")
HEADER = ("phantom", "chosen", "slices", "Dice before", "after", "Betti error before", "after")


def seen_lines(*, seeds: int) -> Iterator[tuple[str, ...]]:
    """Yield how many errors lie in the slices of each way, over all phantoms."""
    shares: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for seed in range(seeds):
        phantom = vessel_tree(seed=seed)
        truth = np.asarray(phantom.truth.voxels) > 0
        before = finish(segment(phantom.image, START, device="cpu")).probability.voxels
        wrong = (before > 0.5) != truth
        defects = find_defects(before > 0.5, truth)
        critical = np.flatnonzero(defects.is_critical) + 1
        for way in WAYS:
            slices = next_slices(way, before, seed)
            touched = np.intersect1d(defects.labels[slices], critical)
            shares[way].append((len(touched) / len(critical), wrong[slices].sum() / wrong.sum()))
    for way, each in shares.items():
        means = np.mean(each, axis=0)
        best = sum(mine[0] >= max(shares[w][n][0] for w in WAYS) for n, mine in enumerate(each))
        yield way, f"{100 * means[0]:.0f} %", f"{100 * means[1]:.0f} %", f"{best} of {seeds}"


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
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seen", type=int, default=12, help="phantoms of the first table")
    parser.add_argument("--seeds", type=int, default=3, help="phantoms of the second")
    parser.add_argument("--steps", type=int, default=16)
    arguments = parser.parse_args()
    start = time.process_time()
    print_rows([SEEN_HEADER, ["---"] * len(SEEN_HEADER), *seen_lines(seeds=arguments.seen)])
    print_rows([HEADER, ["---"] * len(HEADER)])
    rows = []
    for row in lines(seeds=arguments.seeds, steps=arguments.steps):
        print_rows([row])
        rows.append(row)
    print_rows(mean_lines(rows))
    print(f"\n{time.process_time() - start:.0f} s of one core.")


def mean_lines(rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield the means of each way over the phantoms."""
    for way in WAYS if rows else ():
        mine = [row for row in rows if row[1] == way]
        means = [np.mean([float(row[at]) for row in mine]) for at in range(3, 7)]
        numbers = (f"{means[0]:.3f}", f"{means[1]:.3f}", f"{means[2]:.0f}", f"{means[3]:.0f}")
        yield ("mean", way, "", *numbers)


def print_rows(rows: Iterable[Sequence[str]]) -> None:
    """Print rows of a Markdown table."""
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
