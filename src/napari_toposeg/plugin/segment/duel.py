"""A duel of two segmentation models on one scan: where they agree, and what each finds.

The one idea: without a truth nobody is right; agreement and Betti numbers side by side tell where
to look. Classes are paired by name; what has no partner counts in all together only. No Qt here.
"""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.metrics import ClassTopology, class_topology
from napari_toposeg.metrics.overlap import dice
from napari_toposeg.plugin.answering import answering
from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.loading import seconds_of
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.predict import Segmentation

COLUMNS = (mark("class"), mark("Dice"), "b0", "b1", "b2")


@dataclass(frozen=True)
class DuelRow:
    """What two models find of one class.

    Parameters
    ----------
    dice
        Overlap of the two, 1 where both are empty.
    first, second
        Volume and Betti numbers by each.
    """

    name: str
    dice: float
    first: ClassTopology
    second: ClassTopology


@dataclass(frozen=True, eq=False)
class Duel:
    """Two segmentations of one scan.

    Parameters
    ----------
    models
        Their names.
    segmentations
        What each made.
    rows
        All classes together, then the classes that both have.
    """

    models: tuple[str, str]
    segmentations: "tuple[Segmentation, Segmentation]"
    rows: tuple[DuelRow, ...]


def duel_run(
    volume: Volume, models: tuple[str, str], *, device: str, overlap: float, threads: int
) -> Generator[Step, None, Duel]:
    """Segment a scan with two models, and compare what they find."""
    volume = yield from load_run(volume)
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.predict import segment

    def both() -> "Generator[Step, None, list[Segmentation]]":
        choose_threads(threads)
        made = []
        for name in models:
            yield Step(1, 1, message=tr("loading {model}").format(model=name))
            made.append((yield from segment(volume, name, device=device, overlap=overlap)))
        return made

    first, second = yield from answering(both())
    judge = partial(duel_rows, first, second)
    message = tr("Comparing what they found")
    rows = yield from wait_for(judge, message, seconds=4 * seconds_of(volume))
    return Duel(models, (first, second), rows)


def duel_rows(first: "Segmentation", second: "Segmentation") -> tuple[DuelRow, ...]:
    """Compare two segmentations: all classes together, then each that both name."""
    a, b = first.labels, second.labels
    rows = [duel_row(tr("all"), a, b, a.voxels > 0, b.voxels > 0)]
    for name in first.classes:
        if name in second.classes and max(len(first.classes), len(second.classes)) > 1:
            of = (first.classes.index(name) + 1, second.classes.index(name) + 1)
            rows.append(duel_row(name, a, b, a.voxels == of[0], b.voxels == of[1]))
    return tuple(rows)


def duel_row(
    name: str, first: Volume, second: Volume, a: NDArray[np.bool_], b: NDArray[np.bool_]
) -> DuelRow:
    """Compare two masks, each on the grid of a label map."""
    found = [
        class_topology(labels.with_voxels(mask.astype(np.uint8)), 1, name)
        for labels, mask in ((first, a), (second, b))
    ]
    return DuelRow(name, dice(a, b), found[0], found[1])


def duel_texts(duel: Duel) -> list[tuple[str, ...]]:
    """Return the rows of the table: the first model's Betti numbers | the second's."""
    return [
        (
            row.name,
            f"{row.dice:.3f}",
            *(f"{a} | {b}" for a, b in zip(row.first.betti, row.second.betti, strict=True)),
        )
        for row in duel.rows
    ]


def duel_note(duel: Duel) -> str:
    """Say what the table shows, for a person."""
    whole = duel.rows[0]
    text = tr(
        "{first} | {second}: {a:.3g} | {b:.3g} ml. Foreground 26-, background 6-connected. "
        "Neither is the truth."
    )
    return text.format(
        first=duel.models[0],
        second=duel.models[1],
        a=whole.first.millilitres,
        b=whole.second.millilitres,
    )
