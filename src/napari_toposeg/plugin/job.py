"""Job: a run in a background thread.

The one idea: the worker only iterates the generator and puts what happened into a queue; the queue
is emptied on the thread that made the Job. So every signal arrives on the main thread, in order,
whatever the Qt binding, and a slot may touch layers and widgets. Errors travel in a
`concurrent.futures.Future`, which keeps RuntimeErrors too (superqt's GeneratorWorker takes them
for a deleted Qt object).
"""

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from queue import SimpleQueue
from threading import Event
from time import monotonic
from typing import Any

from qtpy.QtCore import QObject, Qt, QTimer, Signal

from napari_toposeg.plugin.memory import forget_locals
from napari_toposeg.progress import Step

DELIVER_SECONDS = 0.03
"""Time in which Steps are delivered before the window may do something else."""

TELLING_SECONDS = 2.0
"""Time that the end of a run is given to be told, before what follows it is done anyway."""

MakeRun = Callable[[], Generator[Step, None, Any]]


class Job(QObject):
    """One run, from its start to its result, its error or its cancellation.

    Parameters
    ----------
    make_run
        Makes the generator; called in the worker, so that slow imports do not stop the window.
    title
        What is being done, for a person.
    after
        Called in the worker once the end of the run was told, however it ended: who waits for the
        end does not wait for this.

    Notes
    -----
    Signals, all on the thread of the Job: ``stepped(Step)``; then exactly one of
    ``finished(result)``, ``failed(error)`` and ``cancelled()``; then ``ended()``. Cancelling and
    pausing act between two Steps. The generator is closed in the worker before the last signal.
    ``pause_changed(paused)`` comes whoever paused or resumed.
    """

    stepped = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()
    pause_changed = Signal(bool)
    _posted = Signal()

    def __init__(
        self, make_run: MakeRun, title: str = "", *, after: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self.title = title
        self._make_run: MakeRun | None = make_run
        self._after = after
        self._steps: SimpleQueue[Step] = SimpleQueue()
        self._stop = Event()
        self._end_told = Event()
        self._go = Event()
        self._go.set()
        self._silent = False
        self._over = False
        self._told = False
        self._future: Future[Any] | None = None
        self._posted.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to iterate the run in a thread of its own."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="toposeg-job")
        self._future = executor.submit(self._iterate)
        self._future.add_done_callback(self._post)
        if self._after is not None:
            executor.submit(do_afterwards, self._after, self._end_told)
        executor.shutdown(wait=False)

    @property
    def running(self) -> bool:
        """True from the start until the last signal was sent."""
        return self._future is not None and not self._over

    @property
    def paused(self) -> bool:
        """True while no further Step is asked for."""
        return not self._go.is_set() and not self._stop.is_set()

    @property
    def cancelling(self) -> bool:
        """True once the run was told to stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Stop after the Step that is being made, and close the generator."""
        self._stop.set()
        self.resume()

    def pause(self) -> None:
        """Ask for no further Step until `resume`."""
        if not self._stop.is_set():
            self._go.clear()
            self._announce(True)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._go.set()
        self._announce(False)

    def abandon(self) -> None:
        """Cancel and send no signal any more: the window that would listen is closing."""
        self._silent = True
        self._end_told.set()
        self.cancel()

    def join(self, seconds: float) -> bool:
        """Wait for the worker, without sending signals; True if it has ended."""
        return self._future is None or bool(wait([self._future], timeout=seconds).done)

    def _announce(self, paused: bool) -> None:
        if not self._silent:
            self.pause_changed.emit(paused)

    def _iterate(self) -> Any:
        # What a run was made of, scan and labels, shall not outlive it with the Job.
        make_run, self._make_run = self._make_run, None
        assert make_run is not None
        try:
            return self._iterate_over(make_run)
        except BaseException as error:
            # An error remembers its functions, and they the network, for as long as it is kept.
            forget_locals(error)
            raise
        finally:
            del make_run

    def _iterate_over(self, make_run: MakeRun) -> Any:
        with closing(make_run()) as run:
            while self._go.wait() and not self._stop.is_set():
                try:
                    step = next(run)
                except StopIteration as stop:
                    return stop.value
                self._steps.put(step)
                self._post()
        return None

    def _post(self, _: object = None) -> None:
        # One delivery at a time: many in the queue would leave the window no turn between them.
        if not self._silent and not self._told:
            self._told = True
            self._posted.emit()

    def _deliver(self) -> None:
        # Before the queue is read: what comes from now on is told anew.
        self._told = False
        future = self._future
        # Asked before the queue is emptied: a Step put in later comes with a post of its own.
        done = future is not None and future.done()
        end = monotonic() + DELIVER_SECONDS
        while not self._silent and not self._steps.empty():
            if monotonic() > end:
                # A run that is faster than what shows it must not hold up the window.
                self._told = True
                QTimer.singleShot(1, self._deliver)
                return
            self.stepped.emit(self._steps.get())
        if future is not None and done and not self._over and not self._silent:
            self._over = True
            self._conclude(future)

    def _conclude(self, future: "Future[Any]") -> None:
        error = future.exception()
        if error is not None:
            self.failed.emit(error)
        elif self._stop.is_set():
            self.cancelled.emit()
        else:
            self.finished.emit(future.result())
        self.ended.emit()
        self._end_told.set()


def do_afterwards(after: Callable[[], None], told: Event) -> None:
    """Do what follows a run once its end was told; a window that is stuck does not prevent it."""
    told.wait(TELLING_SECONDS)
    after()
