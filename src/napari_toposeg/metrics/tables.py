"""Tables of metrics over cases and classes, with bootstrap intervals.

The one idea: the case is the unit of chance. A mean over cases comes with the interval in which 95
% of the means of resampled cases lie; classes of one case are never resampled apart.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_toposeg import io
from napari_toposeg.config import write_atomically
from napari_toposeg.errors import ShapeMismatch, UnreadableFile
from napari_toposeg.metrics.cases import TOLERANCE, measure_case
from napari_toposeg.metrics.catalogue import METRICS
from napari_toposeg.metrics.intervals import RESAMPLES, mean_with_interval
from napari_toposeg.topology.grid import foreground_connectivity

MEAN = "mean"
"""Name of the summary over classes: of each case's mean over its classes."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class MeasureTable:
    """Metrics of several cases.

    Parameters
    ----------
    rows
        One for each case and class: ``"case"``, ``"class"`` and every metric of `METRICS`. A class
        that is neither in the prediction nor in the truth of a case has no row.
    tolerance
        Of the surface Dice, in mm.
    connectivity
        Of the foreground, for the Betti numbers.
    only_prediction, only_truth
        Names of the cases that have no partner and were not measured.
    seed
        Of the bootstrap.
    """

    rows: tuple[Row, ...]
    tolerance: float = TOLERANCE
    connectivity: int = foreground_connectivity(3, None)
    only_prediction: tuple[str, ...] = ()
    only_truth: tuple[str, ...] = ()
    seed: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order of appearance."""
        return tuple(dict.fromkeys(str(row["class"]) for row in self.rows))

    def summary(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return class -> metric -> mean over cases with its 95 % bootstrap interval.

        Returns
        -------
        dict
            Keys of the innermost: ``mean``, ``low``, ``high``, ``cases`` that count, ``infinite``
            cases that do not (HD95 where one mask is empty). The interval is NaN with fewer than
            two cases. The class `MEAN` is the mean over the classes of each case.
        """
        summaries = {
            name: self._summarise([row for row in self.rows if row["class"] == name])
            for name in self.classes
        }
        if len(self.classes) > 1:
            summaries[MEAN] = self._summarise(mean_over_classes(self.rows))
        return summaries

    def _summarise(self, rows: Sequence[Row]) -> dict[str, dict[str, float]]:
        return {
            metric: mean_with_interval(np.array([row[metric] for row in rows]), self.seed)
            for metric in METRICS
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers and strings; values that are not finite become None."""
        table: dict[str, Any] = finite(
            {
                "tolerance_mm": self.tolerance,
                "connectivity": self.connectivity,
                "rows": self.rows,
                "summary": self.summary(),
                "only_prediction": self.only_prediction,
                "only_truth": self.only_truth,
                "bootstrap": {"resamples": RESAMPLES, "seed": self.seed, "interval": 0.95},
            }
        )
        return table

    def to_json(self, path: Path | str) -> None:
        """Write `to_dict` as JSON."""
        write_atomically(Path(path), json.dumps(self.to_dict(), indent=2).encode())


def measure_folders(
    prediction: Path | str,
    truth: Path | str,
    classes: Sequence[str] | None = None,
    *,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> MeasureTable:
    """Measure every case that has both a predicted and a true label map of one name.

    Parameters
    ----------
    prediction, truth
        Folders of label maps (or one file each), matched by file name without its ending.
    classes
        Names of the labels 1, 2, ...; by default their numbers.
    tolerance
        Of the surface Dice, in mm.
    seed
        Of the bootstrap.

    Raises
    ------
    UnreadableFile
        If a path holds no volume, or no name occurs in both folders.
    ShapeMismatch
        If the two maps of a case do not share a grid.
    InvalidVolume
        If a file is no label map.
    """
    predictions, truths = io.list_cases(Path(prediction)), io.list_cases(Path(truth))
    names = [name for name in truths if name in predictions]
    if not names:
        raise UnreadableFile(
            f"no file name occurs in both folders: {prediction} has {listed(predictions)} and "
            f"{truth} has {listed(truths)}; give prediction and truth of a case the same name"
        )
    rows: list[Row] = []
    for name in names:
        for label, metrics in measure_files(
            name, predictions[name], truths[name], classes, tolerance
        ).items():
            rows.append({"case": name, "class": label} | metrics)
    return MeasureTable(
        tuple(rows),
        tolerance=tolerance,
        only_prediction=tuple(name for name in predictions if name not in truths),
        only_truth=tuple(name for name in truths if name not in predictions),
        seed=seed,
    )


def measure_files(
    name: str, prediction: Path, truth: Path, classes: Sequence[str] | None, tolerance: float
) -> dict[str, dict[str, float]]:
    """Read and measure one case; its name is said where its grids differ."""
    found = io.read_volume(prediction, modality="label")
    true = io.read_volume(truth, modality="label")
    try:
        return measure_case(found, true, classes, tolerance=tolerance)
    except ShapeMismatch as error:
        raise ShapeMismatch(f"case {name}: {error}") from error


def mean_over_classes(rows: Sequence[Row]) -> list[Row]:
    """Return one row for each case, the mean over its classes of every metric."""
    cases = dict.fromkeys(row["case"] for row in rows)
    return [
        {
            metric: np.mean([row[metric] for row in rows if row["case"] == case])
            for metric in METRICS
        }
        for case in cases
    ]


def listed(cases: Mapping[str, Path]) -> str:
    """Name the first cases, for a message."""
    names = list(cases)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def finite(value: Any) -> Any:
    """Return plain data with None in place of numbers that JSON does not have."""
    match value:
        case Mapping():
            return {str(key): finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [finite(inner) for inner in value]
        case float() | np.floating():
            return float(value) if np.isfinite(value) else None
    return value
