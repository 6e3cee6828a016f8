"""Which classes label maps hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def classes_of(*labels: NDArray[Any] | None) -> tuple[int, ...]:
    """Return the labels above 0 that occur in any of several label maps."""
    present: set[int] = set()
    for each in labels:
        for piece in () if each is None else each:
            present |= _values(piece)
    return tuple(sorted(value for value in present if value > 0))


def _values(labels: NDArray[Any]) -> set[int]:
    """Return the values of a slice; small ones are counted, since sorting a scan takes seconds."""
    if labels.dtype.kind == "b":
        labels = labels.view(np.uint8)
    if labels.dtype.kind in "ui" and labels.min(initial=0) >= 0 and labels.max(initial=0) < 2**16:
        return set(map(int, np.flatnonzero(np.bincount(labels.ravel()))))
    return set(map(int, np.unique(labels)))
