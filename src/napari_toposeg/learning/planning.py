"""Settings that a run leaves open, planned from its objective, its network and its data."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from napari_toposeg.config import (
    FinetuneConfig,
    NetworkConfig,
    NetworkName,
    ObjectiveName,
    PretrainConfig,
    Size3,
    TrainingConfig,
)
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.networks import build_encoder, resenc_width_of
from napari_toposeg.volume import Spacing

ROTATION = 15.0
"""Largest angle by which topomae turns a crop about each axis, in degrees."""

SCALE = 1.25
"""Largest factor by which topomae enlarges or shrinks a crop."""

LARGEST_CROP = 48
"""Edge of a planned crop, in voxels; more costs a laptop too much time."""

COARSEST, LEAST_SCALES = 4, 3
"""Shortest edge of the coarsest features of a planned residual U-Net, and its scales at least."""

SLICE_CROP, THIN_CROP = 32, 16
"""Edges of a planned crop for a few labelled slices, in their plane and across them, in voxels."""


def network_of(objective: ObjectiveName) -> NetworkName:
    """Return the architecture that an objective was published with, or is best with here."""
    match objective:
        case "topomae":
            return "fused"
        case "simmim" | "swin-ssl" | "disruptive":
            return "swin"
        case _:
            return "vit"


def task_of(objective: ObjectiveName) -> Literal["reconstruct", "encode"]:
    """Return what a model that an objective made can do."""
    match objective:
        case "mae" | "topomae":
            return "reconstruct"
        case "simmim" | "maskfeat" | "swin-ssl" | "disruptive" | "dino":
            return "encode"


def plan_network(config: PretrainConfig) -> NetworkConfig:
    """Return the network that a pretraining run trains."""
    return NetworkConfig(
        name=config.network or network_of(config.objective),
        size=config.size,
        scales=config.scales,
        patch=config.patch,
        cube=config.cube,
        centre=config.units[0] if config.units else 0.0,
        spread=config.units[1] if config.units else 1.0,
    )


def plan_turning(config: PretrainConfig) -> PretrainConfig:
    """Settle how crops are turned and scaled where that is open.

    The spatial pretext needs it: of upright crops of one size, the centre tells all.
    """
    spatial = config.objective == "topomae" and config.spatial_weight > 0
    rotation, scale = (ROTATION, SCALE) if spatial else (0.0, 1.0)
    settled = {
        "rotation": rotation if config.rotation is None else config.rotation,
        "scale": scale if config.scale is None else config.scale,
    }
    return config.model_copy(update=settled)


def planned(config: PretrainConfig, crop: Size3, spacing: Spacing) -> PretrainConfig:
    """Return the settings with all that was left open filled in, so that they repeat the run.

    Parameters
    ----------
    crop, spacing
        What the data gave.
    """
    network = plan_scales(plan_network(config), crop)
    z, y, x = map(float, spacing)
    settled = {
        "name": config.name or config.output.name,
        "network": network.name,
        "scales": network.scales,
        "cube": network.hidden_cube,
        "crop": crop,
        "spacing": (z, y, x),
    }
    return plan_turning(config).model_copy(update=settled)


def multiple_of(network: NetworkConfig) -> Size3:
    """Return what each edge of an image must be a multiple of."""
    with torch.device("meta"):
        return build_encoder(network).multiple


def crop_multiple(network: NetworkConfig) -> Size3:
    """Return what each edge of a crop must be a multiple of: whole features and whole cubes."""
    multiple = multiple_of(network)
    z, y, x = (math.lcm(step, network.hidden_cube) for step in multiple)
    return z, y, x


def plan_scales(network: NetworkConfig, crop: Size3) -> NetworkConfig:
    """Return a network with the scales of a residual U-Net that a crop has room for.

    At the coarsest, the shortest edge keeps `COARSEST` voxels, as nnU-Net has it (Isensee et al.
    2021, doi:10.1038/s41592-020-01008-z): norms over fewer tell little.

    Raises
    ------
    InvalidConfig
        If more scales are wanted than a network of this size has.
    """
    if network.name != "resenc-unet":
        return network.model_copy(update={"scales": None})
    most = len(resenc_width_of(network.size).widths)
    fitting = math.floor(math.log2(max(min(crop) / COARSEST, 1))) + 1
    scales = network.scales or min(most, max(fitting, LEAST_SCALES))
    if scales > most:
        raise InvalidConfig(
            f"a residual U-Net of the size {network.size} has {most} scales, and {scales} were "
            "asked for; ask for fewer, or for a larger network"
        )
    return network.model_copy(update={"scales": scales})


def with_scales_of_start(config: PretrainConfig) -> PretrainConfig:
    """Settle the scales of a residual U-Net that goes on from another, whatever the crop."""
    if config.start is None or config.scales is not None:
        return config
    network, start = plan_network(config), load_card(config.start).network
    if not network.name == start.name == "resenc-unet" or network.size != start.size:
        return config
    scales = start.scales or len(resenc_width_of(start.size).widths)
    return config.model_copy(update={"scales": scales})


def least_multiples(network: NetworkConfig) -> int:
    """Return how many multiples an edge of a crop has at least, where nothing is hidden.

    A ViT of a single patch has nothing to attend to; other networks look within their multiple.
    """
    return 2 if network.name in ("vit", "unetr") else 1


def rate_of(network: NetworkConfig, task: str | None, *, taught: bool = False) -> float:
    """Return the peak learning rate of a fine-tuning that leaves it open.

    A model that segments already is not to be unlearnt; convolutions bear higher rates than
    attention does.

    Parameters
    ----------
    task
        That of the model it starts from; None: from scratch.
    taught
        Whether a teacher holds it to what it knows.
    """
    if task == "segment":
        return 5e-4 if taught else 2e-4
    return 5e-3 if network.name == "resenc-unet" else 1e-3


def plan_teacher(config: FinetuneConfig, task: str | None, *, sliced: bool) -> FinetuneConfig:
    """Settle the running mean of the weights and what it tells, where that is open.

    Parameters
    ----------
    task
        That of the model it starts from; None: from scratch.
    sliced
        Whether a few slices of each volume are labelled. Of the voxels between them a model that
        segments already knows most, and would unlearn it.
    """
    held = task == "segment" and sliced and config.average != 0
    weight, average = config.teacher_weight, config.average
    if weight is None:
        weight = 1.0 if held else 0.0
    if average is None:
        average = 0.95 if held else 0.99 if weight else 0.0
    return config.model_copy(update={"teacher_weight": weight, "average": average})


def plan_slice_crop(crop: Size3, axis: int, multiple: Size3) -> Size3:
    """Return a crop for labels that lie in a few slices: thin across them, and small.

    What a step computes beside the labelled slices teaches little, so that many small crops are
    worth more than few large ones, where a network looks at a neighbourhood.

    Parameters
    ----------
    crop
        One for volumes labelled throughout, its upper bound.
    axis
        Axis across which the slices lie.
    multiple
        What each edge must be a multiple of.
    """
    thin = tuple(THIN_CROP if each == axis else SLICE_CROP for each in range(3))
    z, y, x = (
        min(edge, max(1, wanted // step) * step)
        for edge, wanted, step in zip(crop, thin, multiple, strict=True)
    )
    return z, y, x


def plan_crop(
    shapes: Sequence[Sequence[int]],
    multiple: Size3,
    least: int = 2,
    *,
    square: bool = False,
    largest: Sequence[float] = (LARGEST_CROP,) * 3,
) -> Size3:
    """Return the median shape in whole multiples: so many at least, and about so large at most.

    Parameters
    ----------
    shapes
        Those of the data, on the model's grid.
    multiple
        What each edge must be a multiple of.
    least
        Multiples that an edge has at least.
    square
        Give the edges along y and x the length of the shorter; both have the same multiple.
    largest
        Edges at most, in voxels.
    """
    z, y, x = (
        step * min(max(least, math.ceil(edge / step)), max(round(most / step), least))
        for edge, step, most in zip(np.median(shapes, axis=0), multiple, largest, strict=True)
    )
    return (z, min(y, x), min(y, x)) if square else (z, y, x)


def smaller(config: TrainingConfig, crop: Size3, multiple: Size3, least: int = 2) -> dict[str, Any]:
    """Return settings with which a run needs about half of the memory; none if it cannot be less.

    The batch is halved first, which changes least of what is learned, then the crop.

    Parameters
    ----------
    crop
        That of the run.
    multiple
        What each of its edges must be a multiple of.
    least
        Multiples that an edge has at least.
    """
    half, parts = config.batch // 2, config.devices * config.nodes * config.accumulate
    if half and half % parts == 0:
        return {"batch": half}
    z, y, x = (
        min(edge, max(least, edge // (2 * step)) * step)
        for edge, step in zip(crop, multiple, strict=True)
    )
    return {} if (z, y, x) == crop else {"crop": (z, y, x)}
