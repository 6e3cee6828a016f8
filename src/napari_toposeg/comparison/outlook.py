"""The outlook on a comparison: which runs are done, and how long the others will take.

The pace of an arm is that of its runs which are done; of an arm without any it is measured, by the
forecast that every training begins with.
"""

import tempfile
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from napari_toposeg.comparison.running import Comparison
from napari_toposeg.comparison.spending import read_spent, state_of
from napari_toposeg.comparison.trials import Pretraining, Trial, chosen
from napari_toposeg.config import FinetuneConfig, PretrainConfig
from napari_toposeg.progress import Step

State = Literal["done", "trained", "begun", "to do"]
Measuring = Generator[Step, None, float | None]


class Ahead(NamedTuple):
    """A run, how far it is, and the seconds that it will take; None where that is not known."""

    label: str
    state: State
    steps: int
    seconds: float | None


@dataclass(frozen=True)
class Outlook:
    """The pretrainings and runs of a comparison, in the order in which they are made."""

    runs: tuple[Ahead, ...]

    @property
    def seconds(self) -> float | None:
        """Time of all that is not done, one after the other; None where it is not all known."""
        times = [run.seconds for run in self.runs if run.state in ("begun", "to do")]
        known = [seconds for seconds in times if seconds is not None]
        return sum(known) if len(known) == len(times) else None


def look_ahead(comparison: Comparison) -> Generator[Step, None, Outlook]:
    """List all runs, and tell how long those will take that are not made yet."""
    paces = Paces(comparison)
    runs: dict[str, Ahead] = {}
    for trial in chosen(comparison.config, comparison.trials):
        if trial.pretraining is not None and trial.pretraining.digest not in runs:
            runs[trial.pretraining.digest] = yield from paces.of_pretraining(trial.pretraining)
        runs[trial.label] = yield from paces.of_trial(trial)
    return Outlook(tuple(runs.values()))


def parts_of(config: PretrainConfig | FinetuneConfig) -> int:
    """Return the parts that a training's time is told by: its steps; one where they are planned."""
    return config.steps or 1


class Paces:
    """Seconds of a step, arm by arm, each found out once.

    Steps that are planned go by how much is labelled: there it is seconds of a whole training, of
    an arm and a count.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.found: dict[tuple[str, int | None], float | None] = {}

    def of_pretraining(self, pretraining: Pretraining) -> Generator[Step, None, Ahead]:
        """Return how far a pretraining is, and its time."""
        from napari_toposeg.learning.pretrain import pretrain

        state, config = state_of(pretraining.folder), pretraining.config
        seconds = None
        if state != "trained":
            pace = yield from measured(pretrain, config, pretraining.label)
            seconds = None if pace is None else pace * config.steps
        return Ahead(
            pretraining.label, "done" if state == "trained" else state, config.steps, seconds
        )

    def of_trial(self, trial: Trial) -> Generator[Step, None, Ahead]:
        """Return how far a run is, and its time."""
        if self.comparison.is_done(trial):
            return Ahead(trial.label, "done", trial.steps, None)
        states = {member.folder: state_of(member.folder) for member in trial.members}
        ahead = [
            parts_of(each.config) for each in trial.members if states[each.folder] != "trained"
        ]
        if not ahead:
            return Ahead(trial.label, "trained", trial.steps, None)
        pace = yield from self.of_arm(trial)
        return Ahead(
            trial.label,
            "to do" if set(states.values()) == {"to do"} else "begun",
            trial.steps,
            None if pace is None else pace * sum(ahead),
        )

    def of_arm(self, trial: Trial) -> Measuring:
        """Return the seconds of a step of an arm."""
        from napari_toposeg.learning.finetune import finetune

        alike = likeness(trial)
        if alike not in self.found:
            before = [
                read_spent(member.folder)["seconds"] / parts_of(member.config)
                for other in self.comparison.trials
                for member in other.members
                if likeness(other) == alike and state_of(member.folder) == "trained"
            ]
            if before:
                self.found[alike] = sum(before) / len(before)
            else:
                self.found[alike] = yield from measured(finetune, startable(trial), trial.arm)
        return self.found[alike]


def likeness(trial: Trial) -> tuple[str, int | None]:
    """Return what the runs of one pace share: the arm; where steps are planned, the count too."""
    return trial.arm, None if trial.members[0].config.steps else trial.count


def startable(trial: Trial) -> FinetuneConfig:
    """Return a fine-tuning that can begin now: of the same network, from scratch if need be."""
    pretraining, config = trial.pretraining, trial.members[0].config
    if pretraining is None or state_of(pretraining.folder) == "trained":
        return config
    from napari_toposeg.learning.planning import plan_network

    network = plan_network(pretraining.config)
    own = {"network": config.network or network.name}
    like = {"checkpoint": "none", "size": network.size, "patch": network.patch}
    return config.model_copy(update=own | like)


def measured(
    run: Callable[[Any], Generator[Step, None, Path]],
    config: PretrainConfig | FinetuneConfig,
    label: str,
) -> Measuring:
    """Return the seconds of a step by a training's own forecast; None where it makes none.

    Of planned steps, the seconds of all of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        trial = {"output": Path(folder) / "run", "forecast": True, "resume": False}
        with closing(run(config.model_copy(update=trial))) as steps:
            for step in steps:
                if step.forecast is not None:
                    return step.forecast["seconds"] / parts_of(config)
                # The steps that a forecast measures are told as parts of the first one.
                if step.message == "training" and step.step:
                    return None
                yield Step(step=0, total=1, message=f"measuring {label}")
    return None
