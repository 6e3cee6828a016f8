"""Segmentation of files, and what a model's encoder sees in them, as a generator of Steps.

In memory the same is done by `segmentation`, whose names can be had here too.
"""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import PredictConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import list_cases, write_volume
from napari_toposeg.io.channels import read_channels
from napari_toposeg.io.formats import WRITABLE, ending_of, stem_of
from napari_toposeg.io.layouts import CaseFiles
from napari_toposeg.io.layouts.decathlon import grouped
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.devices import choose_threads
from napari_toposeg.learning.features import TABLE, encode_with, write_features, write_table
from napari_toposeg.learning.repairing import ClassChange, Numbers, changes, repaired
from napari_toposeg.learning.segmentation import (
    Segmentation,
    require_agreement,
    segment,
    segment_together,
    segment_with,
    segmentation_on,
)
from napari_toposeg.learning.sweep import Sweep
from napari_toposeg.learning.uncertainty import entropy
from napari_toposeg.progress import Result, Step, retold

__all__ = [
    "Predicted",
    "Segmentation",
    "plan_outputs",
    "predict",
    "segment",
    "segment_with",
    "segmentation_on",
]


@dataclass(frozen=True)
class Predicted:
    """What a prediction of files left.

    Parameters
    ----------
    files
        That were written.
    repairs
        What was changed of each class, by the name of the case's label map; empty where nothing
        was to be repaired.
    """

    files: tuple[Path, ...]
    repairs: Mapping[str, tuple[ClassChange, ...]]


def predict(config: PredictConfig) -> Generator[Step, None, Predicted]:
    """Segment files; each label map is written on its image's own grid, under its name.

    With `features`, what the model's encoder sees is written too, or alone if it does not segment.
    """
    choose_threads(config.threads)
    outputs = plan_outputs(config, load_card(config.model[0]).network.channels)
    models = [load_model(name, config.device) for name in config.model]
    wanted = require_use(config, models)
    began, written = time.perf_counter(), list[Path]()
    pooled: dict[str, NDArray[np.float32]] = {}
    repairs: dict[str, tuple[ClassChange, ...]] = {}
    for number, (case, output) in enumerate(outputs):
        volume, *further = read_channels(case)
        name = name_of(case)
        told = partial(told_of, name=name, number=number, count=len(outputs), began=began)
        if models[0].card.task == "segment":
            segmentation = yield from told(
                segment_together(volume, models, sweep_of(config), further=further)
            )
            if wanted:
                yield Step(1, 1, message=f"{name}: repairing")
                segmentation, repairs[name] = repair_case(segmentation, wanted)
            written += write_segmentation(segmentation, output, config)
        if config.features:
            features = yield from told(encode_with(volume, models[0], further=further))
            written.append(write_features(features, features_path(output)))
            pooled[name] = features.pooled
            # After every image, so that one that is stopped leaves a table of what it did.
            write_table(pooled, config.output / TABLE)
    tables = [config.output / TABLE] if config.features else []
    return Predicted((*written, *tables), repairs)


def require_use(config: PredictConfig, models: list[Model]) -> dict[int, Numbers]:
    """Return the numbers wanted of each class, or raise if the models cannot do what is asked."""
    if config.features and len(models) > 1:
        raise InvalidConfig("--features are those of one model; give one --model")
    if config.repair or not config.features:
        require_agreement(models)
    return config.wanted_of(models[0].card.classes)


def sweep_of(config: PredictConfig) -> Sweep:
    """Return how the networks go over a volume."""
    return Sweep(
        overlap=config.overlap,
        flips=config.flips,
        precision=config.precision,
        batch=config.batch,
        home=config.home,
        air=config.air,
    )


def repair_case(
    segmentation: Segmentation, wanted: Mapping[int, Numbers]
) -> tuple[Segmentation, tuple[ClassChange, ...]]:
    """Repair a segmentation, and say what that did."""
    mended, repairs = repaired(segmentation, wanted)
    return mended, changes(segmentation, repairs, wanted)


def told_of(
    run: Generator[Step, None, Result], *, name: str, number: int, count: int, began: float
) -> Generator[Step, None, Result]:
    """Tell a run over the windows of one image as a part of that over all images."""

    def tell(window: Step) -> Step:
        return Step(
            step=number * window.total + window.step,
            total=count * window.total,
            seconds=time.perf_counter() - began,
            message=f"{name}: {window.message}",
        )

    return (yield from retold(run, tell))


def files_of(place: Path, channels: int) -> list[CaseFiles]:
    """List the cases of a file or folder; those of several channels as the Decathlon has them."""
    files = list_cases(place)
    if channels == 1:
        return [CaseFiles(name, (path,)) for name, path in files.items()]
    cases = grouped(files, ())
    return [CaseFiles(name, paths, framed=len(paths) == 1) for name, paths in cases.items()]


def plan_outputs(config: PredictConfig, channels: int = 1) -> list[tuple[CaseFiles, Path]]:
    """Return where the label map of each image goes.

    Parameters
    ----------
    channels
        How many the model reads.

    Raises
    ------
    InvalidConfig
        If there is no image, two images would share a file, or one would be overwritten.
    """
    cases = [case for place in config.images for case in files_of(place, channels)]
    if not cases:
        raise InvalidConfig("no image was found; give image files or a folder of them")
    if config.features:
        require_free(config.output / TABLE, config.overwrite)
    planned: list[tuple[CaseFiles, Path]] = []
    for case in cases:
        image = case.images[0]
        output = config.output / name_of(case)
        if output.resolve() == image.resolve():
            raise InvalidConfig(
                f"the label map of {image.name} would overwrite the image; give another --output"
            )
        places = [output, *([features_path(output)] if config.features else [])]
        for place in places:
            require_free(place, config.overwrite)
        if stem_of(output) in (stem_of(other) for _, other in planned):
            raise InvalidConfig(
                f"two images would be written as {stem_of(output)}; "
                "name them apart, or give each folder its own --output"
            )
        planned.append((case, output))
    return planned


def require_free(place: Path, overwrite: bool) -> None:
    """Raise InvalidConfig if a file would be replaced that may not be."""
    if place.exists() and not overwrite:
        raise InvalidConfig(
            f"{place} exists already; give another --output, or --overwrite to replace it"
        )


def name_of(case: CaseFiles) -> str:
    """Return the name of a case's label map: that of its image if it can be written so, or NIfTI.

    A DICOM folder is named as its case, which never tells the patient.
    """
    image = case.images[0]
    kept = len(case.images) == 1 and ending_of(image) in WRITABLE
    return image.name if kept else f"{case.name}.nii.gz"


def write_segmentation(segmentation: Segmentation, path: Path, config: PredictConfig) -> list[Path]:
    """Write the label map, and beside it the maps of probability and uncertainty that are wanted.

    Returns
    -------
    list of Path
        The files that were written.
    """
    maps: dict[str, NDArray[np.float32]] = {}
    if config.probability:
        of_classes = zip(segmentation.classes, segmentation.class_probabilities[1:], strict=True)
        maps |= {f"{name}_probability": values for name, values in of_classes}
    if config.uncertainty:
        maps["uncertainty"] = entropy(segmentation.class_probabilities)
        if segmentation.disagreement is not None:
            maps["disagreement"] = segmentation.disagreement
    paths = [write_volume(segmentation.labels, path)]
    for what, values in maps.items():
        place = path.with_name(f"{stem_of(path)}_{what}.nii.gz")
        paths.append(write_volume(segmentation.probability.with_voxels(values), place))
    return paths


def features_path(output: Path) -> Path:
    """Return where the features of an image go, beside its label map."""
    return output.with_name(f"{stem_of(output)}_features.npz")
