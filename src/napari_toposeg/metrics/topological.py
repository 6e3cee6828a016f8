"""Topology of the classes of a label map against the truth: numbers, matched features, defects.

The one idea: counts can agree by chance, with an error here made good by one there. The Betti
matching error looks at the place as well, and the defects say which error did what.

References
----------
Stucki et al. 2023, arXiv:2211.15272 (Betti matching error). Lux et al. 2024, arXiv:2411.03228
(errors that matter to topology).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.metrics.overlap import as_masks
from napari_toposeg.topology import (
    BettiNumbers,
    Kind,
    betti_numbers,
    betti_numbers_by_class,
    find_defects,
    match_barcodes,
)
from napari_toposeg.topology.betti import as_labels
from napari_toposeg.topology.grid import Mask, foreground_connectivity, require_same_shape
from napari_toposeg.volume import Volume

DEFECTS: Mapping[str, tuple[Kind, ...]] = {
    "splits": ("splits",),
    "merges": ("merges",),
    "spurious": ("spurious",),
    "missing": ("missing",),
    "loops": ("makes a loop", "breaks a loop", "fills a loop"),
    "cavities": ("makes a cavity", "opens a cavity", "fills a cavity"),
    "other": ("mixed", "compensated"),
}
"""What defects are counted as; the harmless ones are not."""


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


def betti_matching_error(
    prediction: NDArray[Any], truth: NDArray[Any], connectivity: int | None = None
) -> int:
    """Count the components, loops and cavities of two masks that have no partner in the other.

    Features are matched where they live on as the same in the union of both masks, so that an error
    here is not made good by one there: the error is at least the sum of the three Betti errors.

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

    Notes
    -----
    The component that never dies is matched in every image, wherever it lies. So both masks get the
    same lone voxel outside of them, which takes that part: all their own components are matched by
    place. Where features tie, the order of voxels decides.
    """
    prediction, truth = as_masks(prediction, truth)
    full = foreground_connectivity(truth.ndim, connectivity) in (8, 26)
    matching = match_barcodes(
        with_lone_voxel(prediction), with_lone_voxel(truth), construction="T" if full else "V"
    )
    return matching.error


def with_lone_voxel(mask: Mask) -> NDArray[np.uint8]:
    """Return a mask with a voxel at the first corner that touches nothing."""
    image = np.pad(mask.view(np.uint8), [(2, 0), *[(0, 0)] * (mask.ndim - 1)])
    image.flat[0] = 1
    return image


def defect_counts(
    prediction: NDArray[Any], truth: NDArray[Any], connectivity: int | None = None
) -> dict[str, int]:
    """Count the error components that matter to topology by what each does; keys of `DEFECTS`.

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
    kinds = find_defects(prediction, truth, connectivity=connectivity).kind.tolist()
    return {name: sum(map(kinds.count, counted)) for name, counted in DEFECTS.items()}


def all_exact(
    prediction: NDArray[Any], truth: NDArray[Any], labels: Collection[int] | None = None
) -> bool:
    """Return whether all Betti numbers of every class, and of their union, are the truth's.

    Parameters
    ----------
    prediction, truth
        Label maps ``(y, x)`` or ``(z, y, x)`` of equal shape, 0 background; classes are
        26-connected (8 in 2D).
    labels
        The classes; by default all labels that occur in one of the two.

    Raises
    ------
    ShapeMismatch
        If the label maps differ in shape.
    InvalidVolume
        If they are not 2D or 3D, are empty, or hold other than whole numbers.
    """
    prediction, truth = as_labels(prediction), as_labels(truth)
    require_same_shape(prediction, truth)
    present = np.union1d(np.unique(prediction), np.unique(truth)) if labels is None else labels
    classes = [int(label) for label in present if label != 0]
    found, true = (betti_numbers_by_class(each, classes=classes) for each in (prediction, truth))
    unions = (betti_numbers(np.isin(each, classes)) for each in (prediction, truth))
    return found == true and len(set(unions)) == 1
