"""Pretraining on unlabelled scans, as a generator of Steps."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from napari_toposeg import __version__
from napari_toposeg.config import PretrainConfig, Size3, Window
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.cases import Case, read_names
from napari_toposeg.learning.cohort import Cohort, read_cohort
from napari_toposeg.learning.crops import require_multiple
from napari_toposeg.learning.devices import decompressing_threads
from napari_toposeg.learning.engine import optimise
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.notes import notes_on_devices, notes_on_labels, notes_on_padding
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.phantom_cases import PHANTOM_SPACING, phantom_cases
from napari_toposeg.learning.plan import plan_pretraining
from napari_toposeg.learning.planning import (
    crop_multiple,
    plan_crop,
    plan_network,
    plan_scales,
    planned,
    task_of,
    with_scales_of_start,
)
from napari_toposeg.learning.pretraining import Pretraining
from napari_toposeg.learning.run_folder import require_free
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.transfer import start_pretraining
from napari_toposeg.learning.units import choose_units
from napari_toposeg.progress import Step
from napari_toposeg.volume import Spacing


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
    prepared = prepare(config)
    yield prepared.step()
    return (yield from optimise(prepared.task, prepared.config))


@dataclass(frozen=True)
class Prepared:
    """A run that can begin: its task, and its settings with all that was left open filled in.

    Parameters
    ----------
    modalities
        Kinds of scans in the data.
    notes
        What a user should know before.
    """

    task: Pretraining
    config: PretrainConfig
    modalities: frozenset[str]
    notes: tuple[str, ...]

    def step(self) -> Step:
        """Tell the plan."""
        plan = plan_pretraining(self.config, self.modalities)
        total = self.config.steps
        return Step(step=0, total=total, message="planned", plan=plan, notes=self.notes)


def prepare(config: PretrainConfig) -> Prepared:
    """Read the data, plan what the settings leave open, and make what is to be trained."""
    require_free(config)
    config = with_scales_of_start(config)
    network = plan_network(config)
    if config.crop:
        network = plan_scales(network, config.crop)
        require_multiple(config.crop, crop_multiple(network))
    multiple = crop_multiple(network)
    training, validation = read_data(config)
    shapes = [each.grid for each in training.examples]
    square = config.objective == "swin-ssl"
    crop = config.crop or plan_crop(shapes, multiple, square=square)
    chosen = choose_units(config, training.examples, crop)
    settled = {"units": chosen.units, "intensity": training.intensity}
    config = planned(config.model_copy(update=settled), crop, training.spacing)
    card = describe(config, crop, training)
    torch.manual_seed(config.seed)
    objective = make_objective(config, card.network)
    if config.start:
        weights = objective.weights()
        start_pretraining(objective.network, weights, card, config.start).write(config.output)
    examples = training.examples
    task = Pretraining(objective, examples, validation or examples, config, card)
    notes = (
        *notes_on_devices(config),
        *notes_on_labels(training.few_values, len(examples)),
        *notes_on_padding(shapes, crop, multiple),
        *chosen.notes,
    )
    return Prepared(task, config, frozenset(each.modality for each in examples), notes)


def read_data(config: PretrainConfig) -> tuple[Cohort, list[Example]]:
    """Read the scans to learn from, phantoms among them, and those that choose the best weights."""
    read = partial(read_cohort, threads=decompressing_threads(config.device))
    cohort = Cohort([], config.spacing or PHANTOM_SPACING, config.intensity)
    if config.data:
        names = read_names(config.ids)
        cohort = read(config.data, config.spacing, intensity=config.intensity, names=names)
    kept: list[Example] = []
    if config.validation:
        held_out = read(config.validation, cohort.spacing, intensity=cohort.intensity)
        kept = held_out.examples
        cohort = replace(cohort, few_values=cohort.few_values + held_out.few_values)
    elif config.validation_share:
        chance = random_of(config.seed, 0, 0, Purpose.DIVIDE)
        cohort, held_out = cohort.divided(config.validation_share, chance)
        kept = held_out.examples
    drawn = phantom_cases(config.phantoms, first_seed=config.seed, spacing=cohort.spacing)
    phantoms = [phantom_example(case, cohort.spacing, cohort.intensity) for case in drawn]
    return replace(cohort, examples=[*cohort.examples, *phantoms]), kept


def phantom_example(case: Case, spacing: Spacing, intensity: Window | None) -> Example:
    """Bring a phantom to the grid, without its labels."""
    image = prepare_image(case.image, spacing, intensity)
    return Example(case.name, image.voxels, modality=case.image.modality)


def describe(config: PretrainConfig, crop: Size3, training: Cohort) -> Card:
    """Write the card of a pretrained model."""
    scans = training.examples[: len(training.examples) - config.phantoms]
    modalities = {example.modality for example in scans or training.examples}
    recipe = config.model_dump(
        mode="json", exclude={"data", "ids", "validation", "output", "resume", "device", "threads"}
    )
    return Card(
        name=config.name or config.output.name,
        task=task_of(config.objective),
        network=plan_scales(plan_network(config), crop),
        crop=crop,
        spacing=training.spacing,
        modality=modalities.pop() if len(modalities) == 1 else "unknown",
        intensity=training.intensity,
        mask_ratio=config.mask_ratio,
        data=f"{len(scans)} scans and {config.phantoms} synthetic vessel phantoms",
        recipe=recipe,
        made_with=f"napari-toposeg {__version__}",
    )
