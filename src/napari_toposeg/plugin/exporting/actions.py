"""Exports, as functions that a notebook can call on layers."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Layer

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.io.dicom_seg import write_dicom_seg
from napari_toposeg.io.segments import MadeBy
from napari_toposeg.metrics import ClassTopology, class_topology
from napari_toposeg.plugin.canvas.label_values import classes_of
from napari_toposeg.plugin.canvas.layers import class_names, layer_to_volume
from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.canvas.sources import model_of
from napari_toposeg.plugin.loading import seconds_of
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow, wait_for
from napari_toposeg.progress import Run, finish
from napari_toposeg.volume import Volume

MOST_CLASSES = 255
"""A label map of more values holds no classes but counts or ids."""


def export_dicom_seg(
    layer: Layer,
    source: str | Path,
    path: str | Path,
    *,
    like: Layer | None = None,
    series: str | None = None,
    frame: int | None = None,
    classes: Mapping[int, str] | None = None,
    algorithm: str | None = None,
    anonymous: bool = True,
) -> Path:
    """Write a Labels layer as a DICOM segmentation of the series that it was made on.

    Parameters
    ----------
    layer
        Labels on the grid of the series, or of a part of it.
    source
        Folder of the DICOM series; ``series`` and ``frame`` choose from it.
    like
        Layer whose geometry labels without one of their own take.
    classes
        Names of the labels; by default those that the layer knows.
    algorithm
        What made the labels, empty for a person; by default the model that the layer remembers.
    anonymous
        Leave name, identifiers and dates of the patient and the study blank.

    Raises
    ------
    ToposegError
        As `napari_toposeg.io.dicom_seg.write_dicom_seg`.
    """
    return finish(
        seg_run(
            layer_to_volume(layer, like=like),
            source,
            path,
            classes=class_names(layer) if classes is None else classes,
            algorithm=model_of(layer) if algorithm is None else algorithm,
            series=series,
            frame=frame,
            anonymous=anonymous,
        )
    )


def seg_run(
    labels: Volume, source: str | Path, path: str | Path, *, algorithm: str = "", **how: Any
) -> Run[Path]:
    """Write a DICOM segmentation in the background; see `export_dicom_seg`."""
    labels = yield from load_run(labels)
    write = partial(write_dicom_seg, labels, source, path, made_by=MadeBy(algorithm), **how)
    message = tr("Writing DICOM-SEG")
    return (yield from follow(lambda report: write(report=report), message))


def measure_classes(layer: Layer) -> tuple[ClassTopology, ...]:
    """Count volume and Betti numbers of each class of a Labels layer, and wait."""
    return finish(classes_run(layer_to_volume(layer), class_names(layer)))


def classes_run(labels: Volume, names: Mapping[int, str]) -> Run[tuple[ClassTopology, ...]]:
    """Count volume and Betti numbers of each class in the background.

    Raises
    ------
    InvalidVolume
        If there are no classes, or too many.
    """
    labels = yield from load_run(labels)
    present = yield from wait_for(
        partial(classes_of, labels.voxels), tr("Listing the classes"), seconds=seconds_of(labels)
    )
    if not 0 < len(present) <= MOST_CLASSES:
        raise InvalidVolume(
            f"a table of classes is of 1 to {MOST_CLASSES} labels, and there are {len(present)}; "
            "choose a label map of classes"
        )
    table = []
    for label in present:
        name = names.get(label, f"label {label}")
        count: Any = partial(class_topology, labels, label, name)
        message = tr("Counting the topology of {name}").format(name=name)
        table.append((yield from wait_for(count, message, seconds=seconds_of(labels))))
    return tuple(table)
