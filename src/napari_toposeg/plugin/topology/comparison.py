"""Comparison: a prediction against a truth, by topology.

The one idea: one run gives all that the tab shows, the Betti numbers of each class and of all
together, and the defects of the chosen one, always under one named connectivity. No Qt here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.plugin.canvas.label_values import classes_of
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.topology import BettiNumbers, Defects, betti_numbers, find_defects

Labels = NDArray[np.integer]


@dataclass(frozen=True)
class BettiRow:
    """Betti numbers of one class.

    Parameters
    ----------
    name
        Name of the class.
    prediction, truth
        Betti numbers; the truth is None where there is none to compare with.
    """

    name: str
    prediction: BettiNumbers
    truth: BettiNumbers | None

    @property
    def error(self) -> tuple[int, int, int] | None:
        """Prediction minus truth, None without a truth."""
        if self.truth is None:
            return None
        a, b = self.prediction, self.truth
        return a.b0 - b.b0, a.b1 - b.b1, a.b2 - b.b2


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a prediction gets wrong.

    Parameters
    ----------
    rows
        Betti numbers of all classes together, then of each class.
    defects
        Wrong parts of the chosen class; None without a truth.
    connectivity
        Connectivity of the foreground, 26 or 6; the background has the other one.
    """

    rows: tuple[BettiRow, ...]
    defects: Defects | None
    connectivity: int


def compare_labels(
    prediction: Labels,
    truth: Labels | None,
    *,
    value: int | None = None,
    connectivity: int = 26,
    names: Mapping[int, str] | None = None,
) -> Run[Comparison]:
    """Compare a label map with the truth by Betti numbers and defects.

    Parameters
    ----------
    prediction, truth
        Label maps ``(z, y, x)`` of one shape, 0 background.
    value
        Class whose defects are found; by default that of all classes together.
    connectivity
        Connectivity of the foreground: 26 or 6.
    names
        Names of classes.

    Raises
    ------
    ShapeMismatch
        If the label maps differ in shape.
    """
    if truth is not None and prediction.shape != truth.shape:
        raise ShapeMismatch(
            f"prediction {prediction.shape} and truth {truth.shape} differ; "
            "resample one to the other's grid first"
        )
    work = partial(_compare, prediction, truth, value, connectivity, names or {})
    return (yield from follow(work, "Comparing topology"))


def _compare(
    prediction: Labels,
    truth: Labels | None,
    value: int | None,
    connectivity: int,
    names: Mapping[int, str],
    report: Callable[[float], object],
) -> Comparison:
    def row(of: int | None, name: str) -> BettiRow:
        a = betti_numbers(mask_of(prediction, of), connectivity=connectivity)
        if truth is None:
            return BettiRow(name, a, None)
        return BettiRow(name, a, betti_numbers(mask_of(truth, of), connectivity=connectivity))

    classes = classes_of(prediction, truth)
    counted: list[tuple[int | None, str]] = [
        (each, names.get(each, f"label {each}")) for each in classes
    ]
    if len(counted) != 1:
        counted.insert(0, (None, "all"))
    rows = []
    for number, (of, name) in enumerate(counted):
        report(number / (len(counted) + 1))
        rows.append(row(of, name))
    defects = None
    if truth is not None:
        a, b = mask_of(prediction, value), mask_of(truth, value)
        done = len(rows) / (len(rows) + 1)
        defects = find_defects(
            a, b, connectivity=connectivity, progress=lambda f: report(done + f * (1 - done))
        )
    return Comparison(tuple(rows), defects, connectivity)


def mask_of(labels: Labels, value: int | None) -> NDArray[np.bool_]:
    """Return where a class is, or where any is."""
    mask: NDArray[Any] = labels > 0 if value is None else labels == value
    return mask


def describe_connectivity(connectivity: int) -> str:
    """Name a connectivity with that of the background, for a person."""
    return f"{connectivity}-connected foreground, {32 - connectivity}-connected background"
