"""Fine-tuning a segmentation model on few labelled volumes or slices, as a generator of Steps."""

import copy
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from napari_toposeg import __version__
from napari_toposeg.config import FinetuneConfig, Size3
from napari_toposeg.errors import InvalidConfig, OutOfMemory
from napari_toposeg.io.store import is_store
from napari_toposeg.learning.auto_plan import (
    crop_for,
    network_for,
    plan_length,
    reasons_of_grid,
    settled_before,
)
from napari_toposeg.learning.budget import Budget, steps_within
from napari_toposeg.learning.cards import Card, load_card
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.class_weights import voxel_counts, weights_of
from napari_toposeg.learning.crops import require_multiple
from napari_toposeg.learning.engine import optimise
from napari_toposeg.learning.finetuning import Segmentation
from napari_toposeg.learning.labelled import LabelledData, prepare_labelled
from napari_toposeg.learning.labelled_files import (
    read_labelled_dataset,
    read_labelled_folders,
    read_labelled_store,
)
from napari_toposeg.learning.layer_rates import freeze_encoder
from napari_toposeg.learning.networks import build_dense
from napari_toposeg.learning.networks.encoder import EncoderDecoder
from napari_toposeg.learning.notes import (
    notes_on_classes,
    notes_on_devices,
    notes_on_patience,
    notes_on_unlabelled,
)
from napari_toposeg.learning.plan import TEACHING, TOPOLOGY, plan_finetuning
from napari_toposeg.learning.planning import (
    least_multiples,
    plan_scales,
    plan_teacher,
    rate_of,
    smaller,
)
from napari_toposeg.learning.run_folder import require_free
from napari_toposeg.learning.transfer import start_from
from napari_toposeg.learning.units import units_of
from napari_toposeg.progress import Step


def finetune(
    config: FinetuneConfig, cases: Sequence[Case] | None = None
) -> Generator[Step, None, Path]:
    """Train a segmentation model.

    Parameters
    ----------
    cases
        Labelled volumes in memory, such as slices annotated in the viewer; where None, they are
        read from the folders of the config, or drawn as phantoms.

    Returns
    -------
    Path
        The checkpoint with the highest mean Dice on the validation cases; without such, the last.

    Raises
    ------
    InvalidConfig
        If nothing is labelled, or the labels cannot be class numbers.
    """
    began = time.perf_counter()
    require_free(config)
    config = settled_before(config)
    data = read_data(config, cases)
    config = plan_teacher(config, start_task(config), sliced=data.sliced_axis is not None)
    crop = config.crop or crop_for(network_for(config, data), data, config.device)
    reasons = reasons_of_grid(config, data.spacing, crop)
    config, more = plan_length(config, data.training, crop)
    card = describe(config, data, crop)
    config = planned(config, card, data)
    torch.manual_seed(config.seed)
    network = build_dense(card.network, outputs=data.classes + 1)
    require_multiple(card.crop, network.encoder.multiple)
    segments_already = False
    if config.checkpoint != "none":
        found = start_from(network.state_dict(), card, config.checkpoint)
        found.write(config.output)
        segments_already = not found.fresh and not found.left
    if config.freeze and config.thaw == 1:
        freeze_encoder(network)
    try:
        if config.minutes:
            budget = Budget(60 * config.minutes, began)
            # Given away: its network must not stay in memory beside the one that is trained.
            config = yield from steps_within(
                task_of(copy.deepcopy(network), data, config, card), config, budget
            )
            card = card.model_copy(update={"recipe": card.recipe | length_of(config)})
            more = (*more, f"{config.steps} steps were planned to fit into {budget}")
        yield plan_step(config, card, data, (*reasons, *more))
        task = task_of(network, data, config, card, judged_first=segments_already)
        return (yield from optimise(task, config))
    except OutOfMemory as error:
        less = smaller(config, card.crop, network.encoder.multiple, least_multiples(card.network))
        raise OutOfMemory(str(error), less) from error


def plan_step(
    config: FinetuneConfig, card: Card, data: LabelledData, reasons: tuple[str, ...]
) -> Step:
    """Return the Step that tells the plan."""
    modalities = {each.modality for each in data.training}
    return Step(
        step=0,
        total=config.steps,
        message="planned",
        plan=plan_finetuning(config, card.intensity, modalities),
        notes=notes_on_devices(config)
        + notes_on_patience(config, len(data.validation))
        + notes_on_unlabelled(config.unlabelled, len(data.unlabelled))
        + notes_on_classes(card.classes, voxel_counts(data.training, data.classes)[1:].tolist())
        + reasons,
    )


def task_of(
    network: EncoderDecoder,
    data: LabelledData,
    config: FinetuneConfig,
    card: Card,
    *,
    judged_first: bool = False,
) -> Segmentation:
    """Return the task of a network."""
    return Segmentation(
        network,
        data.training,
        data.validation,
        config,
        card,
        judged_first=judged_first,
        unlabelled=data.unlabelled,
    )


def length_of(config: FinetuneConfig) -> dict[str, int]:
    """Return how long a run is, as a card tells it."""
    return {"steps": config.steps, "every": config.every}


def start_task(config: FinetuneConfig) -> str | None:
    """Return what the model does that a run starts from; None: it starts from scratch."""
    return None if config.checkpoint == "none" else load_card(config.checkpoint).task


def read_data(config: FinetuneConfig, cases: Sequence[Case] | None) -> LabelledData:
    """Read the labelled cases, on one grid, and count a class that is asked for but not in them.

    So models from few labels have the classes of one from many, and can be compared with it.
    """
    data = read_anywhere(config, cases)
    return replace(data, classes=max(data.classes, len(config.classes or ())))


def read_anywhere(config: FinetuneConfig, cases: Sequence[Case] | None) -> LabelledData:
    """Read the labelled cases from memory, folders, a store or a public dataset."""
    start = None if config.checkpoint == "none" else load_card(config.checkpoint)
    intensity = config.intensity or (start.intensity if start else None)
    if cases is not None:
        return prepare_labelled(config, cases, intensity)
    if config.data is None:
        return read_labelled_folders(config, intensity)
    if is_store(config.data):
        return read_labelled_store(config, intensity)
    return read_labelled_dataset(config, intensity)


def planned(config: FinetuneConfig, card: Card, data: LabelledData) -> FinetuneConfig:
    """Return the settings with all that was left open filled in, so that they repeat the run."""
    network = card.network
    weights = weights_of(config, data.training, data.classes)
    settled = {
        "name": card.name,
        "classes": card.classes,
        "network": network.name,
        "size": network.size,
        "patch": network.patch,
        "scales": network.scales,
        "crop": card.crop,
        "spacing": card.spacing,
        "learning_rate": card.recipe["learning_rate"],
        "class_weights": tuple(f"{weight:g}" for weight in weights) or ("equal",),
        # What is no window is the checkpoint's, from which a repeated run takes it again.
        "intensity": card.intensity if isinstance(card.intensity, tuple) else None,
    }
    return config.model_copy(update=settled)


def class_names(config: FinetuneConfig, data: LabelledData) -> tuple[str, ...]:
    """Return the names of the labels 1, 2, ....

    Raises
    ------
    InvalidConfig
        If a class lacks its name, or Betti numbers are wanted of one that there is not.
    """
    count = data.classes
    numbered = tuple(f"class {number}" for number in range(1, count + 1))
    names = config.classes or data.names[:count] or names_of_start(config, count) or numbered
    if len(names) < count:
        raise InvalidConfig(
            f"the labels hold {count} classes and {len(names)} names were given; name every class"
        )
    if unknown := [number for number in config.wanted_by_class if not 0 < number <= count]:
        raise InvalidConfig(
            f"wanted: Betti numbers are given for class {unknown[0]}, and the classes are 1 to "
            f"{count}; the first of each four is the class"
        )
    return names


def names_of_start(config: FinetuneConfig, count: int) -> tuple[str, ...]:
    """Return the classes of the model that a run starts from, if it tells as many apart.

    Named otherwise they would be others, and what it knows of them would be left.
    """
    known = () if config.checkpoint == "none" else load_card(config.checkpoint).classes or ()
    return known if len(known) == count else ()


def describe(config: FinetuneConfig, data: LabelledData, crop: Size3) -> Card:
    """Write the card of a segmentation model."""
    start = None if config.checkpoint == "none" else load_card(config.checkpoint)
    network = network_for(config, data)
    if start is None:
        network = plan_scales(network, crop)
        centre, spread = units_of(data.training, crop)
        network = network.model_copy(update={"centre": centre, "spread": spread})
    modalities = {example.modality for example in data.training}
    rate = config.learning_rate or rate_of(
        network, start.task if start else None, taught=bool(config.teacher_weight)
    )
    recipe = config.model_dump(
        mode="json",
        include={
            "loss",
            *({"class_weights"} if config.class_weights != ("equal",) else ()),
            *(TOPOLOGY if config.all_terms else ()),
            *({"terms"} if config.terms else ()),
            *({"betti_weight", "wanted"} if config.betti_weight else ()),
            *({"average"} if config.average else ()),
            *(TEACHING - {"unlabelled_ids"} if config.teacher_weight else ()),
            "flips",
            "augmentation",
            "phantoms",
            "steps",
            "batch",
            "seed",
            "every",
            "precision",
        },
    )
    return Card(
        name=config.name or config.output.name,
        task="segment",
        network=network,
        crop=crop,
        spacing=data.spacing,
        modality=modalities.pop() if len(modalities) == 1 else "unknown",
        intensity=data.intensity,
        classes=class_names(config, data),
        data=f"{len(data.training)} labelled volume(s)",
        recipe=recipe | {"learning_rate": rate, "started_from": start.name if start else "none"},
        made_with=f"napari-toposeg {__version__}",
    )
