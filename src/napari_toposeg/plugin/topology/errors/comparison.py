"""Comparison: what is wrong with a label map, against another one or against wanted numbers.

The one idea: one run gives all that the page shows, the Betti numbers of each class and of all
together, and the errors, always under one named connectivity. A truth is right by definition; of a
truth nobody knows the other label map is only a reference, and the words for the same errors are
even-handed. Without either, the cheapest repair to the wanted numbers says what is wrong. No Qt
here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.plugin.topology.errors.counting import (
    BettiRow,
    Labels,
    Report,
    count_classes,
    mask_of,
)
from napari_toposeg.plugin.topology.errors.found_defects import (
    ALL,
    COLUMNS,
    FoundDefects,
    from_defects,
    join,
)
from napari_toposeg.plugin.topology.errors.repairing import Proposal, find_proposal, require_classes
from napari_toposeg.plugin.topology.errors.wanted_defects import defects_of_proposal
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.topology import find_defects
from napari_toposeg.topology.defects import each_class

Against = Literal["truth", "reference", "wanted", "nothing"]
COUNTING_SHARE = 0.3
"""Part of the work that the Betti numbers are, about."""


NUMBER_COLUMNS = (
    "class",
    "label",
    *(f"b{k}" for k in range(3)),
    *(f"against b{k}" for k in range(3)),
    *(f"error b{k}" for k in range(3)),
)
"""Headings of `Comparison.number_rows`."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a label map gets wrong.

    Parameters
    ----------
    numbers
        Betti numbers of all classes together, then of each class.
    defects
        The errors; None where there is nothing to compare with.
    connectivity
        Connectivity of the foreground, 26 or 6; the background has the other one.
    against
        What the label map was held against.
    names
        Names of classes.
    proposal
        The repair whose edits the errors are, where numbers are wanted.
    """

    numbers: tuple[BettiRow, ...]
    defects: FoundDefects | None
    connectivity: int
    against: Against = "truth"
    names: Mapping[int, str] = field(default_factory=dict)
    proposal: Proposal | None = None

    columns = COLUMNS
    number_columns = NUMBER_COLUMNS

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the row of each error under `columns`, as plain numbers and strings."""
        yield from () if self.defects is None else self.defects.rows(self.names)

    def number_rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the Betti numbers of each class under `number_columns`; None where unknown."""
        nothing = (None,) * 3
        for row in self.numbers:
            yield (
                row.name,
                row.label,
                *row.prediction,
                *(row.truth or nothing),
                *(row.error or nothing),
            )


def compare_labels(
    prediction: Labels,
    truth: Labels | None,
    *,
    value: int | None = None,
    together: bool = False,
    connectivity: int = 26,
    names: Mapping[int, str] | None = None,
    probability: NDArray[np.floating] | None = None,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    against: Against = "truth",
) -> Run[Comparison]:
    """Compare a label map with another by Betti numbers and errors.

    Parameters
    ----------
    prediction, truth
        Label maps ``(z, y, x)`` of one shape, 0 background.
    value
        Class whose errors are found; by default those of each class against all the rest.
    together
        Find the errors of all classes taken together instead.
    connectivity
        Connectivity of the foreground: 26 or 6.
    names
        Names of classes.
    probability
        Of the foreground, in 0..1: an error costs the sum of ``abs(probability - 0.5)`` over its
        voxels. Without one each voxel costs 0.5.
    spacing
        Of the voxels, in millimetres along ``(z, y, x)``.
    against
        ``"truth"``, or ``"reference"`` where nobody knows which of the two is right.

    Raises
    ------
    ShapeMismatch
        If the arrays differ in shape.
    """
    require_one_shape(prediction, truth, probability)
    work = partial(
        _compare,
        prediction,
        truth,
        None if together else value,
        together,
        connectivity,
        names or {},
        probability,
        float(np.prod(spacing)),
        "nothing" if truth is None else against,
    )
    return (yield from follow(work, "Comparing topology"))


def compare_with_wanted(
    prediction: Labels,
    wanted: Mapping[int, Sequence[int]],
    *,
    connectivity: int = 26,
    names: Mapping[int, str] | None = None,
    probability: NDArray[np.floating] | None = None,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
) -> Run[Comparison]:
    """Find what the cheapest repair to the wanted Betti numbers would change, which is the error.

    Parameters
    ----------
    wanted
        Betti numbers ``(b0, b1, b2)`` by class; of other classes the numbers are only counted.

    Raises
    ------
    InvalidConfig
        If no class is to be repaired, if one is not in the map, or if numbers cannot be.
    ShapeMismatch
        If the probability has another shape.
    """
    require_one_shape(prediction, None, probability)
    require_classes(prediction, wanted)

    def work(report: Report) -> Comparison:
        counted = count_classes(prediction, None, connectivity, names or {}, lambda _: report(0.0))
        found = find_proposal(prediction, wanted, probability, connectivity, spacing, report)
        goals = {number: repair.wanted for number, repair in found.found.repairs.items()}
        numbers = tuple(
            BettiRow(row.name, row.prediction, goals.get(row.label), row.label) for row in counted
        )
        defects = defects_of_proposal(found, float(np.prod(spacing)))
        return Comparison(numbers, defects, connectivity, "wanted", names or {}, found)

    return (yield from follow(work, "Looking for what a repair would change"))


def require_one_shape(
    prediction: Labels, truth: Labels | None, probability: NDArray[np.floating] | None
) -> None:
    """Raise ShapeMismatch unless all arrays lie on one grid."""
    if truth is not None and prediction.shape != truth.shape:
        raise ShapeMismatch(
            f"prediction {prediction.shape} and truth {truth.shape} differ; "
            "resample one to the other's grid first"
        )
    if probability is not None and probability.shape != prediction.shape:
        raise ShapeMismatch(
            f"labels {prediction.shape} and probability {probability.shape} differ; choose the "
            "probability that belongs to the labels, or none"
        )


def _compare(
    prediction: Labels,
    truth: Labels | None,
    value: int | None,
    together: bool,
    connectivity: int,
    names: Mapping[int, str],
    probability: NDArray[np.floating] | None,
    voxel_mm3: float,
    against: Against,
    report: Report,
) -> Comparison:
    def first(fraction: float) -> None:
        report(COUNTING_SHARE * fraction)

    numbers = count_classes(prediction, truth, connectivity, names, first)
    if truth is None:
        return Comparison(numbers, None, connectivity, against, names)

    def rest(fraction: float) -> None:
        report(COUNTING_SHARE + (1 - COUNTING_SHARE) * fraction)

    shape = prediction.shape
    many = len(numbers) == 1 and numbers[0].label == ALL
    if together or many or value is not None:
        a, b = mask_of(prediction, value), mask_of(truth, value)
        whole = tuple(slice(None) for _ in shape)
        found = find_defects(a, b, connectivity=connectivity, progress=rest)
        parts = [from_defects(found, whole, a, value or ALL, probability, voxel_mm3, shape)]
    else:
        parts = [
            from_defects(
                found, box, prediction[box] == number, number, probability, voxel_mm3, shape
            )
            for number, box, found in each_class(prediction, truth, connectivity, rest)
        ]
    defects = join(parts, shape, voxel_mm3)
    return Comparison(numbers, defects, connectivity, against, names)


def describe_connectivity(connectivity: int) -> str:
    """Name a connectivity with that of the background, for a person."""
    text = tr("voxels {n}-connected, background {m}")
    return text.format(n=connectivity, m=32 - connectivity)
