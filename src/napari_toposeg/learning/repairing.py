"""Repairing: a segmentation whose classes have the Betti numbers that the anatomy has.

The one idea: it is done on the scan's own grid, on what is written, after everything that could
change the topology again. Foreground is 26-connected.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.segmentation import Segmentation
from napari_toposeg.topology import BettiNumbers, ClassRepairs, betti_numbers, repair_by_class

Numbers = tuple[int, int, int]

SURE = 0.8
"""No bridge crosses a voxel where its class is behind another by so much, of a whole 1.

Measured, docs/prediction.md: by costs alone, large false pieces far away are joined, not dropped.
"""


def repaired(
    segmentation: Segmentation, wanted: Mapping[int, Numbers]
) -> tuple[Segmentation, ClassRepairs]:
    """Change the labels of a segmentation as little as is found to reach wanted Betti numbers.

    Parameters
    ----------
    wanted
        ``(b0, b1, b2)`` of the classes to be repaired, by label; the others give and take voxels,
        with whatever numbers.

    Returns
    -------
    Segmentation
        With other labels, and probabilities as they were.
    ClassRepairs
        What was changed of each class, and what could not be reached.

    Raises
    ------
    InvalidConfig
        If the numbers cannot be, or a label is not among the classes.
    """
    labels = range(1, len(segmentation.classes) + 1)
    unknown = sorted(wanted.keys() - set(labels))
    if unknown:
        raise InvalidConfig(
            f"numbers are wanted of class {unknown[0]}, and the classes are 1 to {len(labels)}; "
            "name one of these"
        )
    free = set(labels) - wanted.keys()
    # At 0 the background is the only threshold, so what needs no repair stays as it is.
    repairs = repair_by_class(
        segmentation.class_probabilities, wanted, free=free, threshold=0.0, sure=SURE
    )
    voxels = repairs.labels.astype(segmentation.labels.voxels.dtype)
    return replace(segmentation, labels=segmentation.labels.with_voxels(voxels)), repairs


@dataclass(frozen=True)
class ClassChange:
    """What a repair did to one class.

    Parameters
    ----------
    before, after
        Betti numbers, 26-connected.
    wanted
        None of a class that was not to be repaired.
    edits
        Connected sets of voxels that were changed for the sake of this class.
    added, removed
        Voxels of the class that it has now and had not, and the converse.
    reason
        What was not reached, and why; empty where nothing is missing.
    """

    name: str
    before: BettiNumbers
    after: BettiNumbers
    wanted: Numbers | None
    edits: int
    added: int
    removed: int
    reason: str

    @property
    def reached(self) -> bool:
        """Whether nothing is missing."""
        return not self.reason


def changes(
    before: Segmentation, repairs: ClassRepairs, wanted: Mapping[int, Numbers]
) -> tuple[ClassChange, ...]:
    """Return what repairs of a segmentation did to each class."""
    found = []
    for label, name in enumerate(before.classes, start=1):
        repair = repairs.repairs[label]
        was, is_now = before.labels.voxels == label, repairs.labels == label
        found.append(
            ClassChange(
                name=name,
                before=betti_numbers(was),
                after=repair.betti,
                wanted=wanted.get(label),
                edits=len(repair.edits),
                added=int(np.count_nonzero(is_now & ~was)),
                removed=int(np.count_nonzero(was & ~is_now)),
                reason="" if repair.reached else repairs.reason_of(label),
            )
        )
    return tuple(found)
