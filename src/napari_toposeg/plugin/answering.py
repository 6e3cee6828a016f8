"""Answering: a run whose Steps take long, made into one that can be closed at once.

The one idea: the run is iterated in a daemon thread, and only when a Step is asked for. While it
makes one, the last one is told again; closing is answered at the next of these, and the run itself
is closed in its thread as soon as it has made its Step. `waiting` does so for a single call.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from napari_toposeg.plugin.waiting import POLL_SECONDS
from napari_toposeg.progress import Step

Result = TypeVar("Result")


@dataclass(frozen=True)
class Ended:
    """What a run ended with: its result or its error."""

    result: Any = None
    error: BaseException | None = None


def answering(run: Generator[Step, None, Result]) -> Generator[Step, None, Result]:
    """Iterate a run elsewhere, so that closing never waits for its Step; return its result.

    Parameters
    ----------
    run
        All of it happens in one thread, so settings that a library keeps by thread hold.
    """
    asked: SimpleQueue[bool] = SimpleQueue()
    told: SimpleQueue[Step | Ended] = SimpleQueue()
    Thread(target=_serve, args=(run, asked, told), name="toposeg-answering", daemon=True).start()
    last = Step(1, 1)
    try:
        while True:
            asked.put(True)
            while (answer := _wait(told)) is None:
                yield last
            match answer:
                case Step():
                    last = answer
                    yield answer
                case Ended(error=BaseException() as error):
                    raise error
                case Ended(result=result):
                    found: Result = result
                    return found
    finally:
        asked.put(False)


def _wait(told: "SimpleQueue[Step | Ended]") -> Step | Ended | None:
    try:
        return told.get(timeout=POLL_SECONDS)
    except Empty:
        return None


def _serve(
    run: Generator[Step, None, Any],
    asked: "SimpleQueue[bool]",
    told: "SimpleQueue[Step | Ended]",
) -> None:
    with closing(run):
        while asked.get():
            try:
                told.put(next(run))
            except StopIteration as stop:
                told.put(Ended(stop.value))
                return
            except BaseException as error:  # noqa: BLE001  It is raised again where it is awaited.
                told.put(Ended(error=error))
                return
