"""What the Train page says: of a plan, of a step, of an end; no Qt here."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from napari_toposeg.plugin.finetune.annotate.annotations import Annotation
from napari_toposeg.plugin.strip import duration
from napari_toposeg.plugin.translation import tr
from napari_toposeg.progress import Step


def describe_plan(annotation: Annotation | None) -> str:
    """Say what a training would use."""
    if annotation is None:
        return tr("Make an annotation layer on the Annotate page first.")
    if annotation.faults:
        return annotation.faults[0]
    kept = len(annotation.validation)
    choice = (
        tr("{count} to choose the best model").format(count=kept)
        if kept
        else tr("none to choose the best: the last is kept")
    )
    return tr("{count} slices to train on, {choice}.").format(
        count=len(annotation.train), choice=choice
    )


def describe_step(
    step: Step, dice: Sequence[float], betti: Sequence[float], left: float | None
) -> str:
    """Say how a training goes; nothing where a Step has nothing to say.

    Parameters
    ----------
    dice, betti
        Of all validations so far.
    left
        Seconds to the end, where they are known.
    """
    if step.forecast is not None:
        return tr("Needs {what}").format(what=step.message)
    if "loss" not in step.losses:
        return ""
    parts = [tr("Step {step:,} of {total:,}").format(step=step.step, total=step.total)]
    parts.append(tr("loss {value:.3f}").format(value=step.losses["loss"]))
    if dice:
        parts.append(
            tr("Dice {value:.3f}, best {best:.3f}").format(value=dice[-1], best=best(dice))
        )
    if betti and isfinite(betti[-1]):
        parts.append(tr("2D Betti error {value:.2f}").format(value=betti[-1]))
    if left is not None:
        parts.append(tr("{time} left").format(time=duration(left)))
    return ", ".join(parts)


def best(values: Sequence[float]) -> float:
    """Return the highest of the numbers that are known, NaN where none is."""
    return max((value for value in values if isfinite(value)), default=float("nan"))


def kept_as(name: str, dice: Sequence[float]) -> str:
    """Say under which name a model was kept, and how it is used."""
    text = tr(
        "Kept as {name}: pick it in Segment, or on the command line: napari-toposeg predict "
        "--model {name} ..."
    ).format(name=name)
    return text + (tr(" Best Dice {value:.3f}.").format(value=best(dice)) if dice else "")


def describe_smaller(smaller: Mapping[str, Any]) -> str:
    """Say with which settings a training needs less memory."""
    if "batch" in smaller:
        return tr("Try with a smaller batch ({count} at a time)").format(count=smaller["batch"])
    crop = " x ".join(map(str, smaller["crop"]))
    return tr("Try with smaller crops ({crop} voxels)").format(crop=crop)
