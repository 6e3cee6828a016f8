"""Segmentation of whole volumes, in memory or from files, as generators of Steps.

From files the features of an encoder can be had too.
"""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from napari_toposeg.config import PredictConfig
from napari_toposeg.errors import InvalidCheckpoint, InvalidConfig
from napari_toposeg.io import list_cases, write_volume
from napari_toposeg.io.channels import read_channels
from napari_toposeg.io.formats import WRITABLE, ending_of, stem_of
from napari_toposeg.io.layouts import CaseFiles
from napari_toposeg.io.layouts.decathlon import grouped
from napari_toposeg.learning.cards import load_card, require_channels
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.devices import choose_threads, memory_errors_explained
from napari_toposeg.learning.features import TABLE, encode_with, write_features, write_table
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.windows import slide, strides
from napari_toposeg.progress import Step
from napari_toposeg.resampling import resample_to
from napari_toposeg.volume import Volume

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A segmented volume.

    Parameters
    ----------
    labels
        0 background, 1..K classes, uint8, on the image's own grid.
    probability
        Probability of any class, 1 - P(background), float32.
    class_probabilities
        ``(K + 1, z, y, x)`` float32, background first.
    classes
        Names of the labels 1..K.
    """

    labels: Volume
    probability: Volume
    class_probabilities: NDArray[np.float32]
    classes: tuple[str, ...]


def segment(
    volume: Volume, model: str | Path, *, device: str = "auto", overlap: float = 0.25
) -> Generator[Step, None, Segmentation]:
    """Segment a volume, resampled to the model's spacing and back.

    Parameters
    ----------
    model
        Name, run folder or file of a segmentation model.
    overlap
        Overlap of neighbouring windows, 0 to below 1.
    """
    loaded = load_model(model, device)
    return (yield from segment_with(volume, loaded, overlap=overlap))


def segment_with(
    volume: Volume, model: Model, *, overlap: float = 0.25, further: Sequence[Volume] = ()
) -> Generator[Step, None, Segmentation]:
    """Segment with a model that is loaded already.

    Parameters
    ----------
    further
        The volume's other channels, on its grid.
    """
    require_segmenter(model)
    require_channels(model.card, 1 + len(further))
    if not 0 <= overlap < 1:
        raise InvalidConfig(f"overlap must be at least 0 and below 1, got {overlap}")
    channels = [
        prepare_image(channel, model.card.spacing, model.card.intensity)
        for channel in (volume, *further)
    ]
    with memory_errors_explained():
        whole = np.stack([channel.voxels for channel in channels])
        image = torch.from_numpy(whole).to(model.device)[None]
        probabilities = yield from slide(
            image,
            model.card.crop,
            lambda window: model.network(window).softmax(1),
            stride=strides(model.card.crop, overlap),
            message="segmenting",
        )
    return segmentation_on(volume, channels[0], probabilities.cpu().numpy(), model.card.classes)


def require_segmenter(model: Model) -> None:
    """Raise InvalidCheckpoint unless the model segments."""
    if model.card.task != "segment":
        raise InvalidCheckpoint(
            f"{model.card.name!r} {model.card.does} images and does not segment; "
            "fine-tune it first or pick a segmentation model"
        )


def segmentation_on(
    volume: Volume, prepared: Volume, probabilities: NDArray[np.float32], classes: tuple[str, ...]
) -> Segmentation:
    """Bring class probabilities from the model's grid to the image's, and decide there."""
    on_image = np.stack(
        [
            resample_to(
                prepared.with_voxels(values, modality="probability"),
                volume,
                order=1,
                fill=float(number == 0),
            ).voxels
            for number, values in enumerate(probabilities)
        ]
    )
    labels = on_image.argmax(0).astype(np.uint8)
    foreground = np.clip(1.0 - on_image[0], 0.0, 1.0)
    return Segmentation(
        volume.with_voxels(labels, modality="label", name=f"{volume.name} segmentation"),
        volume.with_voxels(foreground, modality="probability", name=f"{volume.name} probability"),
        on_image,
        classes,
    )


def predict(config: PredictConfig) -> Generator[Step, None, list[Path]]:
    """Segment files; each label map is written on its image's own grid, under its name.

    With `features`, what the model's encoder sees is written too, or alone if it does not segment.

    Returns
    -------
    list of Path
        The files that were written.
    """
    choose_threads(config.threads)
    channels = load_card(config.model).network.channels
    outputs = plan_outputs(config, channels)
    model = load_model(config.model, config.device)
    if not config.features:
        require_segmenter(model)
    began, written = time.perf_counter(), []
    pooled: dict[str, NDArray[np.float32]] = {}
    for number, (case, output) in enumerate(outputs):
        volume, *further = read_channels(case)
        name = name_of(case)
        told = partial(told_of, name=name, number=number, count=len(outputs), began=began)
        if model.card.task == "segment":
            segmentation = yield from told(
                segment_with(volume, model, overlap=config.overlap, further=further)
            )
            written += write_segmentation(segmentation, output, config.probability)
        if config.features:
            features = yield from told(encode_with(volume, model, further=further))
            written.append(write_features(features, features_path(output)))
            pooled[name] = features.pooled
            # After every image, so that one that is stopped leaves a table of what it did.
            write_table(pooled, config.output / TABLE)
    return written + ([config.output / TABLE] if config.features else [])


def told_of(
    run: Generator[Step, None, Result], *, name: str, number: int, count: int, began: float
) -> Generator[Step, None, Result]:
    """Tell a run over the windows of one image as a part of that over all images."""
    while True:
        try:
            window = next(run)
        except StopIteration as finished:
            result: Result = finished.value
            return result
        yield Step(
            step=number * window.total + window.step,
            total=count * window.total,
            seconds=time.perf_counter() - began,
            message=f"{name}: {window.message}",
        )


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


def write_segmentation(segmentation: Segmentation, path: Path, probability: bool) -> list[Path]:
    """Write the label map, and beside it one probability map for each class if wanted."""
    paths = [write_volume(segmentation.labels, path)]
    if probability:
        stem = stem_of(path)
        for name, values in zip(
            segmentation.classes, segmentation.class_probabilities[1:], strict=True
        ):
            place = path.with_name(f"{stem}_{name}_probability.nii.gz")
            paths.append(write_volume(segmentation.probability.with_voxels(values), place))
    return paths


def features_path(output: Path) -> Path:
    """Return where the features of an image go, beside its label map."""
    return output.with_name(f"{stem_of(output)}_features.npz")
