"""A topological term beside the main loss, as it is written: name, weight, schedule."""

from typing import Literal, NamedTuple, get_args

from napari_toposeg.config.training import FieldLossName

ScheduleName = Literal["constant", "ramp", "late"]


class Term(NamedTuple):
    """A term: see the settings ``topology_weight`` and ``topology_schedule``."""

    name: FieldLossName
    weight: float
    schedule: ScheduleName


def term_in(text: str, weight: float, schedule: ScheduleName) -> Term:
    """Return the term that a text names, as in ``cldice``, ``cldice:0.1`` or ``cldice:0.1:late``.

    Parameters
    ----------
    weight, schedule
        Those of a term that leaves them open.

    Raises
    ------
    ValueError
        If it names none.
    """
    given_name, _, rest = text.partition(":")
    given_weight, _, given_schedule = rest.partition(":")
    name = next((each for each in get_args(FieldLossName) if each == given_name), None)
    chosen = next(
        (each for each in get_args(ScheduleName) if each == (given_schedule or schedule)), None
    )
    try:
        number = float(given_weight) if given_weight else weight
    except ValueError:
        number = -1.0
    if name is None or chosen is None or not 0 <= number < float("inf"):
        raise ValueError(
            f"{text!r} is no term; write NAME, NAME:WEIGHT or NAME:WEIGHT:SCHEDULE, the name one "
            f"of {', '.join(get_args(FieldLossName))}, the weight from 0, the schedule one of "
            f"{', '.join(get_args(ScheduleName))}"
        )
    return Term(name, number, chosen)
