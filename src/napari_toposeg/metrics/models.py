"""Several models, or one, measured on the same truth, with the tests between them.

The one idea: a folder of label maps is a model, named by its folder, and models are tested on the
cases that all of them have.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from napari_toposeg.config import MeasureConfig, write_atomically
from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.metrics.calibrated import Calibration, calibrate_folders
from napari_toposeg.metrics.catalogue import Metric
from napari_toposeg.metrics.folders import classes_of, measure_folders
from napari_toposeg.metrics.paired import PairedTest, paired_tests
from napari_toposeg.metrics.tables import MEAN, MeasureTable, Row, finite


@dataclass(frozen=True)
class Measured:
    """What was measured of one or more models.

    Parameters
    ----------
    tables
        By the name of the model; at least one.
    calibration
        By the name of the model; empty where no probabilities were given.
    """

    tables: Mapping[str, MeasureTable]
    calibration: Mapping[str, Calibration] = field(default_factory=dict)

    @property
    def first(self) -> MeasureTable:
        """The table of the first model: what was measured is the same for all."""
        return next(iter(self.tables.values()))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of all models, in order of appearance."""
        named = (name for table in self.tables.values() for name in table.classes)
        return tuple(dict.fromkeys(named))

    def tests(self, of: str = MEAN) -> dict[str, list[PairedTest]]:
        """Return metric -> tests between all pairs of models; nothing of one model alone.

        Parameters
        ----------
        of
            A class, or `MEAN`: each case's mean over its classes.
        """
        rows = {name: by_case(table, of) for name, table in self.tables.items()}
        common = [
            case for case in next(iter(rows.values())) if all(case in r for r in rows.values())
        ]
        return {
            metric.name: paired_tests(
                {name: [row[case][metric.name] for case in common] for name, row in rows.items()},
                higher_is_better=metric.higher_is_better,
                seed=self.first.seed,
            )
            for metric in metrics_of_rows(self.first, of)
            if len(rows) > 1
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data: of one model its table, of several each and the tests.

        Values that are not finite become None.
        """
        models = {
            name: table.to_dict() | finite(self._calibration_of(name))
            for name, table in self.tables.items()
        }
        if len(models) == 1:
            return dict(*models.values())
        tests = {of: tests_as_rows(self.tests(of)) for of in (MEAN, *self.classes)}
        return {"models": models, "paired": finite(tests)}

    def _calibration_of(self, name: str) -> dict[str, Any]:
        found = self.calibration.get(name)
        return {} if found is None else {"calibration": found.to_dict()}

    def to_json(self, path: Path | str) -> None:
        """Write `to_dict` as JSON."""
        write_atomically(Path(path), json.dumps(self.to_dict(), indent=2).encode())

    def to_csv(self, path: Path | str) -> None:
        """Write one row for each model, case and class, and one for each case as a whole.

        The class of the latter is `MEAN`; ``exact`` is empty in the others. Infinite distances are
        written as ``inf``.
        """
        names = [metric.name for metric in self.first.case_metrics]
        text = StringIO(newline="")
        writer = csv.DictWriter(text, ["model", "case", "class", *names], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows())
        write_atomically(Path(path), text.getvalue().encode())

    def _rows(self) -> Iterator[Row]:
        for name, table in self.tables.items():
            yield from ({"model": name, **row} for row in table.rows)
            yield from ({"model": name, "class": MEAN, **row} for row in table.case_rows())


def by_case(table: MeasureTable, of: str) -> dict[str, Row]:
    """Return case -> the row of a class, or of the mean over classes."""
    rows = table.case_rows() if of == MEAN else [row for row in table.rows if row["class"] == of]
    return {row["case"]: row for row in rows}


def metrics_of_rows(table: MeasureTable, of: str) -> tuple[Metric, ...]:
    """Return the metrics that rows of a class, or of whole cases, have."""
    return table.case_metrics if of == MEAN else table.metrics


def tests_as_rows(tests: Mapping[str, Sequence[PairedTest]]) -> list[dict[str, Any]]:
    """Return tests as plain rows."""
    return [
        {"metric": metric, **vars(test), "better": test.better}
        for metric, of_metric in tests.items()
        for test in of_metric
    ]


def measure(config: MeasureConfig) -> Measured:
    """Measure every model of a config.

    Raises
    ------
    UnreadableFile
        If a path holds no volume, or no case has both a prediction and a truth.
    ShapeMismatch
        If the two maps of a case do not share a grid.
    InvalidVolume
        If a file is no label map, or holds other than probabilities; or if no map has a label and
        no class is named.
    InvalidConfig
        If a folder or a class is given twice, or folders of probabilities are not one for each
        prediction.
    """
    models = name_models(config.prediction)
    if config.probabilities and len(config.probabilities) != len(models):
        raise InvalidConfig(
            f"{len(config.probabilities)} folders of probabilities for {len(models)} predictions; "
            "give one for each, in the same order"
        )
    tables = {
        name: measure_folders(
            folder,
            config.truth,
            config.classes or None,
            tolerance=config.tolerance,
            parts=config.metrics,
            seed=config.seed,
        )
        for name, folder in models.items()
    }
    if not config.classes:
        tables = with_common_classes(tables)
    calibration = {
        name: calibrate_folders(folder, config.truth, config.classes or None, seed=config.seed)
        for name, folder in zip(models, config.probabilities, strict=False)
    }
    return Measured(tables, calibration)


def with_common_classes(tables: Mapping[str, MeasureTable]) -> dict[str, MeasureTable]:
    """Return the tables with a row for each case and each class that occurs in any of them.

    Raises
    ------
    InvalidVolume
        If no class occurs.
    """
    classes = classes_of(tables.values())
    if not classes:
        raise InvalidVolume(
            "no class is in any prediction or truth: all labels are 0; check the folders, or name "
            "the classes to count cases without them as right (--classes)"
        )
    return {name: table.completed(classes) for name, table in tables.items()}


def name_models(folders: Sequence[Path]) -> dict[str, Path]:
    """Name each folder by as many of its last parts as tell it from the others.

    Raises
    ------
    InvalidConfig
        If a folder is given twice.
    """
    places = [folder.resolve() for folder in folders]
    if len(set(places)) < len(places):
        raise InvalidConfig("a folder of predictions is given twice; name each model once")
    depth = 1
    while len({place.parts[-depth:] for place in places}) < len(places):
        depth += 1
    return {
        "/".join(place.parts[-depth:]): path for place, path in zip(places, folders, strict=True)
    }
