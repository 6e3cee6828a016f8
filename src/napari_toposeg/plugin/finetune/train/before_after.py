"""Before and after a training: two models on one part of a scan, in labels and in numbers; no Qt.

The one idea: both models are judged on the very same voxels of the scan's own grid, whatever grid
each was trained on, so that their numbers can be compared. Overlap is judged on the slices kept for
validation, which neither of them was trained on here; Betti numbers are those of the part that is
drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.canvas.regions import Region
from napari_toposeg.plugin.finetune.annotate.annotations import Annotation, split_annotation
from napari_toposeg.plugin.finetune.train.part import segment_part, window_of
from napari_toposeg.plugin.loading import load_learning
from napari_toposeg.plugin.memory import set_apart
from napari_toposeg.progress import Run
from napari_toposeg.topology.betti import BettiNumbers, betti_numbers
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.judging import Judgement


@dataclass(frozen=True)
class Side:
    """One of the two models.

    Parameters
    ----------
    labels
        Class numbers ``(z, y, x)`` of the part that is drawn.
    betti
        Betti numbers of each class there, foreground 26-connected.
    dice, betti_error
        On the kept slices, by class, NaN where there is nothing to judge; empty without such
        slices. The error is that of `learning.judging`, with 8-connected foreground.
    """

    model: str
    classes: tuple[str, ...]
    labels: NDArray[np.uint8]
    betti: tuple[BettiNumbers, ...]
    dice: tuple[float, ...] = ()
    betti_error: tuple[float, ...] = ()


@dataclass(frozen=True)
class BeforeAfter:
    """Both models on one part of a scan."""

    region: Region
    before: Side
    after: Side


def compare_run(
    image: Volume,
    models: tuple[str, str],
    region: Region,
    *,
    labels: NDArray[Any] | None = None,
    annotation: Annotation | None = None,
    seed: int = 0,
    device: str = "auto",
    threads: int = 0,
) -> Run[BeforeAfter]:
    """Segment a part of a scan with the model before and the model after.

    Parameters
    ----------
    models
        Names of the two.
    region
        The part that is drawn.
    labels, annotation
        What was painted, and which slices of it were kept; None to judge nothing.
    seed
        Of the choice of windows that are judged of large slices.
    """
    image = yield from load_run(image)
    yield from load_learning()
    set_apart()
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.judging import places_to_judge

    choose_threads(threads)
    target = None if labels is None or annotation is None else kept_target(labels, annotation)
    boxes: Sequence[Region] = ()
    if target is not None:
        from napari_toposeg.learning.cards import load_card

        boxes = places_to_judge(target, window_of(load_card(models[1]), image), seed)
    before = yield from side_of(image, models[0], region, target, boxes, device)
    after = yield from side_of(image, models[1], region, target, boxes, device)
    return BeforeAfter(region, before, after)


def side_of(
    image: Volume,
    name: str,
    region: Region,
    target: NDArray[np.int16] | None,
    boxes: Sequence[Region],
    device: str,
) -> Run[Side]:
    """Segment the part and the kept slices with one model."""
    from napari_toposeg.learning.checkpoints import load_model
    from napari_toposeg.learning.normalisation import normalisation_of

    model = load_model(name, device)
    scale = normalisation_of(image, model.card.intensity)
    labels = yield from segment_part(image, model, region, scale, message=f"Drawing {name}")
    found = []
    for box in boxes:
        found.append((yield from segment_part(image, model, box, scale, message=f"Judging {name}")))
    classes = model.card.classes
    betti = tuple(betti_numbers(labels == k) for k in range(1, len(classes) + 1))
    side = Side(name, classes, labels, betti)
    if target is None:
        return side
    judged = judgement(image, target, boxes, found, len(classes))
    return Side(name, classes, labels, betti, tuple(judged.dice), tuple(judged.betti_error))


def judgement(
    image: Volume,
    target: NDArray[np.int16],
    boxes: Sequence[Region],
    found: Sequence[NDArray[np.uint8]],
    classes: int,
) -> "Judgement":
    """Compare labels with what was painted on the kept slices."""
    from napari_toposeg.learning.examples import Example
    from napari_toposeg.learning.judging import judge

    pieces = [Example(image.name, image.voxels[box], target[box]) for box in boxes]
    return judge(pieces, found, classes)


def kept_target(labels: NDArray[Any], annotation: Annotation) -> NDArray[np.int16] | None:
    """Return class numbers of the kept slices, -1 elsewhere; None where none was kept."""
    if not annotation.validation:
        return None
    _, kept = split_annotation(labels, annotation.validation, annotation.axis)
    target = kept.astype(np.int16)
    target[kept == 0] = -1
    target[kept == 255] = 0
    return target


def matched(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Return which class of the model before is which of the model after, numbered from 0.

    By name; where no name is shared and the numbers of classes are equal, by number.
    """
    known = {name: number for number, name in enumerate(before)}
    pairs = {number: known[name] for number, name in enumerate(after) if name in known}
    if not pairs and len(before) == len(after):
        return {number: number for number in range(len(after))}
    return pairs


def rows(found: BeforeAfter) -> list[tuple[str, str, str]]:
    """Return the table: what is measured, of the model before, of the model after."""
    pairs = matched(found.before.classes, found.after.classes)
    table = []
    for number, name in enumerate(found.after.classes):
        old, new = cells(found.before, pairs.get(number)), cells(found.after, number)
        table += [(f"{name} {what}", old.get(what, "–"), new[what]) for what in new]
    return table


def cells(side: Side, number: int | None) -> Mapping[str, str]:
    """Return what is measured of one class of one model, by name."""
    if number is None:
        return {}
    numbers = {}
    if side.dice:
        numbers["Dice"] = written(side.dice[number])
        numbers["2D Betti error"] = written(side.betti_error[number])
    return numbers | {"b0, b1, b2": ", ".join(map(str, side.betti[number]))}


def written(value: float) -> str:
    """Write a number with three digits, a dash where there is none."""
    return f"{value:.3f}" if np.isfinite(value) else "–"
