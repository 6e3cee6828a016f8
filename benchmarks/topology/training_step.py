"""What the topological term costs in a step of a masked autoencoder.

    python -m benchmarks.topology.training_step [--device cuda] [--batch N] [--topology NAME]

The same network, batch, crops and masks with the term and without it. Steps are those of the
training loop, the next draw in its thread beside them, so that nothing is hidden: what the loader
prepares for the term is paid for where the processor has no core to spare. Both are run in turns
and the medians compared.

Crops of 96^3, ViT-S of patch 16. On a CPU: two crops a batch. On a GPU: 32 crops, and as many as
fill the card, where the drawing of crops alone takes longer than the network.
"""

import argparse
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from benchmarks.row import Row
from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.descent import Descent, begin
from napari_toposeg.learning.devices import choose_threads, resolve_device
from napari_toposeg.learning.engine import batches
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.pretraining import Pretraining
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.progress import finish

CROP = (96, 96, 96)
PATCH = 16
MOST = {"cpu": 1.25, "cuda": 1.10}
"""Times the step without the term that a step with it may take."""
FILLED = 0.85
"""Share of a card's memory that a batch which fills it takes."""
PROBES = (4, 8)
"""Batches from which the memory of a crop is found."""


def rows(quick: bool, device: str = "auto", batch: int = 0, **settings: Any) -> list[Row]:
    """Measure the step with the term and without.

    Parameters
    ----------
    quick
        Fewer repeats.
    batch
        Crops a step; 0: two on a CPU; on a GPU 32, and as many as fit.
    settings
        Further settings of the pretraining, such as ``topology``.
    """
    device = resolve_device(device)
    sizes = [batch] if batch else [2] if device == "cpu" else [32, filling(device)]
    return [row(device, size, quick, settings) for size in sizes]


def row(device: str, batch: int, quick: bool, settings: dict[str, Any]) -> Row:
    """Measure the step with one size of batch."""
    with_term = descent(device, batch, **({"topology_weight": 0.3} | settings))
    without = descent(device, batch, topology_weight=0.0)
    times = alternate({"on": with_term, "off": without}, rounds=3 if quick else 7)
    on, off = (statistics.median(times[name]) for name in ("on", "off"))
    kind = device.partition(":")[0]
    what = f"a step of ViT-S on {CROP[0]}^3, batch {batch}, {kind}, with {looks(with_term.config)}"
    note = f"{on / off:.2f} times the step without, at most {MOST[kind]}"
    return Row(what, on, "the same without the term", off, 1.0 / MOST[kind], note)


def looks(config: PretrainConfig) -> str:
    """Say which term it is, and where it looks."""
    block = f"{config.topology_block}^3" if config.topology_block else "all"
    return (
        f"{config.topology} on {block} of {config.topology_crops} crop(s), blur "
        f"{config.topology_smoothing:g}, tau {config.topology_tau:g}"
    )


def descent(device: str, batch: int, **settings: Any) -> Descent:
    """Return a task and its optimiser, as the training has them."""
    config = PretrainConfig.create(
        data=("phantoms",), output=Path("unused"), network="vit", size="small", patch=PATCH,
        crop=CROP, batch=batch, steps=1000, device=device, **settings,
    )  # fmt: skip
    choose_threads(config.threads)
    network = NetworkConfig(name="vit", size="small", patch=PATCH)
    card = Card(
        name="timed", task="reconstruct", network=network, crop=CROP, spacing=(1.0, 1.0, 1.0)
    )
    torch.manual_seed(0)
    task = Pretraining(make_objective(config, network), scans(), scans(), config, card)
    return begin(task, config)


def scans() -> list[Example]:
    """Draw two scans of vessels, somewhat larger than the crop."""
    edge = tuple(n + 16 for n in CROP)
    return [
        Example(
            f"vessels-{seed}", prepare_image(vessel_tree(edge, seed=seed).image, (1.0,) * 3).voxels
        )
        for seed in range(2)
    ]


def alternate(runs: dict[str, Descent], rounds: int, steps: int = 6) -> dict[str, list[float]]:
    """Time steps of each run in turns; a round's first and last step do not count.

    The first has nothing drawn ahead, and beside the last nothing is drawn.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(rounds + 1):
        for name, run in runs.items():
            first = 1 + round_ * steps
            ends = [time.perf_counter()]
            shares = [range(run.config.batch)]
            for number, drawn in batches(run.task, shares, range(first, first + steps)):
                finish(run.step(number, drawn))
                ends.append(time.perf_counter())
            seconds = [b - a for a, b in pairwise(ends)][1:-1]
            times[name] += seconds if round_ else []
    return times


def filling(device: str) -> int:
    """Return how many crops fill the card."""
    few, more = (peak(device, batch) for batch in PROBES)
    each = (more - few) / (PROBES[1] - PROBES[0])
    room = FILLED * torch.cuda.get_device_properties(device).total_memory
    # Two networks are on the card in turns, with their optimisers.
    return max(1, int((room - 2 * few) / each) + PROBES[0])


def peak(device: str, batch: int) -> int:
    """Return the most memory that a step takes."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    run = descent(device, batch, topology_weight=0.0)
    finish(run.step(1, [run.task.draw(1, range(batch))]))
    return int(torch.cuda.max_memory_allocated(device))


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    for name, kind in (("topology", str), ("crops", int), ("block", int), ("smoothing", float)):
        parser.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS)
    given = vars(parser.parse_args())
    base = {name: given.pop(name) for name in ("quick", "device", "batch")}
    settings = {n if n == "topology" else f"topology_{n}": v for n, v in given.items()}
    for each in rows(**base, **settings):
        print(f"{each.what}: {each.ours:.3f} s, without {each.rival:.3f} s; {each.note}")


if __name__ == "__main__":
    main()
