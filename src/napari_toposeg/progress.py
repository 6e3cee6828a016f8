"""Step: the one record that every long run yields.

A run is a generator of Steps and may return a result. The command line, the dock and the tests
iterate the same generator; to cancel is to close it, to pause is not to ask for the next Step.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Parameters
    ----------
    step, total
        Steps done and steps in all; ``step`` runs from 1 to ``total``.
    epoch
        Visits to the whole data so far, where the run has such a thing.
    losses
        Terms of the loss by name, ``"loss"`` being their weighted sum.
    metrics
        Quality measures by name (``"dice"``: mean over classes, in 0..1), present where just
        measured.
    seconds
        Wall-clock time since the run began.
    checkpoint
        A checkpoint that is on disk already, where this step wrote one.
    preview
        Small arrays ``(z, y, x)`` by name for a look at the run, where this step made them.
    slices
        Labelled slices with their prediction, where this step judged such: see
        `learning.judging.JudgedSlice`.
    message
        What is being done, in a few words for a person.
    plan
        The settings that the run uses, by name, what was left open filled in; on the Step that
        tells it.
    notes
        What a user should know before the run begins; on the Step that tells the plan.
    forecast
        What the run will need (``"seconds"``, ``"memory_gb"``, ``"free_gb"``), on the Step that
        tells it.
    """

    step: int
    total: int
    epoch: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    checkpoint: Path | None = None
    preview: Mapping[str, Any] | None = None
    slices: tuple[Any, ...] = ()
    message: str = ""
    plan: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    forecast: Mapping[str, float] | None = None

    def record(self) -> dict[str, Any]:
        """Return the step as plain numbers and strings, for one line of JSON.

        What was not known, such as the Dice of a class that is not there, is None: JSON has no NaN.
        """
        return {
            "step": self.step,
            "total": self.total,
            "epoch": self.epoch,
            "losses": known_numbers(self.losses),
            "metrics": known_numbers(self.metrics),
            "seconds": round(self.seconds, 4),
            "checkpoint": None if self.checkpoint is None else self.checkpoint.name,
            "message": self.message,
        }


def known_numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return named numbers, None in place of NaN and infinities."""
    return {name: value if isfinite(value) else None for name, value in values.items()}


Run = Generator[Step, None, Result]
"""A run: Steps, then a result."""


Report = Callable[[float], object]
"""Told the share of a call that is done, 0 to 1; what it raises ends the call."""


def to_nobody(share: float) -> None:
    """Report to nobody: the default of what takes a `Report`."""


def retold(run: Run[Result], tell: Callable[[Step], Step]) -> Run[Result]:
    """Return a run whose Steps are told as others, such as parts of a larger whole."""
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        yield tell(step)


def finish(run: Generator[Step, None, Result]) -> Result:
    """Run to the end, dropping the Steps, and return the result."""
    while True:
        try:
            next(run)
        except StopIteration as stop:
            result: Result = stop.value
            return result
