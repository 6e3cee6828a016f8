"""What tables and curves of a comparison can show: the metrics, and three that are made of them."""

from collections.abc import Iterator

from napari_toposeg.config import CompareConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.metrics import EXACT
from napari_toposeg.metrics.catalogue import metrics_of

BETTI = "betti_error"
"""Sum of the errors of b0, b1 and b2 of a class, a mean over classes."""

SENSITIVITY = "sensitivity"
"""Share of the true voxels that a mask keeps."""

DIGITS = {"hausdorff95": 2, "assd": 2, BETTI: 2, "betti_matching_error": 1, EXACT.name: 2}
"""Digits of the columns that have not three."""


PLANNED = ("dice", "hausdorff95", BETTI, EXACT.name)
"""Columns where none are named, as far as they are measured."""


def columns_of(config: CompareConfig) -> dict[str, str]:
    """Return the columns of a comparison, name -> heading for a person.

    Raises
    ------
    InvalidConfig
        If one is named that is not measured.
    """
    known = dict(measured_by(config))
    if unknown := [name for name in config.columns if name not in known]:
        raise InvalidConfig(
            f"the columns {unknown} are not measured; name some of {', '.join(known)}, and what "
            "they need in metrics"
        )
    wanted = config.columns or tuple(name for name in PLANNED if name in known)
    return {name: known[name] for name in wanted}


def measured_by(config: CompareConfig) -> Iterator[tuple[str, str]]:
    """Yield each column that what is measured allows, with its heading."""
    for metric in metrics_of(config.metrics):
        yield metric.name, metric.heading
    yield SENSITIVITY, "sensitivity"
    if "betti" in config.metrics:
        yield BETTI, "Betti error"
        yield EXACT.name, "exact"
