"""Meter: the time and the memory that a piece of work takes on a device.

On a GPU its allocator tells the peak. Elsewhere the memory of the whole process is looked at again
and again while the work goes on: data in memory and libraries count, as they do for the system.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import psutil
import torch

from napari_toposeg.progress import Step

Result = TypeVar("Result")

GIB = 2**30
LOOK_SECONDS = 0.005
"""Time between two looks at the memory of the process."""


@dataclass(frozen=True)
class Measured(Generic[Result]):
    """What a piece of work gave and took: wall-clock seconds, and bytes above those before."""

    result: Result
    seconds: float
    rise: float


class Meter:
    """A meter of one device.

    Attributes
    ----------
    start, highest
        Bytes in use when the meter was made, and most that were in use while it measured.
    free
        Bytes that this process may use: those in use at the start, and those nobody uses.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.start = self.used()
        self.highest = self.start
        self.free = self.start + self.unused()

    def used(self) -> float:
        """Return the bytes that this process uses."""
        if self.device.type == "cuda":
            return float(torch.cuda.memory_reserved(self.device))
        return float(psutil.Process().memory_info().rss)

    def unused(self) -> float:
        """Return the bytes that nobody uses."""
        if self.device.type == "cuda":
            return float(torch.cuda.mem_get_info(self.device)[0])
        return float(psutil.virtual_memory().available)

    def measure(self, work: Callable[[], Result]) -> Measured[Result]:
        """Do some work and measure it."""
        before, began = self.used(), time.perf_counter()
        with self.watched() as peak:
            result = work()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        seconds = time.perf_counter() - began
        self.highest = max(self.highest, peak())
        return Measured(result, seconds, peak() - before)

    def follow(
        self, work: Generator[Step, None, Result]
    ) -> Generator[Step, None, Measured[Result]]:
        """Do the work of a generator, pass its Steps on, and measure it."""
        rise, start, began = 0.0, self.used(), time.perf_counter()
        while True:
            before = self.used()
            piece = self.measure(lambda: next_or_result(work))
            # What a piece leaves behind, as activations for the gradients, is there in the next.
            rise = max(rise, before - start + piece.rise)
            match piece.result:
                case Step() as step:
                    yield step
                case Ended(result):
                    return Measured(result, time.perf_counter() - began, rise)

    @contextmanager
    def watched(self) -> Iterator[Callable[[], float]]:
        """Yield a function that tells the most bytes that were in use within."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            yield lambda: float(torch.cuda.max_memory_reserved(self.device))
            return
        seen = [self.used()]
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK_SECONDS):
                seen.append(self.used())

        watcher = threading.Thread(target=look, name="memory", daemon=True)
        watcher.start()
        try:
            yield lambda: max(seen)
        finally:
            over.set()
            watcher.join()
            seen.append(self.used())


@dataclass(frozen=True)
class Ended(Generic[Result]):
    """The result of a generator that is over."""

    result: Result


def next_or_result(work: Generator[Step, None, Result]) -> "Step | Ended[Result]":
    """Return the next Step, or what the generator returned."""
    try:
        return next(work)
    except StopIteration as done:
        return Ended(done.value)
