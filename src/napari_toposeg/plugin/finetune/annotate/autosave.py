"""Autosave: keeps an annotation while it is painted, in a thread of its own.

The one idea: some seconds after a stroke a copy is handed to the thread; strokes that come while it
writes are kept by the next one. Painting never waits. What is kept of a scan already, by another
layer or by a session before this one, is set aside before it is replaced.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_toposeg.plugin.finetune.annotate.classes import PaintedClass
from napari_toposeg.plugin.finetune.annotate.kept_annotations import keep, path_of, spare
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import call_in_daemon
from napari_toposeg.volume import Volume

AFTER_MS = 2000
POLL_MS = 200

Given = Sequence[str | PaintedClass]
Labels = NDArray[np.uint8]


class Autosave(QObject):
    """Keeps the annotation that was painted last.

    Parameters
    ----------
    after
        Milliseconds without a stroke after which it is written.
    """

    told = Signal(str)
    """When the last stroke was kept, or why it was not, for a person."""

    def __init__(self, *, after: int = AFTER_MS) -> None:
        super().__init__()
        self._writing: Future[Path] | None = None
        self._timer = _timer(self, after, self._write)
        self._poll = _timer(self, POLL_MS, self._look)
        self._wanted: tuple[Any, Callable[[], Volume], Given] | None = None
        self._owners: dict[Path, Any] = {}
        self._set_aside: list[tuple[Any, datetime]] = []

    def later(self, layer: Any, scan: Callable[[], Volume], classes: Given) -> None:
        """Keep a layer when nothing was painted in it for a while.

        Parameters
        ----------
        layer
            The annotation.
        scan
            Returns what it was painted on.
        classes
            The classes 1, 2, ..., or only their names.
        """
        if self._wanted is not None and self._wanted[0] is not layer:
            self.write_now()
        self._wanted = layer, scan, tuple(classes)
        self._timer.start()

    def write_now(self) -> None:
        """Keep what was painted last without waiting for a pause, and wait until it is kept."""
        self._wait()
        # At the end of the program Qt may have deleted its timer before this object goes.
        with suppress(RuntimeError):
            self._timer.stop()
        self._write()
        self._wait()

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.exception()

    def _write(self) -> None:
        if self._wanted is None:
            return
        if self._writing is not None and not self._writing.done():
            self._timer.start()
            return
        layer, scan, classes = self._wanted
        self._wanted = None
        labels, painted_on = np.array(layer.data, dtype=np.uint8), scan()
        if not labels.any():
            return
        self._writing = call_in_daemon(lambda: self._keep(layer, painted_on, labels, classes))
        with suppress(RuntimeError):
            self._poll.start()

    def _keep(self, layer: Any, scan: Volume, labels: Labels, classes: Given) -> Path:
        path = path_of(scan)
        owner = self._owners.get(path)
        if owner != layer:
            spare(scan, labels, None if owner is None else self._begun(owner))
        written = keep(scan, labels, classes)
        self._owners[path] = layer
        return written

    def _begun(self, layer: Any) -> datetime:
        """Return when a layer was set aside first; its file keeps that name from then on."""
        for known, when in self._set_aside:
            if known == layer:
                return when
        now = datetime.now().astimezone()
        self._set_aside.append((layer, now))
        return now

    def _look(self) -> None:
        if self._writing is None or not self._writing.done():
            self._poll.start()
            return
        error = self._writing.exception()
        if error is None:
            now = datetime.now().astimezone()
            text = tr("Kept at {time}; it comes back with this scan after a crash.")
            self.told.emit(text.format(time=f"{now:%H:%M}"))
        else:
            self.told.emit(tr("⚠ not kept: {error}").format(error=error))


def _timer(parent: QObject, milliseconds: int, call: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(call)
    return timer
