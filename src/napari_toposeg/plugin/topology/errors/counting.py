"""Counting Betti numbers of the classes of label maps, as they are and with errors mended.

The one idea: what mending one error does is known exactly, what several do together is counted,
since effects of single errors do not add up. No Qt here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.label_values import classes_of
from napari_toposeg.plugin.topology.errors.found_defects import ALL, FoundDefects
from napari_toposeg.plugin.topology.errors.wanted_defects import APART
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.topology import BettiNumbers, betti_numbers, betti_numbers_by_class

Labels = NDArray[np.integer]
Report = Callable[[float], object]
MOST_CLASSES = 60
"""More values than this are no classes but counts or ids: only all together are compared."""


@dataclass(frozen=True)
class BettiRow:
    """Betti numbers of one class.

    Parameters
    ----------
    name
        Name of the class.
    prediction, truth
        Betti numbers; the truth (reference, wanted) is None where there is none.
    label
        Number of the class, `ALL` where all are taken together.
    """

    name: str
    prediction: BettiNumbers
    truth: BettiNumbers | None
    label: int = ALL

    @property
    def error(self) -> tuple[int, int, int] | None:
        """Prediction minus truth, None without a truth."""
        if self.truth is None:
            return None
        a, b = self.prediction, self.truth
        return a.b0 - b.b0, a.b1 - b.b1, a.b2 - b.b2


def count_classes(
    prediction: Labels,
    truth: Labels | None,
    connectivity: int,
    names: Mapping[int, str],
    report: Report,
) -> tuple[BettiRow, ...]:
    """Count all classes together, then each; many values are taken for ids, and not counted."""

    def count(labels: Labels | None, wanted: tuple[int, ...]) -> dict[int, BettiNumbers]:
        if labels is None:
            return {}
        found = betti_numbers_by_class(labels, classes=wanted, connectivity=connectivity)
        if len(wanted) != 1:
            found[ALL] = betti_numbers(labels > 0, connectivity=connectivity)
        return found

    classes = classes_of(prediction, truth)
    classes = classes if len(classes) <= MOST_CLASSES else ()
    report(0.1)
    ours = count(prediction, classes)
    report(0.6)
    theirs = count(truth, classes)
    report(1.0)
    return tuple(
        BettiRow(
            "all" if label == ALL else names.get(label, f"label {label}"),
            ours[label],
            theirs.get(label),
            label,
        )
        for label in sorted(ours)
    )


def count_mended(
    prediction: Labels, defects: FoundDefects, chosen: NDArray[np.bool_], connectivity: int
) -> Run[dict[int, BettiNumbers]]:
    """Count each class again with some of its errors mended.

    Parameters
    ----------
    chosen
        ``(n,)`` which errors; those of kind ``"apart"`` are mended by others, and left out.

    Returns
    -------
    dict
        Betti numbers by label, of the classes that have chosen errors.
    """
    chosen = chosen & (defects.kind != APART)

    def work(report: Report) -> dict[int, BettiNumbers]:
        labels = np.unique(defects.label[chosen]).tolist()
        counted = {}
        for done, label in enumerate(labels):
            report(done / len(labels))
            mask = np.array(mask_of(prediction, label or None))
            voxels, owner = defects.voxels_where(chosen & (defects.label == label))
            mask.ravel()[voxels] = defects.adds[owner]
            counted[int(label)] = betti_numbers(mask, connectivity=connectivity)
        return counted

    return (yield from follow(work, "Counting with errors mended"))


def mended_alone(row: BettiRow, defects: FoundDefects, number: int) -> BettiNumbers:
    """Return the Betti numbers of a class with one of its errors mended, which is known exactly."""
    return BettiNumbers(*(np.array(row.prediction) + defects.change[number]).tolist())


def mask_of(labels: Labels, value: int | None) -> NDArray[np.bool_]:
    """Return where a class is, or where any is."""
    mask: NDArray[Any] = labels > 0 if value is None else labels == value
    return mask
