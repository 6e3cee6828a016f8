"""Tables of metrics over cases and classes, with bootstrap intervals.

The one idea: the case is the unit of chance. A mean over cases comes with the interval in which 95
% of the means of resampled cases lie; classes of one case are never resampled apart.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_toposeg.config import PARTS, write_atomically
from napari_toposeg.metrics.cases import TOLERANCE, measure_absent
from napari_toposeg.metrics.catalogue import EXACT, Metric, metrics_of
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
        One for each case and class: ``"case"``, ``"class"`` and every metric.
    cases
        Names of the cases that were measured, those without any class, too.
    exact
        By case 1 where all Betti numbers of every class and of their union are the truth's, else 0;
        empty where it was not measured.
    parts
        What was measured; decides which metrics the rows have.
    tolerance
        Of the surface Dice, in mm.
    connectivity
        Of the foreground, for the Betti numbers, the matching and the defects.
    only_prediction, only_truth
        Names of the cases that have no partner and were not measured.
    seed
        Of the bootstrap.
    """

    rows: tuple[Row, ...]
    cases: tuple[str, ...] = ()
    exact: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[str, ...] = PARTS
    tolerance: float = TOLERANCE
    connectivity: int = foreground_connectivity(3, None)
    only_prediction: tuple[str, ...] = ()
    only_truth: tuple[str, ...] = ()
    seed: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order of appearance."""
        return tuple(dict.fromkeys(str(row["class"]) for row in self.rows))

    def completed(self, classes: Sequence[str]) -> "MeasureTable":
        """Return the table with a row for every case and class.

        A class that is in neither map of a case is right there: it has the metrics of two empty
        masks.
        """
        absent = measure_absent(self.tolerance, self.parts)
        measured = {(row["case"], row["class"]): row for row in self.rows}
        rows = [
            measured.get((case, name), {"case": case, "class": name} | absent)
            for case in self.cases
            for name in classes
        ]
        return replace(self, rows=tuple(rows))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What was measured of every class."""
        return metrics_of(self.parts)

    @property
    def case_metrics(self) -> tuple[Metric, ...]:
        """What is known of every case: means over its classes, and whether all is exact."""
        return (*self.metrics, EXACT) if self.exact else self.metrics

    def case_rows(self) -> list[Row]:
        """Return one row for each case: ``"case"`` and every one of `case_metrics`."""
        by_case: dict[str, list[Row]] = {}
        for row in self.rows:
            by_case.setdefault(row["case"], []).append(row)
        return [
            {"case": case}
            | {
                metric.name: float(np.mean([row[metric.name] for row in rows]))
                for metric in self.metrics
            }
            | ({EXACT.name: self.exact[case]} if self.exact else {})
            for case, rows in by_case.items()
        ]

    def summary(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return class -> metric -> mean over cases with its 95 % bootstrap interval.

        Returns
        -------
        dict
            Keys of the innermost: ``mean``, ``low``, ``high``, ``cases`` that count, ``infinite``
            cases that do not (distances where one mask is empty). The interval is NaN with fewer
            than two cases. The class `MEAN` is the mean over the classes of each case, and has
            `EXACT`, which is of the whole case.
        """
        summaries = {
            name: self._summarise([row for row in self.rows if row["class"] == name], self.metrics)
            for name in self.classes
        }
        return summaries | {MEAN: self._summarise(self.case_rows(), self.case_metrics)}

    def _summarise(
        self, rows: Sequence[Row], metrics: Sequence[Metric]
    ) -> dict[str, dict[str, float]]:
        return {
            metric.name: mean_with_interval(np.array([row[metric.name] for row in rows]), self.seed)
            for metric in metrics
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers and strings; values that are not finite become None."""
        table: dict[str, Any] = finite(
            {
                "tolerance_mm": self.tolerance,
                "connectivity": self.connectivity,
                "rows": self.rows,
                "cases": self.case_rows(),
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
