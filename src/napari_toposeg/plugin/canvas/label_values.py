"""Which classes label maps hold, and how many voxels of each.

The one idea: a label map that is not in memory is counted slab by slab, and none of it is kept.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.lazy import slabs
from napari_toposeg.progress import Report, to_nobody


def classes_of(*labels: NDArray[Any] | None) -> tuple[int, ...]:
    """Return the labels above 0 that occur in any of several label maps."""
    present: set[int] = set()
    for each in labels:
        for piece in () if each is None else each:
            present.update(value for value, _ in _counts(piece))
    return tuple(sorted(value for value in present if value > 0))


def class_sizes(labels: Any, report: Report = to_nobody) -> dict[int, int]:
    """Return how many voxels each label above 0 has, in the order of the labels.

    Parameters
    ----------
    labels
        Label map ``(z, y, x)``, in memory or not.
    report
        Told the share that is counted, after each slab.
    """
    sizes: Counter[int] = Counter()
    deep = int(labels.shape[0])
    for first, last in slabs(labels, 0, deep):
        # By slices: what counting needs beside them stays small.
        for piece in np.asarray(labels[first:last]):
            sizes.update(dict(_counts(piece)))
        report(last / deep)
    return {value: sizes[value] for value in sorted(sizes) if value > 0}


def _counts(labels: NDArray[Any]) -> Iterable[tuple[int, int]]:
    """Return values of a slice and their voxels; small ones are counted: sorting takes longer."""
    if labels.dtype.kind == "b":
        labels = labels.view(np.uint8)
    if labels.dtype.kind in "ui" and labels.min(initial=0) >= 0 and labels.max(initial=0) < 2**16:
        counts = np.bincount(labels.ravel())
        values = np.flatnonzero(counts)
        return zip(values.tolist(), counts[values].tolist(), strict=True)
    values, counts = np.unique(labels, return_counts=True)
    return zip(values.tolist(), counts.tolist(), strict=True)
