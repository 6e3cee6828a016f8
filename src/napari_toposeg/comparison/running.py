"""Running a comparison: one run after the other, each made once, whoever makes it.

A run is claimed by a lock that the system releases when its process ends, however it ends. So
several processes can work on one comparison in one folder, and one that was killed leaves its run
to the next, which goes on from the last checkpoint.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from napari_toposeg.comparison.cases import CaseSet, gather
from napari_toposeg.comparison.columns import columns_of
from napari_toposeg.comparison.digests import NOT_COUNTED
from napari_toposeg.comparison.judging import Judgement, judge, lacks_maps, read_judgement
from napari_toposeg.comparison.spending import Spending, state_of
from napari_toposeg.comparison.trials import Pretraining, Trial, chosen, list_trials
from napari_toposeg.comparison.vessels import with_phantoms
from napari_toposeg.config import CompareConfig, FinetuneConfig, PretrainConfig
from napari_toposeg.errors import InvalidConfig, ToposegError
from napari_toposeg.progress import Step

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
"""Time between two looks at what other processes are doing."""

Work = Generator[Step, None, None]
Training = PretrainConfig | FinetuneConfig


@dataclass
class Comparison:
    """A comparison in the making.

    Parameters
    ----------
    trials
        All its runs.
    failed
        What went wrong, by the label of the run.
    broken
        Labels of those whose fault is this program's and not the user's.
    lost
        What went wrong with a pretraining, by its digest: it is tried once.
    """

    config: CompareConfig
    cases: CaseSet
    trials: list[Trial]
    failed: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    lost: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: CompareConfig) -> "Comparison":
        """Find the cases and list the runs, of which nothing is begun."""
        columns_of(config)
        config = with_phantoms(config)
        cases = gather(config)
        return cls(config, cases, list_trials(config, cases))

    def is_done(self, trial: Trial) -> bool:
        """Tell whether a run is trained and judged, and has the label maps that are to be kept."""
        judgement = self.judgement(trial)
        return judgement is not None and not lacks_maps(trial, self.config, judgement)

    def judgement(self, trial: Trial) -> Judgement | None:
        """Return how a run did; None if it is not judged."""
        return read_judgement(trial, self.config, self.cases)


def compare(config: CompareConfig) -> Generator[Step, None, Comparison]:
    """Make all runs of a comparison that are not made yet.

    Yields
    ------
    Step
        Those of the runs, each with what it is of.

    Raises
    ------
    InvalidConfig
        If the settings or the cases cannot be compared; what fails later fails alone.
    """
    comparison = Comparison.of(config)
    config = comparison.config
    ahead = [t for t in chosen(config, comparison.trials) if not comparison.is_done(t)]
    total, over = len(ahead), 0
    while ahead:
        waiting = []
        for trial in ahead:
            place = f"{over + 1} of {total}, {trial.label}"
            if (yield from attempt(comparison, trial, place)):
                over += 1
            else:
                waiting.append(trial)
        if len(waiting) == len(ahead):
            yield Step(step=over, total=total, message="waiting for other processes")
            time.sleep(WAIT_SECONDS)
        ahead = waiting
    return comparison


def attempt(comparison: Comparison, trial: Trial, place: str) -> Generator[Step, None, bool]:
    """Make a run, unless it is another process's; return whether it is over."""
    try:
        for step in (work := made(comparison, trial)):
            yield replace(step, message=f"{place}: {step.message}", plan=None, forecast=None)
    except Busy:
        return False
    except ToposegError as error:
        comparison.failed[trial.label] = str(error)
        logger.warning("%s failed: %s", trial.label, error)
    except Exception as error:
        # One fault of ours must not cost a night of other runs; it is told, and the exit code says.
        comparison.failed[trial.label] = f"{type(error).__name__}: {error}"
        comparison.broken.add(trial.label)
        logger.exception("%s failed by a fault of this program", trial.label)
    finally:
        work.close()
    return True


def made(comparison: Comparison, trial: Trial) -> Work:
    """Pretrain, fine-tune and judge, as far as that is not done.

    Raises
    ------
    Busy
        If another process has a part of it in hand.
    """
    from napari_toposeg.learning.finetune import finetune
    from napari_toposeg.learning.pretrain import pretrain

    config = comparison.config
    if trial.pretraining is not None:
        with claimed(trial.pretraining.folder), tried_once(comparison, trial.pretraining):
            yield from trained(pretrain, trial.pretraining.config)
    for member in trial.members:
        with claimed(member.folder):
            yield from trained(finetune, member.config)
    with claimed(trial.folder):
        if not comparison.is_done(trial):
            yield from judge(trial, config, comparison.cases)


@contextmanager
def tried_once(comparison: Comparison, pretraining: Pretraining) -> Iterator[None]:
    """Remember what went wrong with a pretraining, and raise it again where it is wanted again."""
    if pretraining.digest in comparison.lost:
        raise InvalidConfig(comparison.lost[pretraining.digest])
    try:
        yield
    except ToposegError as error:
        comparison.lost[pretraining.digest] = f"{pretraining.label}: {error}"
        raise


class Busy(Exception):
    """Another process has a run in hand."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run's folder for this process, or raise Busy."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / ".claim").acquire(timeout=0)
    except Timeout:
        raise Busy from None
    with lock:
        yield


def note_places(config: Training) -> None:
    """Tell a begun run where its folder and its data lie by now: by its digest it is the same."""
    from napari_toposeg.learning.run_folder import RunFolder

    path = RunFolder(config.output).settings
    if path.is_file():
        places = {name: value for name, value in config if name in NOT_COUNTED}
        type(config).from_toml(path).model_copy(update=places).to_toml(path)


def trained(run: Callable[[Any], Generator[Step, None, Path]], config: Training) -> Work:
    """Train to the end, from wherever it was left, and note the processor time that it took."""
    state = state_of(config.output)
    if state == "trained":
        return
    begun = state == "begun"
    if begun:
        note_places(config)
    spending = Spending(config.output, anew=not begun)
    with closing(run(config.model_copy(update={"resume": begun}))) as work:
        try:
            for step in work:
                if step.checkpoint is not None:
                    spending.note()
                yield step
        except GeneratorExit:
            # Stopped, it keeps the steps that it took.
            work.close()
            spending.note()
            raise
    spending.close()
    # A run that is over is not gone on with, and its moments take three times the model's room.
    (config.output / "last.safetensors").unlink(missing_ok=True)
