"""Pretraining on unlabelled scans, as a generator of Steps."""

from collections.abc import Generator
from pathlib import Path

import torch

from napari_toposeg import __version__
from napari_toposeg.config import PretrainConfig, Size3
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.crops import require_multiple
from napari_toposeg.learning.dataset import (
    Example,
    median_spacing,
    phantom_cases,
    prepare_image,
    read_images,
)
from napari_toposeg.learning.engine import optimise
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.planning import crop_multiple, plan_crop, plan_network, task_of
from napari_toposeg.learning.pretraining import Pretraining
from napari_toposeg.learning.transfer import start_from
from napari_toposeg.progress import Step
from napari_toposeg.volume import Spacing, Volume


def pretrain(config: PretrainConfig) -> Generator[Step, None, Path]:
    """Pretrain a network.

    Returns
    -------
    Path
        The checkpoint with the best score of the objective on validation crops.

    Raises
    ------
    InvalidConfig
        If the crop does not fit the network, or no volume is found.
    """
    multiple = crop_multiple(plan_network(config))
    if config.crop:
        require_multiple(config.crop, multiple)
    volumes = read_images(config.data)
    spacing = config.spacing or median_spacing(volumes)
    examples = [unlabelled(volume, spacing) for volume in volumes]
    if config.phantoms:
        drawn = phantom_cases(config.phantoms, first_seed=config.seed, spacing=spacing)
        examples += [unlabelled(case.image, spacing, case.name) for case in drawn]
    validation = [unlabelled(volume, spacing) for volume in validation_volumes(config)]
    crop = config.crop or plan_crop([each.image.shape for each in examples], multiple)
    card = describe(config, crop, spacing, volumes)
    torch.manual_seed(config.seed)
    objective = make_objective(config, card.network)
    if config.start:
        start_from(objective.weights(), card, config.start).write(config.output)
    task = Pretraining(objective, examples, validation or examples, config, card)
    return (yield from optimise(task, config))


def unlabelled(volume: Volume, spacing: Spacing, name: str | None = None) -> Example:
    """Bring a scan to the model's grid."""
    image = prepare_image(volume, spacing)
    return Example(name or volume.name, image.voxels, modality=volume.modality)


def validation_volumes(config: PretrainConfig) -> list[Volume]:
    """Read the scans that choose the best weights, if any were given."""
    return read_images(config.validation) if config.validation else []


def describe(config: PretrainConfig, crop: Size3, spacing: Spacing, volumes: list[Volume]) -> Card:
    """Write the card of a pretrained model."""
    modalities = {volume.modality for volume in volumes}
    recipe = config.model_dump(
        mode="json", exclude={"data", "validation", "output", "resume", "device", "threads"}
    )
    return Card(
        name=config.name or config.output.name,
        task=task_of(config.objective),
        network=plan_network(config),
        crop=crop,
        spacing=spacing,
        modality=modalities.pop() if len(modalities) == 1 else "unknown",
        mask_ratio=config.mask_ratio,
        data=f"{len(volumes)} scans and {config.phantoms} synthetic vessel phantoms",
        recipe=recipe,
        made_with=f"napari-toposeg {__version__}",
    )
