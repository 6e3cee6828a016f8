"""Errand: a short piece of work beside the window, while a training may be running.

The one idea: the session has one job, and painting must not wait for it. Work of less than a few
seconds goes to a thread of its own; its result comes back on the thread of the window, and only
the newest one counts.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal

from napari_toposeg.plugin.waiting import call_in_daemon


class Errand(QObject):
    """Calls one function after the other in the background."""

    done = Signal(object)
    """What the newest call returned."""

    failed = Signal(object)
    """What the newest call raised."""

    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest: Future[Any] | None = None
        self._closed = False
        self._ended.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> bool:
        """True until the newest call was delivered."""
        return self._newest is not None

    def send(self, work: Callable[[], Any]) -> None:
        """Call a function in the background; an earlier call that still runs is forgotten."""
        self._newest = call_in_daemon(work)
        self._newest.add_done_callback(self._tell)

    def close(self) -> None:
        """Send no signal any more: the window that would listen is closing."""
        self._closed = True
        self._newest = None

    def _tell(self, future: "Future[Any]") -> None:
        if not self._closed:
            self._ended.emit(future)

    def _deliver(self, future: "Future[Any]") -> None:
        if self._closed or future is not self._newest:
            return
        self._newest = None
        error = future.exception()
        if error is None:
            self.done.emit(future.result())
        else:
            self.failed.emit(error)
