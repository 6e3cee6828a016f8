"""The three first steps: what each offers next, and when it is done.

The one idea: all of it follows from what there is, so the guide keeps no count of its own and
nobody has to follow it. No Qt here.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from napari_toposeg.plugin.translation import mark

Do = Literal["sample", "segment", "errors", "paint", "train"]


@dataclass(frozen=True)
class Facts:
    """What there is in the viewer and in the dock.

    Parameters
    ----------
    scan, segmented, annotated
        There is such a layer.
    compared
        The errors of a label map were looked for.
    trained
        A model was made in this session.
    """

    scan: bool = False
    segmented: bool = False
    compared: bool = False
    annotated: bool = False
    trained: bool = False


class GuideStep(NamedTuple):
    """A step as it stands now."""

    text: str
    button: str
    tooltip: str
    does: Do
    ready: bool
    done: bool


def guide_steps(facts: Facts) -> tuple[GuideStep, GuideStep, GuideStep]:
    """Return the three steps, each with what it offers next."""
    return _opening(facts), _looking(facts), _teaching(facts)


def _opening(facts: Facts) -> GuideStep:
    return GuideStep(
        mark("Open a scan or a sample"),
        mark("Sample"),
        mark("Make a CT phantom of lung vessels, with its truth"),
        "sample",
        ready=True,
        done=facts.scan,
    )


def _looking(facts: Facts) -> GuideStep:
    text = mark("Segment, see the errors")
    if not facts.segmented:
        tip = mark("Label the chosen image with the model that fits it")
        return GuideStep(text, mark("Segment"), tip, "segment", facts.scan, facts.compared)
    tip = mark("Compare the label map with the truth, or count its parts where there is none")
    return GuideStep(text, mark("Errors"), tip, "errors", True, facts.compared)


def _teaching(facts: Facts) -> GuideStep:
    text = mark("Paint slices, fine-tune")
    if not facts.annotated:
        tip = mark("Add a layer to paint in, on the grid of the chosen image")
        return GuideStep(text, mark("Paint"), tip, "paint", facts.scan, facts.trained)
    tip = mark("Train a model of your own on the slices that you painted")
    return GuideStep(text, mark("Train"), tip, "train", True, facts.trained)
