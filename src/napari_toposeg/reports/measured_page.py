"""The page of a measurement: means, tests between models, worst cases in pictures, all cases."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from napari_toposeg import io
from napari_toposeg.config import MeasureConfig
from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.metrics import Measured, metric_named
from napari_toposeg.metrics.models import name_models
from napari_toposeg.reports.differing import Disagreement
from napari_toposeg.reports.disagreements import (
    MOST_ERRORS,
    plot_disagreement,
    plot_errors,
)
from napari_toposeg.reports.measured_tables import (
    calibration_tables,
    means_tables,
    paired_tables,
    reading,
)
from napari_toposeg.reports.page import Report, Section, Table, write_page

TOPOLOGICAL = ("betti_matching_error", "betti_error_0")
"""Metrics by which the topologically worst case is found: the first that was measured."""


class Worst(NamedTuple):
    """A case to be shown, the model that it is worst of, and by which metric and value."""

    case: str
    model: str
    metric: str
    value: float


def write_measured_page(path: Path, measured: Measured, config: MeasureConfig) -> None:
    """Write the page of a measurement, pictures inside it.

    Raises
    ------
    UnreadableFile
        If the images of the config cannot be read.
    ShapeMismatch
        If an image does not lie on the grid of its label map.
    """
    with tempfile.TemporaryDirectory() as folder:
        several = len(measured.tables) > 1
        sections = [
            Section(
                "Means over cases",
                (". ".join(reading(measured)) + ".",),
                tables=tuple(means_tables(measured)),
            ),
            *tests_sections(measured),
            *calibration_sections(measured),
            *worst_sections(measured, config, Path(folder)),
            Section("Cases", tables=(cases_table(measured),)),
        ]
        title = "Models against the truth" if several else "Label maps against the truth"
        write_page(path, Report(title, ", ".join(measured.tables), sections=tuple(sections)))


def tests_sections(measured: Measured) -> Iterator[Section]:
    """Yield the tests between models: of means over classes, and of each class."""
    if len(measured.tables) < 2:
        return
    tables = paired_tables(measured.tests())
    yield Section("Models against each other", tables=tuple(tables))
    if len(measured.classes) > 1:
        by_class = [
            table
            for name in measured.classes
            for table in paired_tables(measured.tests(name), name)
        ]
        yield Section("Models against each other, by class", tables=tuple(by_class))


def calibration_sections(measured: Measured) -> Iterator[Section]:
    """Yield what the probabilities are worth."""
    if measured.calibration:
        yield Section("Calibration", tables=tuple(calibration_tables(measured)))


def cases_table(measured: Measured) -> Table:
    """List every model, case and class."""
    metrics = measured.first.metrics
    rows = [
        (name, row["case"], row["class"], *(row[metric.name] for metric in metrics))
        for name, table in measured.tables.items()
        for row in table.rows
    ]
    columns = ("model", "case", "class", *(metric.heading for metric in metrics))
    if len(measured.tables) == 1:
        columns, rows = columns[1:], [row[1:] for row in rows]
    return Table(columns, rows)


def worst_cases(measured: Measured, count: int) -> list[Worst]:
    """Return the cases to show: by turns the worst of the first metric and of topology."""
    names = [metric.name for metric in measured.first.metrics]
    chosen = [names[0], *[name for name in TOPOLOGICAL if name in names][:1]]
    queues = [ranked(measured, name) for name in dict.fromkeys(chosen)]
    found: dict[str, Worst] = {}
    for place in range(max(map(len, queues))):
        for queue in queues:
            if place < len(queue) and len(found) < count:
                found.setdefault(queue[place].case, queue[place])
    return list(found.values())


def ranked(measured: Measured, metric: str) -> list[Worst]:
    """Return the cases from the worst on by their mean over classes, each of its worst model.

    A case without an error of topology is not among the worst of topology.
    """
    sign = 1 if metric_named(metric).higher_is_better else -1
    rows = [
        Worst(row["case"], name, metric, row[metric])
        for name, table in measured.tables.items()
        for row in table.case_rows()
        if sign > 0 or row[metric] > 0
    ]
    rows.sort(key=lambda worst: sign * worst.value)
    found: dict[str, Worst] = {}
    for worst in rows:
        found.setdefault(worst.case, worst)
    return list(found.values())


def worst_sections(measured: Measured, config: MeasureConfig, folder: Path) -> Iterator[Section]:
    """Yield the worst cases in pictures."""
    models = {name: io.list_cases(path) for name, path in name_models(config.prediction).items()}
    truths = io.list_cases(config.truth)
    images = {} if config.images is None else io.list_cases(config.images)
    for number, worst in enumerate(worst_cases(measured, config.worst)):
        case = read_disagreement(worst.case, models, truths, images, config.classes)
        heading = metric_named(worst.metric).heading
        of = f" of {worst.model}" if len(models) > 1 else ""
        picture = plot_disagreement(case, folder / f"{number}.png")
        yield Section(
            f"Case {worst.case}: {heading} {worst.value:.3g}{of}",
            picture=picture,
            caption="On each axis the slice on which most voxels are wrong; marks ring errors "
            "that change a Betti number.",
        )
        count = len(case.errors[worst.model])
        if count:
            yield Section(
                f"Case {worst.case}{of}: errors of topology",
                picture=plot_errors(case, worst.model, folder / f"{number}-errors.png"),
                caption=f"{min(count, MOST_ERRORS)} of {count} errors that change a Betti number, "
                "of each class the largest first.",
            )


def read_disagreement(
    case: str,
    models: Mapping[str, Mapping[str, Path]],
    truths: Mapping[str, Path],
    images: Mapping[str, Path],
    classes: Sequence[str],
) -> Disagreement:
    """Read a case, its predictions and, where there is one, its image."""
    truth = io.read_volume(truths[case], modality="label")
    predictions = {
        name: np.asarray(io.read_volume(files[case], modality="label").voxels)
        for name, files in models.items()
        if case in files
    }
    image = io.read_volume(images[case]) if case in images else None
    if image is not None and image.shape != truth.shape:
        raise ShapeMismatch(
            f"image {image.name} has {image.shape} voxels and truth {truth.name} {truth.shape}; "
            "give images on the grid of their label maps, or none"
        )
    return Disagreement(truth, predictions, image, names_of(truth.voxels, predictions, classes))


def names_of(
    truth: Any, predictions: Mapping[str, Any], classes: Sequence[str]
) -> Mapping[int, str]:
    """Return label -> name of the classes that occur, or of all that are named."""
    if classes:
        return dict(enumerate(classes, start=1))
    present = {
        int(label) for labels in (truth, *predictions.values()) for label in np.unique(labels)
    }
    return {label: f"class {label}" for label in sorted(present - {0})}
