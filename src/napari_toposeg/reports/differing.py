"""A case as one or more models see it: where they differ from the truth, and which errors matter.

The one idea: a picture shows, across each axis, the slice on which most voxels are wrong, the same
for all models.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.reports.slices import window_of
from napari_toposeg.topology import Defects, find_defects_by_class
from napari_toposeg.topology.grid import extent
from napari_toposeg.volume import Volume

MARGIN = 8.0
"""Of what is shown about the labels, in mm."""


class Error(NamedTuple):
    """An error component that changes a Betti number of its class."""

    label: int
    kind: str
    dimension: int
    voxels: NDArray[np.int64]
    """``(n, 3)`` places."""


@dataclass(frozen=True)
class Disagreement:
    """A case, and what one or more models make of it.

    Parameters
    ----------
    truth
        True label map.
    predictions
        Model -> label map on the truth's grid.
    image
        Shown beneath, on the truth's grid; black without it.
    names
        Label -> name of its class.
    """

    truth: Volume
    predictions: Mapping[str, NDArray[Any]]
    image: Volume | None
    names: Mapping[int, str]

    @cached_property
    def errors(self) -> Mapping[str, Sequence[Error]]:
        """Errors of topology by model, of each class the largest first."""
        return {
            name: list(critical_errors(find_defects_by_class(labels, self.truth.voxels)))
            for name, labels in self.predictions.items()
        }

    @cached_property
    def shown(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Edges along z, y and x of the box, in mm, about all that is labelled in any map."""
        some = self.truth.voxels > 0
        for labels in self.predictions.values():
            some = some | (labels > 0)
        box = extent(some) if some.any() else tuple(slice(0, edge) for edge in some.shape)
        low = np.multiply([side.start for side in box], self.truth.spacing) - MARGIN
        high = np.multiply([side.stop for side in box], self.truth.spacing) + MARGIN
        return low.clip(min=0), np.minimum(high, np.multiply(some.shape, self.truth.spacing))

    @property
    def middle(self) -> NDArray[np.float64]:
        """The place of the middle of the box, in voxels."""
        low, high = self.shown
        return np.asarray((low + high) / 2 / self.truth.spacing - 0.5)

    @property
    def reach(self) -> tuple[float, float, float]:
        """Lengths of the box along z, y and x, in mm."""
        z, y, x = np.subtract(*reversed(self.shown))
        return float(z), float(y), float(x)

    @cached_property
    def window(self) -> tuple[float, float]:
        """Grey values of the image that are shown black and white."""
        return (0.0, 1.0) if self.image is None else window_of(self.image.voxels)

    @cached_property
    def centre(self) -> tuple[int, ...]:
        """On each axis the slice with most wrong voxels, else with most of the truth."""
        wrong = sum(
            (labels != self.truth.voxels).astype(np.int64) for labels in self.predictions.values()
        )
        counted = wrong if np.any(wrong) else self.truth.voxels > 0
        others = ((1, 2), (0, 2), (0, 1))
        return tuple(int(np.sum(counted, axis=axes).argmax()) for axes in others)


def critical_errors(found: Mapping[int, Defects]) -> Iterator[Error]:
    """Yield the errors that change a Betti number."""
    for label, defects in found.items():
        rows = np.flatnonzero(defects.is_critical)
        for row in rows[np.argsort(-defects.size[rows], kind="stable")]:
            dimension = int(np.abs(defects.change[row]).argmax())
            voxels = np.argwhere(defects.labels == row + 1)
            yield Error(label, str(defects.kind[row]), dimension, voxels)
