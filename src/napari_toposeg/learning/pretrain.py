"""Pretraining on unlabelled scans, as a generator of Steps."""

from collections.abc import Generator
from pathlib import Path

import torch

from napari_toposeg import __version__
from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.crops import require_whole_patches
from napari_toposeg.learning.dataset import (
    Example,
    median_spacing,
    phantom_cases,
    prepare_image,
    read_images,
)
from napari_toposeg.learning.engine import optimise
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.objectives.masked import MaskedReconstruction
from napari_toposeg.progress import Step
from napari_toposeg.volume import Spacing, Volume


def pretrain(config: PretrainConfig) -> Generator[Step, None, Path]:
    """Pretrain a masked autoencoder.

    Returns
    -------
    Path
        The checkpoint with the least error on hidden voxels.

    Raises
    ------
    InvalidConfig
        If the crop is no multiple of the patch, or no volume is found.
    """
    require_whole_patches(config.crop, config.patch)
    volumes = read_images(config.data)
    spacing = config.spacing or median_spacing(volumes)
    examples = [Example(volume.name, prepare_image(volume, spacing).voxels) for volume in volumes]
    if config.phantoms:
        drawn = phantom_cases(config.phantoms, first_seed=config.seed, spacing=spacing)
        examples += [
            Example(case.name, prepare_image(case.image, spacing).voxels) for case in drawn
        ]
    validation = [
        Example(volume.name, prepare_image(volume, spacing).voxels)
        for volume in validation_volumes(config)
    ]
    card = describe(config, spacing, volumes)
    torch.manual_seed(config.seed)
    network = build(card.network, task="reconstruct")
    task = MaskedReconstruction(network, examples, validation or examples, config, card)
    return (yield from optimise(task, config))


def validation_volumes(config: PretrainConfig) -> list[Volume]:
    """Read the scans that choose the best weights, if any were given."""
    return read_images(config.validation) if config.validation else []


def describe(config: PretrainConfig, spacing: Spacing, volumes: list[Volume]) -> Card:
    """Write the card of a pretrained model."""
    modalities = {volume.modality for volume in volumes}
    recipe = config.model_dump(
        mode="json", exclude={"data", "validation", "output", "resume", "device", "threads"}
    )
    return Card(
        name=config.name or config.output.name,
        task="reconstruct",
        network=NetworkConfig(name=config.network, size=config.size, patch=config.patch),
        crop=config.crop,
        spacing=spacing,
        modality=modalities.pop() if len(modalities) == 1 else "unknown",
        mask_ratio=config.mask_ratio,
        data=f"{len(volumes)} scans and {config.phantoms} synthetic vessel phantoms",
        recipe=recipe,
        made_with=f"napari-toposeg {__version__}",
    )
