"""Errors of a prediction's Betti numbers.

The one idea: counts can agree by chance, with an error here made good by one there; for *where* the
topology is wrong see `napari_toposeg.topology.find_defects`.
"""

from typing import Any

from numpy.typing import NDArray

from napari_toposeg.metrics.overlap import as_masks
from napari_toposeg.topology import betti_numbers


def betti_errors(
    prediction: NDArray[Any], truth: NDArray[Any], connectivity: int | None = None
) -> tuple[int, int, int]:
    """Return the absolute differences of b0, b1 and b2.

    Parameters
    ----------
    prediction, truth
        Masks ``(y, x)`` or ``(z, y, x)`` of equal shape.
    connectivity
        Of the foreground: 26 (default) or 6 in 3D, 8 (default) or 4 in 2D.

    Raises
    ------
    ShapeMismatch
        If the masks differ in shape.
    InvalidConfig
        If the connectivity does not fit the number of axes.
    """
    prediction, truth = as_masks(prediction, truth)
    found = betti_numbers(prediction, connectivity=connectivity)
    true = betti_numbers(truth, connectivity=connectivity)
    return abs(found.b0 - true.b0), abs(found.b1 - true.b1), abs(found.b2 - true.b2)
