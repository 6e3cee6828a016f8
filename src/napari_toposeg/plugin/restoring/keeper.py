"""SessionKeeper: writes what is open, some seconds after it changed, in a thread of its own.

The one idea: the window only points to its arrays; the thread copies, compresses and writes them.
While it writes, changes wait for the next time; what could not be written is tried again after a
minute and when the window closes. An empty viewer is never kept: napari removes the layers before
it closes, and that must not undo what was.
"""

from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_toposeg.errors import ToposegError
from napari_toposeg.plugin.restoring.kept_sessions import claim, drop_oldest, new_folder, release
from napari_toposeg.plugin.restoring.session_folder import SessionPage, write_session
from napari_toposeg.plugin.restoring.snapshot import Snapshot
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.waiting import call_in_daemon

QUIET_MS, LONGEST_MS = 5_000, 60_000
"""A change is kept after so long a pause, or at the latest after a minute of changes."""
LAST_SECONDS = 30
"""The longest that a closing window waits for its session to be written."""
WRITES = frozenset(
    {
        *("data", "paint", "labels_update", "features", "name", "visible", "opacity", "colormap"),
        *("contrast_limits", "gamma", "blending", "metadata", "scale", "translate", "contour"),
        *("selected_label", "current_face_color", "text", "rendering", "affine", "rotate"),
    }
)
"""Events of a layer after which it is worth to keep it again."""


class SessionKeeper(QObject):
    """Keeps what is open in one viewer.

    Parameters
    ----------
    session
        Of the dock.
    take
        Returns a snapshot of what is open.
    quiet, longest
        Milliseconds of `QUIET_MS` and `LONGEST_MS`.
    """

    kept = Signal(object)
    """The page that was written."""
    failed = Signal(str)
    """Why nothing could be written."""

    def __init__(
        self,
        session: Session,
        take: Callable[[], Snapshot],
        *,
        quiet: int = QUIET_MS,
        longest: int = LONGEST_MS,
    ) -> None:
        super().__init__()
        self._session, self._take = session, take
        self.folder: Path | None = None
        self._writing: Future[SessionPage] | None = None
        self._leaving: Snapshot | None = None
        self._dirty = self._removing = False
        self._quiet = _timer(self, quiet, self.write)
        self._longest = _timer(self, longest, self.write)
        self._poll = _timer(self, 200, self._look)
        self._follow(session.viewer)
        session.closing.connect(self.close)

    def changed(self, _: object = None) -> None:
        """Note that something changed, unless nothing is to be kept."""
        if not read_settings().keep_session:
            return
        self._dirty = True
        self._quiet.start()
        if not self._longest.isActive():
            self._longest.start()

    def go_on_in(self, folder: Path) -> None:
        """Keep the session in the folder that it was opened from."""
        if self.folder is not None:
            release(self.folder)
        claim(folder)
        self.folder = folder

    def write(self) -> None:
        """Begin to write what is open, unless that is nothing or it is being written."""
        if not self._is_unsaved() or not len(self._session.viewer.layers):
            return
        if self._is_writing():
            self._quiet.start()
            return
        self._begin(self._take())
        self._poll.start()

    def write_now(self) -> None:
        """Write what is open and was not written yet, and wait until it is."""
        self._wait()
        viewer_is_empty = not len(self._session.viewer.layers)
        snapshot = self._leaving if viewer_is_empty else self._take()
        if self._is_unsaved() and snapshot is not None and snapshot.records:
            self._begin(snapshot)
            self._wait()

    def close(self) -> None:
        """Write what is open for the last time and leave the folder to the next window."""
        self.write_now()
        for timer in (self._quiet, self._longest, self._poll):
            timer.stop()
        self._unfollow(self._session.viewer)
        if self.folder is not None:
            release(self.folder)
            drop_oldest(self.folder.parent)

    def _begin(self, snapshot: Snapshot) -> None:
        self._dirty = False
        self._quiet.stop()
        self._longest.stop()
        folder = self.folder = self.folder or new_folder()

        def write() -> SessionPage:
            page = write_session(folder, snapshot)
            claim(folder)
            return page

        self._writing = call_in_daemon(write)

    def _is_writing(self) -> bool:
        return self._writing is not None and not self._writing.done()

    def _is_unsaved(self) -> bool:
        """Tell whether something is to be kept that neither is on the disk nor being written."""
        writing = self._writing
        failed = writing is not None and writing.done() and writing.exception() is not None
        return (self._dirty or failed) and read_settings().keep_session

    def _wait(self) -> None:
        if self._writing is not None:
            wait([self._writing], timeout=LAST_SECONDS)

    def _look(self) -> None:
        if self._writing is None or self._is_writing():
            self._poll.start()
            return
        error = self._writing.exception()
        if error is None:
            self.kept.emit(self._writing.result())
        elif isinstance(error, ToposegError):
            self.failed.emit(str(error))
            self._longest.start()
        else:
            self._session.show_error(error)

    def _follow(self, viewer: Any) -> None:
        events = viewer.layers.events
        events.inserted.connect(self._on_inserted)
        events.removing.connect(self._on_removing)
        for event in (events.removed, events.reordered):
            event.connect(self.changed)
        for event in self._viewing(viewer):
            event.connect(self.changed)
        for layer in viewer.layers:
            self._listen(layer)

    def _unfollow(self, viewer: Any) -> None:
        events = viewer.layers.events
        events.inserted.disconnect(self._on_inserted)
        events.removing.disconnect(self._on_removing)
        for event in (events.removed, events.reordered, *self._viewing(viewer)):
            event.disconnect(self.changed)
        for layer in viewer.layers:
            for name in WRITES & set(layer.events.emitters):
                layer.events.emitters[name].disconnect(self.changed)

    def _viewing(self, viewer: Any) -> tuple[Any, ...]:
        return viewer.dims.events.point, viewer.dims.events.ndisplay, viewer.dims.events.order

    def _listen(self, layer: Any) -> None:
        for name in WRITES & set(layer.events.emitters):
            layer.events.emitters[name].connect(self.changed)

    def _on_inserted(self, event: Any) -> None:
        self._listen(event.value)
        self.changed()

    def _on_removing(self, _: object) -> None:
        # If the window closes before Qt comes to the timer, this is what was open.
        if not self._removing:
            self._removing = True
            # What is being written can still fail.
            needed = self._is_unsaved() or self._is_writing()
            self._leaving = self._take() if needed else None
            QTimer.singleShot(0, self._forget_leaving)

    def _forget_leaving(self) -> None:
        self._removing, self._leaving = False, None


def _timer(parent: QObject, milliseconds: int, call: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(call)
    return timer
