"""Watching a run from a terminal: its progress, and signals such as Ctrl-C that end it cleanly.

On a terminal one bar is redrawn; elsewhere (a log, a queue) a line is written now and then.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Generic, TextIO, TypeVar

from tqdm import tqdm

from napari_toposeg.progress import Step

Result = TypeVar("Result")

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)
]
"""Ctrl-C, the end of a job, and its announcement by SLURM."""

QUIET_SECONDS = 10.0
"""Least time between two lines where there is no terminal."""


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """How a run ended.

    Parameters
    ----------
    result
        What the run returned; None if it was stopped.
    last
        Its last Step.
    signal
        The number of the signal that ended it, such as of Ctrl-C; 0: it came to its end.
    """

    result: Result | None
    last: Step | None
    signal: int = 0

    @property
    def stopped(self) -> bool:
        """Whether a signal ended the run."""
        return self.signal != 0


def watch(
    run: Generator[Step, None, Result],
    stream: TextIO | None = None,
    agreed: Callable[[int], int] = int,
) -> Outcome[Result]:
    """Iterate a run to its end, or until Ctrl-C, and show its progress.

    The first Ctrl-C lets the step in hand finish and closes the run; a second one does not wait.
    So do SIGTERM and SIGUSR1.

    Parameters
    ----------
    agreed
        Turns the signal that this process received, or 0, into the one that all processes of the
        run are to end by: it is asked at every Step.
    """
    show = progress(stream or sys.stderr)
    last: Step | None = None
    with interruptible() as received, closing(show):
        while True:
            try:
                step = next(run)
            except StopIteration as stop:
                return Outcome(stop.value, last)
            # The pieces of a step tell no time: they do not say how far the run came.
            last = step if last is None or step.seconds >= last.seconds else last
            show(step)
            if ending := agreed(received()):
                run.close()
                return Outcome(None, last, ending)


@contextmanager
def interruptible() -> Iterator[Callable[[], int]]:
    """Turn the first signal into an answer of the yielded function instead of an end.

    The function returns the signal's number, or 0.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    received: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)
        if number == signal.SIGINT:
            print("\nstopping after this step; Ctrl-C again to stop at once", file=sys.stderr)

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield lambda: received[-1] if received else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def progress(stream: TextIO) -> "Bar | Lines":
    """Return what shows Steps on a stream."""
    return Bar(stream) if stream.isatty() else Lines(stream)


class Bar:
    """One bar on a terminal, begun anew where a run begins another stretch of steps."""

    def __init__(self, stream: TextIO) -> None:
        self.bar = tqdm(file=stream, unit="step", dynamic_ncols=True, delay=1e-9)
        self.shown: dict[str, str] = {}

    def __call__(self, step: Step) -> None:
        """Show a step; a measure stays until there is a newer one."""
        if step.total != self.bar.total or step.step < self.bar.n:
            self.bar.reset(total=step.total)
        self.shown |= figures(step)
        self.bar.set_description(step.message, refresh=False)
        self.bar.set_postfix(self.shown, refresh=False)
        self.bar.update(step.step - self.bar.n)

    def close(self) -> None:
        """Leave the bar as it is and end its line."""
        self.bar.close()


class Lines:
    """A line at the first step, at the last, where quality was measured, and now and then.

    Speed is that of all steps since the first, whatever was done between them.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.shown: tuple[str, int] | None = None
        self.total, self.first, self.began, self.written = 0, 0, 0.0, 0.0

    def __call__(self, step: Step) -> None:
        """Show a step if it is time."""
        now = time.monotonic()
        if step.total != self.total or step.step <= self.first:
            self.total, self.first, self.began = step.total, step.step, now
        another = (step.message, step.total) != self.shown
        quiet = now - self.written < QUIET_SECONDS
        if another or not quiet or step.metrics or step.step == step.total:
            self.shown = (step.message, step.total)
            self.written = now
            print(self.line(step, now - self.began), file=self.stream, flush=True)

    def line(self, step: Step, elapsed: float) -> str:
        """Return count, time, speed, time left and figures; of a single step what it does."""
        if step.total == 1 and not figures(step):
            return step.message
        meter: str = tqdm.format_meter(
            step.step,
            step.total,
            elapsed,
            initial=self.first,
            prefix=f"{step.message}: " if step.message else "",
            unit="step",
            postfix=", ".join(f"{name}={value}" for name, value in figures(step).items()),
            bar_format="{desc}{n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]",
        )
        return meter

    def close(self) -> None:
        """Do nothing: every line is written whole."""


def figures(step: Step) -> dict[str, str]:
    """Return the loss and the measures of a step as text."""
    shown = {name: value for name, value in step.losses.items() if name == "loss"}
    return {name: f"{value:.4g}" for name, value in (shown | dict(step.metrics)).items()}
