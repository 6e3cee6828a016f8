"""The table of a comparison: means over seeds and cases, and paired differences between arms.

The one idea: seeds and cases are both chance. An interval resamples each by itself; a difference is
taken of two arms on the same labelled cases and the same test case before anything is resampled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.comparison.columns import BETTI
from napari_toposeg.comparison.judging import TOGETHER, Judgement
from napari_toposeg.comparison.running import Comparison
from napari_toposeg.metrics import EXACT
from napari_toposeg.metrics.intervals import crossed_mean_with_interval, mean_with_interval


@dataclass(frozen=True)
class Cell:
    """What one arm reached with so many labelled cases, judged on one kind of mask.

    Parameters
    ----------
    values
        ``(seeds, cases)`` by metric, means over classes; NaN where not defined.
    seconds
        Processor seconds of a training, a mean over seeds.
    """

    arm: str
    count: int
    mask: str
    seeds: tuple[int, ...]
    cases: tuple[str, ...]
    values: Mapping[str, NDArray[np.float64]] = field(repr=False)
    seconds: float

    def mean(self, metric: str) -> dict[str, float]:
        """Return mean, low and high of a metric, with the number of values that are not defined."""
        return interval(self.values[metric])

    def common(self, rival: "Cell") -> list[int]:
        """Return the seeds that a rival has, too."""
        return [seed for seed in self.seeds if seed in rival.seeds]

    def difference(self, rival: "Cell", metric: str) -> dict[str, float]:
        """Return what this arm has more than a rival, on the seeds that both have."""
        common = self.common(rival)
        own, other = (
            cell.values[metric][[cell.seeds.index(seed) for seed in common]]
            for cell in (self, rival)
        )
        return interval(own - other)


def interval(values_SC: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean over seeds and cases with its 95 % interval, of the cases all seeds know."""
    known = values_SC[:, np.isfinite(values_SC).all(axis=0)] if values_SC.size else values_SC
    left_out = int(values_SC.size - np.isfinite(values_SC).sum())
    if min(known.shape, default=0) > 1:
        found = crossed_mean_with_interval(known, 0)
    else:
        found = mean_with_interval(known.ravel(), 0)
    return {name: found[name] for name in ("mean", "low", "high")} | {"undefined": left_out}


def cells_of(comparison: Comparison) -> list[Cell]:
    """Return what has been judged until now, in the order of arms and counts."""
    done: dict[tuple[str, int], list[tuple[int, Judgement]]] = {}
    for trial in comparison.trials:
        judgement = comparison.judgement(trial)
        if judgement is not None:
            done.setdefault((trial.arm, trial.count), []).append((trial.seed, judgement))
    arms = [arm.name for arm in comparison.config.every_arm]
    return [
        cell_of(arm, count, mask, judged)
        for (arm, count), judged in sorted(
            done.items(), key=lambda each: (each[0][1] or np.inf, arms.index(each[0][0]))
        )
        for mask in dict.fromkeys(row["mask"] for row in judged[0][1].rows)
    ]


def cell_of(arm: str, count: int, mask: str, judged: Sequence[tuple[int, Judgement]]) -> Cell:
    """Put the rows of all seeds together."""
    tables = [by_case([r for r in judgement.rows if r["mask"] == mask]) for _, judgement in judged]
    cases, metrics = tuple(tables[0]), tuple(next(iter(tables[0].values())))
    return Cell(
        arm,
        count,
        mask,
        tuple(seed for seed, _ in judged),
        cases,
        {
            metric: np.array([[table[case][metric] for case in cases] for table in tables])
            for metric in metrics
        },
        float(np.mean([judgement.seconds["training"] for _, judgement in judged])),
    )


def by_case(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the metrics of each case, means over its classes."""
    cases: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        cases.setdefault(row["case"], []).append(row)
    return {name: of_case(parts) for name, parts in cases.items()}


def of_case(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the metrics of one case: means over its classes, and those of all together."""
    classes = [row for row in rows if row["class"] != TOGETHER]
    values = {
        metric: mean_of([row[metric] for row in classes])
        for metric in classes[0]
        if metric not in ("case", "mask", "class")
    }
    if "betti_error_0" in values:
        values[BETTI] = sum(values[f"betti_error_{k}"] for k in range(3))
    for row in rows:
        if row["class"] == TOGETHER:
            values[EXACT.name] = row[EXACT.name]
    return values


def mean_of(values: Sequence[float | None]) -> float:
    """Return a mean, NaN where a value is not known."""
    return float(np.mean([np.nan if value is None else value for value in values]))
