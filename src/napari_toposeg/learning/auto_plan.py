"""What a fine-tuning leaves open, planned from its data and its machine, with the reasons told.

After nnU-Net: a grid that keeps thick slices from being blurred, a crop whose voxels are spent
where the scan has them, a batch that fills what a small crop leaves, and steps by how much there is
to learn from, or by how much time there is. What was planned is written into the run's settings, so
that a run that is resumed or repeated takes it from there.

References
----------
Isensee et al. 2021, doi:10.1038/s41592-020-01008-z.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from napari_toposeg.config import FinetuneConfig, NetworkConfig, Size3
from napari_toposeg.learning.augment import thick_axis
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.devices import resolve_device
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.labelled import LabelledData
from napari_toposeg.learning.planning import (
    LARGEST_CROP,
    THIN_CROP,
    least_multiples,
    multiple_of,
    plan_crop,
    plan_slice_crop,
)
from napari_toposeg.learning.ranks import world_of
from napari_toposeg.learning.run_folder import RunFolder
from napari_toposeg.volume import Spacing

GPU_CROP, SMALL_GPU_CROP = 96, 64
"""Edges of a planned crop on a GPU with much memory, and with less, in voxels."""

MUCH_MEMORY = 12e9
"""Bytes of a GPU from which on it has much memory."""

LEAST_BATCH, MOST_BATCH = 2, 8

FEW_STEPS, FEW_CROPS, MOST_STEPS = 400, 8, 10_000
"""Steps for labels that fill so many crops at most; more by the root of their number."""

VALIDATIONS = 10
"""Validations of a run that leaves it open how often it is judged."""


class Reasoned(NamedTuple):
    """Settings with all filled in, and why."""

    config: FinetuneConfig
    reasons: tuple[str, ...]


def settled_before(config: FinetuneConfig) -> FinetuneConfig:
    """Return the settings with what was planned when the run in the folder was begun.

    Another machine, and another moment, would plan something else.
    """
    settings = RunFolder(config.output).settings
    if not (config.resume and settings.is_file()):
        return config
    before = FinetuneConfig.from_toml(settings)
    is_open = {
        "steps": config.minutes or not config.steps,
        "minutes": config.minutes,
        "batch": not config.batch,
        "every": not config.every,
        "crop": config.crop is None,
    }
    kept = before.model_dump(include={name for name, each in is_open.items() if each})
    return config.model_copy(update=kept)


def crop_edge(device: str) -> int:
    """Return the edge of a planned crop, were it a cube, in voxels."""
    chosen = resolve_device(device)
    if not chosen.startswith("cuda"):
        return LARGEST_CROP
    memory = torch.cuda.get_device_properties(chosen).total_memory
    return GPU_CROP if memory >= MUCH_MEMORY else SMALL_GPU_CROP


def largest_edges(spacing: Spacing, shape: Sequence[float], edge: int) -> tuple[float, ...]:
    """Return the largest edges of a crop, in voxels along ``(z, y, x)``.

    A cube, but of thick slices: few are in a crop, and each is seen farther.

    Parameters
    ----------
    spacing
        Voxel size along ``(z, y, x)``.
    shape
        Of the median scan.
    edge
        That of the cube, whose voxels are spent.
    """
    thick = thick_axis(spacing)
    if thick is None:
        return (edge,) * 3
    across = min(THIN_CROP, shape[thick])
    along = math.sqrt(edge**3 / max(across, 1))
    return tuple(across if axis == thick else along for axis in range(3))


def network_for(config: FinetuneConfig, data: LabelledData) -> NetworkConfig:
    """Return the network that is trained: the one it starts from, but for what is wanted."""
    start = None if config.checkpoint == "none" else load_card(config.checkpoint)
    chosen = {"size": config.size, "patch": config.patch, "scales": config.scales}
    network = start.network if start else NetworkConfig(**chosen)
    name = config.network or network.name
    return network.model_copy(update={"name": name, "channels": data.channels})


def crop_for(network: NetworkConfig, data: LabelledData, device: str) -> Size3:
    """Return a crop that suits the network, the data and the device."""
    shapes = [example.grid for example in data.training]
    multiple = multiple_of(network)
    largest = largest_edges(data.spacing, np.median(shapes, axis=0).tolist(), crop_edge(device))
    crop = plan_crop(shapes, multiple, least_multiples(network), largest=largest)
    # A transformer is to see the parts of a volume beside each other; convolutions see near ones.
    if data.sliced_axis is None or network.name != "resenc-unet":
        return crop
    return plan_slice_crop(crop, data.sliced_axis, multiple)


def plan_batch(crop: Size3, device: str) -> int:
    """Return crops a step: two, and on a GPU as many as fill what a small crop leaves."""
    if not resolve_device(device).startswith("cuda"):
        return LEAST_BATCH
    spare = crop_edge(device) ** 3 / math.prod(crop)
    return int(min(MOST_BATCH, max(LEAST_BATCH, LEAST_BATCH * spare)))


def crops_in(examples: Sequence[Example], crop: Size3) -> float:
    """Return how many crops the labels fill: their voxels, a scan's less than a crop as one."""
    counts = [
        0 if each.places.labelled is None else int(each.places.labelled.counts.sum(dtype=np.int64))
        for each in examples
    ]
    return float(sum(max(1.0, count / math.prod(crop)) for count in counts if count))


def plan_steps(crops: float) -> int:
    """Return optimiser steps for labels that fill so many crops."""
    return min(MOST_STEPS, round(FEW_STEPS * max(1.0, math.sqrt(crops / FEW_CROPS))))


def plan_length(config: FinetuneConfig, examples: Sequence[Example], crop: Size3) -> Reasoned:
    """Settle batch, steps and validations where they are open, but for a run with a time to keep.

    Parameters
    ----------
    examples
        What is trained on.
    crop
        That of the run.
    """
    reasons: list[str] = []
    batch, steps = config.batch, config.steps
    if not batch:
        parts = world_of(config) * config.accumulate
        batch = parts * math.ceil(plan_batch(crop, config.device) / parts)
        more = ", as crops are small for this GPU" if batch > LEAST_BATCH else ""
        reasons.append(f"a batch of {batch} crops was planned{more}")
    if config.minutes:
        # Steps and validations follow from what a step takes, which is measured later.
        settled = {"batch": batch, "steps": steps or FEW_STEPS}
        return Reasoned(config.model_copy(update=settled), tuple(reasons))
    if not steps:
        crops = crops_in(examples, crop)
        steps = plan_steps(crops)
        reasons.append(
            f"{steps} steps were planned, as the labels fill about {crops:.0f} crops: "
            f"{FEW_STEPS} for up to {FEW_CROPS}, then by the root of their number"
        )
    every = config.every or math.ceil(steps / VALIDATIONS)
    settled = {"batch": batch, "steps": steps, "every": every}
    return Reasoned(config.model_copy(update=settled), tuple(reasons))


def reasons_of_grid(config: FinetuneConfig, spacing: Spacing, crop: Size3) -> tuple[str, ...]:
    """Say why a planned crop is no cube where slices are thick."""
    thick = thick_axis(spacing)
    if config.crop is not None or thick is None:
        return ()
    fine = max(size for axis, size in enumerate(spacing) if axis != thick)
    return (
        f"the crop {crop} was planned thin across {'zyx'[thick]} and wide along the others, as "
        f"slices lie {spacing[thick]:g} mm apart and their voxels {fine:g} mm",
    )
