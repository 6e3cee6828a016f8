"""Progress and cancelling of a computation that runs in more than one thread.

The one idea: only the calling thread calls the hook. If that raises, the other threads find out at
their next chunk, and stop.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import get_ident

Progress = Callable[[float], object]
Tell = Callable[[float], None]
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
        return part_of(self.tell, low, high)


def part_of(tell: Tell, low: float, high: float) -> Tell:
    """Return the hook for a part of what another hook is told of."""
    return lambda done: tell(low + (high - low) * done)


def run_tasks(tasks: Sequence[Callable[[], None]], threads: int, tell: Tell = silent) -> None:
    """Run tasks, if there may be two threads all but the last one in others."""
    if threads < 2 or len(tasks) < 2:
        for task in tasks:
            task()
        return
    with ThreadPoolExecutor(min(threads, len(tasks)) - 1) as pool:
        others = [pool.submit(task) for task in tasks[:-1]]
        tasks[-1]()
        for other in others:
            while not wait([other], PATIENCE).done:
                tell(0.0)
            other.result()
