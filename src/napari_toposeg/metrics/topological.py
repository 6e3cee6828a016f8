"""Betti numbers of the classes of a label map, and their errors.

The one idea: counts can agree by chance, with an error here made good by one there; for *where* the
topology is wrong see `napari_toposeg.topology.find_defects`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.metrics.overlap import as_masks
from napari_toposeg.topology import BettiNumbers, betti_numbers
from napari_toposeg.volume import Volume


@dataclass(frozen=True)
class ClassTopology:
    """One class of a label map in numbers.

    Parameters
    ----------
    label, name
        Value in the label map, and what it stands for.
    millilitres
        Volume of its voxels.
    betti
        Betti numbers, foreground 26-connected, background 6-connected.
    truth
        The true ones, where a truth is known.
    """

    label: int
    name: str
    millilitres: float
    betti: BettiNumbers
    truth: BettiNumbers | None = None


def class_topology(
    labels: Volume, label: int, name: str, truth: Volume | None = None
) -> ClassTopology:
    """Count the topology of one class of a label map, and of a truth on the same grid."""
    mask = labels.voxels == label
    millilitres = int(mask.sum()) * float(np.prod(labels.spacing)) / 1000
    true = None if truth is None else betti_numbers(truth.voxels == label)
    return ClassTopology(label, name, millilitres, betti_numbers(mask), true)


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
