"""Progress and cancelling of a computation that runs in more than one thread.

The one idea: only the calling thread calls the hook. If that raises, the other threads find out at
their next chunk, and stop.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import get_ident
from typing import TypeVar, cast

Progress = Callable[[float], object]
Tell = Callable[[float], None]
Result = TypeVar("Result")
PATIENCE = 0.1


def silent(done: float) -> None:
    """Tell nobody."""


class Stopped(Exception):
    """Raised in other threads once the calling thread's hook has raised."""


class Watch:
    """The hook of one computation, made in the thread that asked for it."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress
        self.caller = get_ident()
        self.stopped = False
        self.done = 0.0

    def tell(self, done: float) -> None:
        """Pass the fraction done to the hook; in another thread only look whether to stop."""
        if self.progress is None:
            return
        if self.stopped:
            raise Stopped
        if get_ident() == self.caller:
            self.done = max(self.done, done)
            try:
                self.progress(self.done)
            except BaseException:
                self.stopped = True
                raise

    def part(self, low: float, high: float) -> Tell:
        """Return the hook for a part of the whole, from fraction ``low`` to ``high`` of it."""
        return lambda done: self.tell(low + (high - low) * done)

    def result(self, future: Future[Result]) -> Result:
        """Wait for another thread's result, calling the hook meanwhile."""
        while self.progress is not None and not wait([future], PATIENCE).done:
            self.tell(self.done)
        return future.result()

    def run(self, tasks: Sequence[Callable[[], None]], threads: int) -> None:
        """Run tasks, if there may be two threads all but the last one in others."""
        if threads < 2:
            for task in tasks:
                task()
        elif tasks:
            with ThreadPoolExecutor(len(tasks)) as pool:
                others = [pool.submit(task) for task in tasks[:-1]]
                tasks[-1]()
                for other in others:
                    self.result(other)


@contextmanager
def ahead(items: Iterator[Result], threads: int) -> Iterator[Iterator[Result]]:
    """Iterate while, if there may be two threads, another one makes the next item."""
    if threads < 2:
        yield items
        return
    with ThreadPoolExecutor(1) as pool:
        yield make_ahead(items, pool)


def make_ahead(items: Iterator[Result], pool: ThreadPoolExecutor) -> Iterator[Result]:
    """Yield the items, the next one being made in the pool meanwhile."""
    end = object()
    coming = pool.submit(next, items, end)
    while (item := coming.result()) is not end:
        coming = pool.submit(next, items, end)
        yield cast(Result, item)
