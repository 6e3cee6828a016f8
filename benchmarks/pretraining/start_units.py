"""A start from a model of plain units, kept in them or in the data's: which leads to less error.

Three starts, three seeds, 300 steps each on 8 vessel phantoms, which are also those judged on.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from napari_toposeg.config import PretrainConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.pretrain import prepare, pretrain
from napari_toposeg.progress import finish

STARTS = (("topomae-ct", "mae"), ("vessels-ct", "mae"), ("vessels-ct", "simmim"))
SEEDS = (1, 2, 3)
PLAIN = (0.0, 1.0)
HEADER = ("start", "objective", "seed", "units", "error before", "error after")


def lines(*, quick: bool) -> Iterator[tuple[str, ...]]:
    """Train each start in both units and yield a line for each run."""
    for start, objective in STARTS:
        for seed in SEEDS[:1] if quick else SEEDS:
            for plain in (True, False):
                with tempfile.TemporaryDirectory() as folder:
                    config = settings(start, objective, seed, Path(folder) / "run")
                    config = config.model_copy(update={"steps": 20 if quick else 300})
                    data = prepare(config.model_copy(update={"start": None})).config.units
                    units = PLAIN if plain else data
                    before, after = errors(config.model_copy(update={"units": units}))
                yield (
                    start, objective, str(seed), "0 and 1" if plain else f"{data}",
                    f"{before:.4f}", f"{after:.4f}",
                )  # fmt: skip


def settings(start: str, objective: str, seed: int, output: Path) -> PretrainConfig:
    """Return the settings of a run."""
    network = load_card(start).network
    return PretrainConfig.create(
        phantoms=8,
        objective=objective,
        start=start,
        network=network.name,
        size=network.size,
        patch=network.patch,
        crop=(network.patch * 4,) * 3,
        batch=4,
        steps=300,
        every=300,
        learning_rate=5e-4,
        forecast=False,
        previews=False,
        threads=1,
        seed=seed,
        output=output,
    )


def errors(config: PretrainConfig) -> tuple[float, float]:
    """Return the error of hidden voxels before the first step and after the last."""
    task = prepare(config).task
    task.network.eval()
    before = finish(task.evaluate(task.network)).metrics["mse"]
    told = [step.metrics["mse"] for step in pretrain(config) if "mse" in step.metrics]
    return before, told[-1]
