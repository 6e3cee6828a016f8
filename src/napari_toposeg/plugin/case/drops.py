"""What is dropped on the window, opened by the dock in the background.

The one idea: napari gives a dropped file to a reader and waits for it, and asks for a reader at
every folder. A drop of one path that is a scan is taken before napari sees it; everything else,
and every drop with Alt or Shift held, is left to napari.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.readers import readable


class Drops(QObject):
    """Watches the canvas of a window for scans that are dropped on it.

    Parameters
    ----------
    parent
        The panel that opens them; the watch ends with it.
    wanted
        Tells whether drops are to be taken at all.
    open_path
        Opens a path.
    """

    def __init__(
        self, parent: QWidget, wanted: Callable[[], bool], open_path: Callable[[Path], object]
    ) -> None:
        super().__init__(parent)
        self._wanted, self._open_path = wanted, open_path
        self._watching = False

    def watch(self, window: QWidget) -> None:
        """Begin with a window that has napari's canvas; once is enough."""
        canvas = window.findChild(QtViewer)
        if canvas is None or self._watching:
            return
        self._watching = True
        for widget in (canvas, *canvas.findChildren(QWidget)):
            if widget.acceptDrops():
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take a drop, or leave it."""
        if event is None or event.type() != QEvent.Type.Drop or not self._wanted():
            return False
        path = dropped_scan(event)
        if path is None:
            return False
        event.accept()
        # The program that the path comes from waits until this returns.
        QTimer.singleShot(0, partial(self._open_path, path))
        return True


def dropped_scan(event: Any) -> Path | None:
    """Return the one scan that is dropped; None where it is something else."""
    urls = event.mimeData().urls()
    plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
    if not plain or len(urls) != 1 or not urls[0].isLocalFile():
        return None
    path = Path(urls[0].toLocalFile())
    return path if readable(path) else None
