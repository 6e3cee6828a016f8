"""What each topological term costs, and how far each choice of where it looks bends its gradient.

    python -m benchmarks.topology.trades [--write] [--quick]

The full gradient is that of the critical-voxel loss of whole crops of 96^3, blurred by one voxel,
tau 0.05, every crop of the batch. A choice looks at less, or at other images; where it draws at
random, its gradient is the expected one, estimated from many draws without their scatter. Printed
are the cosine between the two (1: unbiased in direction; the estimate scatters by a few
hundredths), the ratio of their norms as if all blocks were added, the cosine of a single draw, and
the processor's time of one draw, target and field, on one thread.

The rebuilt crop stands for a network half-way: six tenths of its patches of 16 are the true ones
blurred by two voxels, at four fifths of their contrast, with a little noise. ``--write`` puts both
tables into docs/topology-in-training.md.
"""

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.config import FieldLossName, TopologyName
from napari_toposeg.learning.losses import topological_loss
from napari_toposeg.learning.losses.critical_voxel import CriticalVoxel
from napari_toposeg.learning.losses.fields import TopologicalLoss, to_arrays
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.networks.masked_autoencoder import composite_of, draw_hidden
from napari_toposeg.learning.patches import to_patches
from napari_toposeg.learning.smoothing import smooth
from napari_toposeg.learning.topological_term import TopologicalTerm
from napari_toposeg.phantoms import vessel_tree

PAGE = Path(__file__).parents[2] / "docs" / "topology-in-training.md"
EDGE, PATCH, BATCH = 96, 16, 4


@dataclass(frozen=True)
class Choice:
    """A way to look, its name, and how many draws its mean takes."""

    name: str
    term: TopologicalTerm
    draws: int = 1
    pooled: int = 1
    parts: int = 1
    """Blocks of a crop, of which it looks at one."""


@dataclass(frozen=True)
class Trade:
    """What was measured of a choice."""

    name: str
    cosine: float
    ratio: float
    single: float
    seconds: float


FULL = TopologicalTerm(CriticalVoxel(), crops=BATCH, block=0, smoothing=1.0, weight=0.3, ramp=1.0)


def choices(draws: int) -> Iterator[Choice]:
    """Yield what is compared."""
    yield Choice("all of it: the whole of every crop, blur 1, tau 0.05", FULL)
    for crops in (1, 2):
        yield Choice(f"{crops} whole crop(s) of {BATCH}", replace(FULL, crops=crops), 5 * draws)
    for block, halo in ((48, 16), (48, 8), (48, 0), (32, 8), (32, 0), (24, 8), (24, 0)):
        term = replace(FULL, block=block, halo=halo, crops=1)
        name = f"a block of {block}^3 of 1 crop, with {halo} voxels around it"
        parts = (EDGE // block) ** 3
        yield Choice(name, term, min(5 * parts, 50) * draws, parts=parts)
    yield Choice("components alone", replace(FULL, loss=CriticalVoxel(dimensions=(0,))))
    yield Choice("with cavities", replace(FULL, loss=CriticalVoxel(dimensions=(0, 1, 2))))
    for tau in (0.0, 0.02, 0.1, 0.2):
        yield Choice(f"tau {tau:g}", replace(FULL, loss=CriticalVoxel(tau=tau)))
    for smoothing in (0.0, 0.5, 2.0):
        yield Choice(f"blur {smoothing:g}", replace(FULL, smoothing=smoothing))
    raw = replace(FULL, smoothing=0.0, loss=CriticalVoxel(tau=0.0))
    yield Choice("blur 0, tau 0: the image as it is", raw)
    yield Choice("means of 2^3 voxels in place of the blur", replace(FULL, smoothing=0.0), pooled=2)


def measure(quick: bool) -> list[Trade]:
    """Measure every choice on the same batch."""
    true, rebuilt = batch()
    full = gradient(Choice("", FULL), true, rebuilt, 0)
    return [trade(choice, true, rebuilt, full) for choice in choices(draws=2 if quick else 12)]


def batch() -> tuple[Tensor, Tensor]:
    """Return true crops and what a network half-way makes of them, ``(B, 1, Z, Y, X)``."""
    crops = [
        prepare_image(vessel_tree((EDGE,) * 3, seed=seed).image, (1.0,) * 3).voxels
        for seed in range(BATCH)
    ]
    true = torch.from_numpy(np.stack(crops))[:, None]
    random = torch.Generator().manual_seed(0)
    hidden = draw_hidden(BATCH, (EDGE // PATCH) ** 3, 0.6, random)
    blurred = smooth(true[:, 0], 2.0)[:, None]
    mean = blurred.mean((2, 3, 4), keepdim=True)
    guess = mean + 0.8 * (blurred - mean) + 0.02 * torch.randn(true.shape, generator=random)
    values = to_patches(guess, PATCH)[hidden].reshape(BATCH, -1, PATCH**3)
    return true, composite_of(true, values, hidden, PATCH)


def trade(choice: Choice, true: Tensor, rebuilt: Tensor, full: Tensor) -> Trade:
    """Compare the mean gradient of a choice with the full one."""
    began = time.process_time()
    total, squares, single, count = torch.zeros_like(full), 0.0, 0.0, choice.draws
    for seed in range(count):
        one = gradient(choice, true, rebuilt, seed)
        total += one
        squares += float(one @ one)
        single += float(one @ full / (one.norm() * full.norm()).clamp(min=1e-20)) / count
    seconds = (time.process_time() - began) / count
    norm = expected_norm(float(total @ total), squares, count)
    cosine = float(total @ full) / count / (norm * float(full.norm()))
    return Trade(choice.name, cosine, choice.parts * norm / float(full.norm()), single, seconds)


def expected_norm(of_sum: float, squares: float, count: int) -> float:
    """Return the norm of the expected gradient, of which the draws' scatter is taken out.

    Parameters
    ----------
    of_sum
        Squared norm of the sum of all draws.
    squares
        Sum of their squared norms.
    """
    if count == 1:
        return math.sqrt(of_sum)
    return math.sqrt(max((of_sum - squares) / (count * (count - 1)), 1e-30))


def gradient(choice: Choice, true: Tensor, rebuilt: Tensor, seed: int) -> Tensor:
    """Return the gradient of the term at the rebuilt crops for one draw."""
    image = rebuilt.clone().requires_grad_()
    place = choice.term.choose(pool(true, choice.pooled).shape, np.random.default_rng(seed))
    seen, target = (pool(part[place.crops], choice.pooled) for part in (image, true))
    cut = place.take(target)
    look = choice.term.look(place, cut, torch.ones_like(cut, dtype=torch.bool))
    choice.term(seen, look).backward()
    assert image.grad is not None
    return image.grad.flatten()


def pool(images: Tensor, edge: int) -> Tensor:
    """Return means of cubes of voxels."""
    return F.avg_pool3d(images, edge) if edge > 1 else images


def costs() -> str:
    """Measure every term on a crop of 64^3, and write the table in Markdown."""
    lines = ["| term | images: prepare, step | probability: prepare, step |", "|---|---|---|"]
    true, rebuilt = (smooth(image[:1, 0, :64, :64, :64]).contiguous() for image in batch())
    truth = vessel_tree((EDGE,) * 3, seed=0).truth.voxels[:64, :64, :64] > 0
    mask = torch.from_numpy(np.ascontiguousarray(truth))[None].float()
    noise = torch.randn(mask.shape, generator=torch.Generator().manual_seed(1))
    probability = torch.sigmoid(8 * smooth(mask) - 3 + 2 * smooth(noise, 1.5) / 0.1)
    for name in get_args(FieldLossName):
        loss = topological_loss(name)
        of_images = timed(loss, rebuilt, true) if name in get_args(TopologyName) else "-"
        lines.append(f"| `{name}` | {of_images} | {timed(loss, probability, mask)} |")
    return "\n".join(lines)


def timed(loss: TopologicalLoss, field: Tensor, target: Tensor, repeats: int = 4) -> str:
    """Return the processor's least time to prepare a target and to take a step, as text."""
    least = [float("inf")] * 2
    for _ in range(repeats):
        image = field.clone().requires_grad_()
        began = time.process_time()
        prepared = [loss.prepare(array) for array in to_arrays(target)]
        halfway = time.process_time()
        loss(image, target, prepared).sum().backward()
        ended = time.process_time()
        least = [min(least[0], halfway - began), min(least[1], ended - halfway)]
    return " + ".join(f"{1000 * seconds:.0f}" for seconds in least) + " ms"


def table(trades: Sequence[Trade]) -> str:
    """Write the table in Markdown."""
    head = [
        "| the term looks at | cosine | norm | cosine of one draw | ms |",
        "|---|---|---|---|---|",
    ]
    lines = [
        f"| {t.name} | {t.cosine:.3f} | {t.ratio:.2f} | {t.single:.3f} | {1000 * t.seconds:.0f} |"
        for t in trades
    ]
    return "\n".join([*head, *lines])


def main() -> None:
    """Print the table, and write it into the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name, make in (("costs", costs), ("trades", lambda: table(measure(asked.quick)))):
        found = make()
        print(f"{name}\n{found}", flush=True)
        if asked.write:
            write(name, found)


def write(name: str, found: str) -> None:
    """Put a table between its markers in the page."""
    begin, end = (f"<!-- {name}: {edge} -->" for edge in ("begin", "end"))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n\n{found}\n\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
