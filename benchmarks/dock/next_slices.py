"""Which slices to paint next: does topological doubt choose better ones than even spacing?

The one idea: two slices are painted and trained on; then four more are painted, chosen in four
ways, and a training from the same start is judged on the voxels that no way painted. Only
the choice differs. ``python -m benchmarks.dock.next_slices`` prints a Markdown table.
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
FIRST = (1 / 3, 2 / 3)
"""Where the slices lie that are painted first, as parts of the scan."""
MORE = 4
START = "topomae-ct-unet"


def lines(*, seeds: int, steps: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: a phantom and a way each."""
    for seed in range(seeds):
        phantom = vessel_tree(seed=seed)
        truth = np.asarray(phantom.truth.voxels) > 0
        first = [round(part * truth.shape[0]) for part in FIRST]
        before = probability_of(phantom.image, truth, first, steps, seed)
        added = {way: next_slices(way, before, first, seed) for way in WAYS}
        unseen = np.ones(len(truth), bool)
        unseen[[*first, *(index for each in added.values() for index in each)]] = False
        for way, more in added.items():
            found = probability_of(phantom.image, truth, [*first, *more], steps, seed) > 0.5
            yield (
                str(seed),
                way,
                ", ".join(map(str, sorted(more))),
                f"{dice((before > 0.5)[unseen], truth[unseen]):.3f}",
                f"{dice(found[unseen], truth[unseen]):.3f}",
                str(betti_error(found, truth)),
            )


def next_slices(
    way: str, probability: NDArray[np.floating], first: list[int], seed: int
) -> list[int]:
    """Choose four more slices."""
    match way:
        case "by doubt":
            doubts = find_doubts(probability)
            found = suggest_by_doubt(probability, doubts, first, 0, (1, 1, 1), count=MORE)
            return [each.index for each in found]
        case "by entropy":
            unsure = entropies(probability, 0)
            worth = unsure / unsure.max()
        case "evenly":
            worth = np.ones(len(probability))
        case _:
            others = np.setdiff1d(np.arange(len(probability)), first)
            return list(map(int, np.random.default_rng(seed).choice(others, MORE, replace=False)))
    return [index for index, _, _ in choose(worth, first, 1.0, MORE)]


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
    parser.add_argument("--steps", type=int, default=24)
    arguments = parser.parse_args()
    start = time.process_time()
    rows = list(lines(seeds=arguments.seeds, steps=arguments.steps))
    print("| phantom | chosen | slices | Dice before | Dice after | Betti error |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    for way in WAYS:
        mine = [row for row in rows if row[1] == way]
        scores, errors = ([float(row[at]) for row in mine] for at in (4, 5))
        print(f"| mean | {way} | | | {np.mean(scores):.3f} | {np.mean(errors):.0f} |")
    print(f"\n{time.process_time() - start:.0f} s of one core.")


if __name__ == "__main__":
    main()
