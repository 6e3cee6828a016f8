"""Segmentation of whole volumes, in memory or from files, as generators of Steps."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_toposeg.config import PredictConfig
from napari_toposeg.errors import InvalidCheckpoint, InvalidConfig
from napari_toposeg.io import list_cases, read_volume, write_volume
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.dataset import prepare_image
from napari_toposeg.learning.devices import choose_threads, memory_errors_explained
from napari_toposeg.learning.windows import slide, strides
from napari_toposeg.progress import Step
from napari_toposeg.resampling import resample_to
from napari_toposeg.volume import Volume


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
    volume: Volume, model: Model, *, overlap: float = 0.25
) -> Generator[Step, None, Segmentation]:
    """Segment with a model that is loaded already."""
    require_segmenter(model)
    if not 0 <= overlap < 1:
        raise InvalidConfig(f"overlap must be at least 0 and below 1, got {overlap}")
    prepared = prepare_image(volume, model.card.spacing, model.card.intensity)
    with memory_errors_explained():
        image = torch.from_numpy(prepared.voxels).to(model.device)[None, None]
        probabilities = yield from slide(
            image,
            model.card.crop,
            lambda window: model.network(window).softmax(1),
            stride=strides(model.card.crop, overlap),
            message="segmenting",
        )
    return segmentation_on(volume, prepared, probabilities.cpu().numpy(), model.card.classes)


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

    Returns
    -------
    list of Path
        The label maps.
    """
    choose_threads(config.threads)
    outputs = plan_outputs(config)
    model = load_model(config.model, config.device)
    require_segmenter(model)
    began, written = time.perf_counter(), []
    for number, (image, output) in enumerate(outputs.items()):
        run = segment_with(read_volume(image), model, overlap=config.overlap)
        try:
            while True:
                window = next(run)
                yield Step(
                    step=number * window.total + window.step,
                    total=len(outputs) * window.total,
                    seconds=time.perf_counter() - began,
                    message=f"{image.name}: segmenting",
                )
        except StopIteration as finished:
            written += write_segmentation(finished.value, output, config.probability)
    return written


def plan_outputs(config: PredictConfig) -> dict[Path, Path]:
    """Return where the label map of each image goes.

    Raises
    ------
    InvalidConfig
        If there is no image, two images would share a label map, or one would be overwritten.
    """
    images = [path for place in config.images for path in list_cases(place).values()]
    if not images:
        raise InvalidConfig("no image was found; give image files or a folder of them")
    planned: dict[Path, Path] = {}
    for image in images:
        output = output_path(config.output, image)
        if output.resolve() == image.resolve():
            raise InvalidConfig(
                f"the label map of {image.name} would overwrite the image; give another --output"
            )
        if output.exists() and not config.overwrite:
            raise InvalidConfig(
                f"{output} exists already; give another --output, or --overwrite to replace it"
            )
        if output in planned.values():
            raise InvalidConfig(
                f"two images would be written to {output.name}; "
                "name them apart, or give each folder its own --output"
            )
        planned[image] = output
    return planned


def write_segmentation(segmentation: Segmentation, path: Path, probability: bool) -> list[Path]:
    """Write the label map, and beside it one probability map for each class if wanted."""
    paths = [write_volume(segmentation.labels, path)]
    if probability:
        stem = path.name.removesuffix(".gz").removesuffix(
            path.suffix if path.suffix != ".gz" else ".nii"
        )
        for name, values in zip(
            segmentation.classes, segmentation.class_probabilities[1:], strict=True
        ):
            place = path.with_name(f"{stem}_{name}_probability.nii.gz")
            paths.append(write_volume(segmentation.probability.with_voxels(values), place))
    return paths


def output_path(folder: Path, image: Path) -> Path:
    """Return where a label map goes: under the image's name, as NIfTI if that cannot be written."""
    if image.name.lower().endswith((".nii", ".nii.gz", ".nrrd", ".mha")):
        return folder / image.name
    return folder / f"{image.stem}.nii.gz"
