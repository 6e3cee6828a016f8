"""The metrics by name: what each is called, its unit, which way is better, what it belongs to.

The one idea: a metric is described once; tables, pages and tests between models read it here.
"""

from collections.abc import Collection
from typing import NamedTuple

from napari_toposeg.config import PARTS, PartName
from napari_toposeg.errors import InvalidConfig


class Metric(NamedTuple):
    """A metric of one class of one case.

    Parameters
    ----------
    name
        Key in tables, CSV and JSON.
    heading
        Name for a person, with the unit.
    part
        Which part of a measurement makes it.
    higher_is_better
        Which way is better.
    """

    name: str
    heading: str
    part: PartName
    higher_is_better: bool = False


CATALOGUE = (
    Metric("dice", "Dice", "dice", True),
    Metric("hausdorff95", "HD95 (mm)", "surface"),
    Metric("assd", "ASSD (mm)", "surface"),
    Metric("surface_dice", "surface Dice", "surface", True),
    Metric("cldice", "clDice", "cldice", True),
    Metric("betti_error_0", "error of b0", "betti"),
    Metric("betti_error_1", "error of b1", "betti"),
    Metric("betti_error_2", "error of b2", "betti"),
    Metric("betti_exact", "exact Betti numbers", "betti", True),
    Metric("betti_matching_error", "Betti matching error", "matching"),
    Metric("defects_splits", "splits", "defects"),
    Metric("defects_merges", "merges", "defects"),
    Metric("defects_spurious", "spurious pieces", "defects"),
    Metric("defects_missing", "missing pieces", "defects"),
    Metric("defects_loops", "wrong loops", "defects"),
    Metric("defects_cavities", "wrong cavities", "defects"),
    Metric("defects_other", "other defects", "defects"),
)
EXACT = Metric("exact", "exact, classes and union", "betti", True)
"""Of a whole case: 1 where all Betti numbers of every class and of their union are the truth's."""

METRICS = tuple(metric.name for metric in CATALOGUE)
"""Names of the metrics of a class, in order; ``betti_exact`` is 1 where b0, b1 and b2 agree."""


def metrics_of(parts: Collection[str]) -> tuple[Metric, ...]:
    """Return the metrics that some parts of a measurement make, in order.

    Raises
    ------
    InvalidConfig
        If a part is unknown.
    """
    if unknown := [part for part in parts if part not in PARTS]:
        raise InvalidConfig(
            f"{', '.join(unknown)} cannot be measured; name one or more of {', '.join(PARTS)}"
        )
    return tuple(metric for metric in CATALOGUE if metric.part in parts)


def metric_named(name: str) -> Metric:
    """Return the metric of a name, that of whole cases too."""
    return next(metric for metric in (*CATALOGUE, EXACT) if metric.name == name)
