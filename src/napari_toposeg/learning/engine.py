"""The training loop, on Lightning Fabric, as a generator of Steps.

One loop serves every task. Every random choice of step n follows from the seed and n alone, so a
run that was killed and resumed gives the numbers of one that was not: its weights and the
optimiser's state are all that it must keep. To close the generator keeps them first.
"""

import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch

from napari_toposeg.config import TrainingConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.descent import Descent, begin, learning_rate
from napari_toposeg.learning.devices import choose_threads, memory_errors_explained
from napari_toposeg.learning.forecast import FEWEST, forecast
from napari_toposeg.learning.logbook import Logbook
from napari_toposeg.learning.ranks import join_ranks, world_of
from napari_toposeg.learning.run_folder import RunFolder, open_run, restore
from napari_toposeg.learning.task import Batch, Evaluation, Task
from napari_toposeg.learning.training_state import Progress, load_training, snapshot
from napari_toposeg.progress import Step


def optimise(task: Task, config: TrainingConfig) -> Generator[Step, None, Path]:
    """Train, and return the path of the best checkpoint.

    For what is written see `run_folder` and `logbook`.

    Raises
    ------
    InvalidConfig
        If the folder holds a run already and `resume` is not set, or the loss is not finite.
    OutOfMemory
        If the device has too little memory.
    """
    fabric = join_ranks(config)
    run = open_run(config, writes=fabric.is_global_zero)
    choose_threads(config.threads, processes=config.devices)
    of_ranks = parts_of(range(config.batch), world_of(config))
    shares = parts_of(of_ranks[fabric.global_rank], config.accumulate)
    progress = restore(run, task.network) if config.resume else Progress()
    descent = begin(task, config, fabric)
    load_training(descent.optimiser, fabric.strategy.precision, progress)
    done = progress.step
    with (
        memory_errors_explained(),
        closing(descent),
        Logbook(run.folder, done) if fabric.is_global_zero else nullcontext() as log,
    ):
        course = Course(run, log, task, descent, config, progress.best, progress.stale)
        course.kept = done - bool(progress.untold)
        if config.forecast and config.steps - done >= FEWEST and not course.over:
            found = yield from forecast(descent, config, shares, done)
            yield Step(step=done, total=config.steps, message=str(found), forecast=found.record())
        if progress.untold:
            yield from course.tell(done, progress.untold)
        elif task.judged_first and not math.isfinite(progress.best):
            yield from course.tell(done, {})
        for step, parts in batches(task, shares, range(done + 1, config.steps + 1)):
            if course.over:
                break
            yield from course.take(step, parts)
    return run.best


@dataclass
class Course:
    """What follows a step: a validation now and then, log and checkpoints, the Step itself.

    Parameters
    ----------
    log
        None of ranks that do not write.
    best
        The highest score so far.
    stale
        Validations in a row since then.
    kept
        The step that the checkpoint on disk goes on from.
    """

    run: RunFolder
    log: Logbook | None
    task: Task
    descent: Descent
    config: TrainingConfig
    best: float
    stale: int = 0
    kept: int = 0
    began: float = field(default_factory=time.perf_counter)

    @property
    def over(self) -> bool:
        """Whether the run ends before its last step, as it has waited for a better score enough."""
        return 0 < self.config.patience <= self.stale

    def take(self, step: int, parts: Sequence[Batch]) -> Generator[Step, None, None]:
        """Take a step and tell of it; where the generator is closed before it is taken, drop it."""
        try:
            losses = yield from self.descent.step(step, parts)
        except GeneratorExit:
            if self.kept < step - 1:
                self.keep(Progress(step - 1, self.best, stale=self.stale), Evaluation(0.0, {}))
            raise
        self.task.after(step)
        yield from self.tell(step, losses)

    def doing(self, step: int) -> str:
        """Return what the Step of a step says that is done."""
        if not self.over or step == self.config.steps:
            return "training"
        return f"ended early, no better score in {self.stale} validations"

    def tell(self, step: int, losses: Mapping[str, float]) -> Generator[Step, None, None]:
        """Judge if it is time, write, and yield the Step.

        Where the generator is closed meanwhile, the step is kept; one that was not told is told
        when the run is resumed.
        """
        stop = step % self.config.every == 0 or step == self.config.steps
        told = False
        try:
            evaluation = (yield from self.descent.judge(step)) if stop else None
            report = self.write(step, losses, evaluation)
            told = True
            yield report
        except GeneratorExit:
            if not (told and stop):
                untold = {} if told else losses
                self.keep(Progress(step, self.best, untold, stale=self.stale), Evaluation(0.0, {}))
            raise

    def write(self, step: int, losses: Mapping[str, float], evaluation: Evaluation | None) -> Step:
        """Write log and checkpoints of a step, and return its Step."""
        better = evaluation is not None and self.run.is_better(evaluation.score, self.best)
        # Where nothing is judged, no score is ever better and none is waited for.
        if evaluation and evaluation.metrics:
            self.stale = 0 if evaluation.score > self.best else self.stale + 1
        report = Step(
            step=step,
            total=self.config.steps,
            losses=losses,
            metrics=evaluation.metrics if evaluation else {},
            seconds=time.perf_counter() - self.began,
            checkpoint=(self.run.best if better else self.run.last) if evaluation else None,
            preview=evaluation.preview if evaluation else None,
            slices=evaluation.slices if evaluation else (),
            message=self.doing(step),
        )
        # The log comes first: a run that is resumed forgets lines after its checkpoint.
        if self.log is not None:
            self.log.record(report, learning_rate(step, self.config))
            if evaluation and evaluation.preview and self.config.previews:
                self.log.show(self.run.draw(evaluation.preview, step), step)
        if evaluation:
            self.best = max(self.best, evaluation.score)
            self.keep(Progress(step, self.best, stale=self.stale), evaluation, better=better)
        return report

    def keep(self, progress: Progress, evaluation: Evaluation, *, better: bool = False) -> None:
        """Write checkpoints; all ranks give their shards, rank 0 writes."""
        self.kept = progress.step
        taken = snapshot(self.task, self.descent.optimiser, self.descent.fabric.strategy.precision)
        if self.log is None:
            return
        card = self.task.card(evaluation)
        if better:
            self.run.keep_best(taken, card, progress)
        self.run.keep_last(taken, card, progress)


def batches(task: Task, shares: Sequence[range], steps: range) -> Iterator[tuple[int, list[Batch]]]:
    """Yield steps with the parts of their batches.

    Each step's are drawn in a thread while the step before is computed.

    Parameters
    ----------
    shares
        Samples of each part.
    """

    def draw(step: int) -> list[Batch]:
        return [task.draw(step, share) for share in shares]

    many = torch.get_num_threads()
    with ThreadPoolExecutor(1, thread_name_prefix="crops") as ahead:
        ahead.submit(use_one_thread).result()
        # What a thread sets holds for itself, and for threads to come.
        torch.set_num_threads(many)
        upcoming = ahead.submit(draw, steps.start)
        for step in steps:
            parts = upcoming.result()
            if step + 1 in steps:
                upcoming = ahead.submit(draw, step + 1)
            yield step, parts


def parts_of(samples: range, count: int) -> list[range]:
    """Divide samples into equal parts.

    Raises
    ------
    InvalidConfig
        If they cannot be.
    """
    if len(samples) % count:
        raise InvalidConfig(
            f"{len(samples)} crops a step cannot be divided into {count} equal parts; choose a "
            "batch that is a multiple of them"
        )
    size = len(samples) // count
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def use_one_thread() -> None:
    """Let torch use one thread in this thread: more would fight with the step's for the cores."""
    # A thread takes the number for threads to come when it first asks; later that would undo this.
    torch.get_num_threads()
    torch.set_num_threads(1)
