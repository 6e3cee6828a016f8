"""How long a step waits for its crops: a masked autoencoder, ViT-S, 96^3, from the store.

    python -m benchmarks.data loader [--quick] [--write]

The crops of the next step are drawn in a thread while a step is computed; what is measured is how
long the loop stands still until they are there. On a GPU, where there is one, too.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.data.loaders import EDGE, make_store
from benchmarks.data.volumes import write_chests
from benchmarks.row import Row
from napari_toposeg.config import PretrainConfig
from napari_toposeg.learning.cohort import read_cohort
from napari_toposeg.learning.descent import begin
from napari_toposeg.learning.devices import decompressing_threads
from napari_toposeg.learning.engine import batches
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.pretrain import describe
from napari_toposeg.learning.pretraining import Pretraining
from napari_toposeg.progress import finish

SHARE = 0.01
"""Most of a step that may be spent waiting."""


def rows(*, quick: bool = False) -> Iterator[Row]:
    """Yield a row for each device."""
    shape = (104, 112, 120) if quick else (200, 256, 256)
    devices = ["cpu", "cuda:0"] if torch.cuda.is_available() else ["cpu"]
    with tempfile.TemporaryDirectory() as folder:
        scans = write_chests(Path(folder) / "scans", 2 if quick else 4, shape)
        store = make_store(scans, Path(folder) / "store")
        for device in devices:
            batch, steps = (2, 4 if quick else 10) if device == "cpu" else (32, 40)
            yield measured(store, Path(folder) / "run", device, batch, steps)


def measured(store: Path, output: Path, device: str, batch: int, steps: int) -> Row:
    """Train some steps and say how long they waited."""
    config = PretrainConfig.create(
        data=(store,),
        output=output,
        objective="mae",
        size="small",
        patch=16,
        mask_ratio=0.75,
        crop=(EDGE,) * 3,
        batch=batch,
        steps=steps,
        every=steps,
        device=device,
    )
    cohort = read_cohort([store], None, threads=decompressing_threads(device))
    card = describe(config, (EDGE,) * 3, cohort)
    task = Pretraining(
        make_objective(config, card.network), cohort.examples, cohort.examples[:1], config, card
    )
    waited, worked = timed(task, config)
    return Row(
        f"waiting for {batch} crops of {EDGE}^3, mae, ViT-S, {device.partition(':')[0]}",
        waited,
        "",
        None,
        SHARE * worked,
        f"a step takes {worked * 1000:.0f} ms, {batch / worked:.0f} crops a second; "
        f"waiting is {100 * waited / (waited + worked):.2f} %",
    )


def timed(task: Pretraining, config: PretrainConfig) -> tuple[float, float]:
    """Return the mean seconds of a step's waiting and working, the first two steps apart."""
    descent = begin(task, config)
    waited, worked = [], []
    before = time.perf_counter()
    for step, parts in batches(task, [range(config.batch)], range(1, config.steps + 1)):
        there = time.perf_counter()
        finish(descent.step(step, parts))
        waited.append(there - before)
        before = time.perf_counter()
        worked.append(before - there)
    return sum(waited[2:]) / len(waited[2:]), sum(worked[2:]) / len(worked[2:])
