"""Waiting: a long call, made into a run that can be closed at once.

The one idea: the call works in a daemon thread while the run yields Steps. `wait_for` knows nothing
of the call and counts by the clock; closing it drops what the call still brings. `follow` gives the
call a function to report to: the Steps count what is done, and closing ends the call at its next
report.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event, Thread
from typing import TypeVar

from napari_toposeg.progress import Run, Step

POLL_SECONDS = 0.2

Result = TypeVar("Result")


def wait_for(work: Callable[[], Result], message: str, *, seconds: float) -> Run[Result]:
    """Call a function, yield Steps until it returns, and return what it returned.

    Parameters
    ----------
    work
        What is called, once, in a thread of its own.
    message
        What is being done, for a person.
    seconds
        Time that it is expected to take; the Steps count hundredths of it.
    """
    future = call_in_daemon(work)
    start = time.monotonic()
    done = False
    while not done:
        done = bool(wait([future], timeout=POLL_SECONDS).done)
        passed = time.monotonic() - start
        count = 100 if done else min(99, int(100 * passed / max(seconds, 1e-3)))
        yield Step(max(count, 1), 100, seconds=passed, message=message)
    return future.result()


class Closed(Exception):
    """The run was closed: raised in the call, out of its report."""


def follow(work: Callable[[Callable[[float], object]], Result], message: str) -> Run[Result]:
    """Call a function that reports its progress, and return what it returned.

    Parameters
    ----------
    work
        What is called, once, in a thread of its own, with a function that takes the fraction done.
    message
        What is being done, for a person.
    """
    done, closed = 0.0, Event()

    def report(fraction: float) -> None:
        nonlocal done
        done = fraction
        if closed.is_set():
            raise Closed

    future = call_in_daemon(lambda: work(report))
    start = time.monotonic()
    finished = False
    try:
        while not finished:
            finished = bool(wait([future], timeout=POLL_SECONDS).done)
            count = 100 if finished else min(99, max(1, int(100 * done)))
            yield Step(count, 100, seconds=time.monotonic() - start, message=message)
    finally:
        closed.set()
    return future.result()


def call_in_daemon(work: Callable[[], Result]) -> "Future[Result]":
    """Call a function in a thread that does not keep the program from ending."""
    future: Future[Result] = Future()

    def call() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  It is raised again by the future's result().
            future.set_exception(error)

    Thread(target=call, name="toposeg-waiting", daemon=True).start()
    return future
