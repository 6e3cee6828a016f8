"""Reading: finds the painted slices of an annotation some time after each stroke.

The one idea: a small annotation is read at once, a large one in the background; painting never
waits for it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_toposeg.plugin.errand import Errand
from napari_toposeg.plugin.finetune.annotate.annotations import Annotation, read_annotation

AFTER_MS = 400
AT_ONCE = 8_000_000
"""Voxels that are read in less than 50 ms."""


class Reading(QObject):
    """Reads one annotation after the other.

    Parameters
    ----------
    seed
        Returns the seed of the choice of validation slices.
    """

    found = Signal(object)
    """The `Annotation`, None where there is no layer."""

    failed = Signal(object)
    """What kept a layer from being read."""

    def __init__(self, seed: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._seed = seed
        self.layer: Any = None
        # Once after a stroke, not at each of its events.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AFTER_MS)
        self._timer.timeout.connect(self._read)
        self._errand = Errand(self)
        self._errand.done.connect(self.found)
        self._errand.failed.connect(self.failed)

    def later(self) -> None:
        """Read the layer when nothing was painted in it for a moment."""
        self._timer.start()

    def now(self) -> None:
        """Read the layer and wait for it."""
        layer = self.layer
        if layer is None:
            self.found.emit(None)
        else:
            self.found.emit(self._annotation(np.asarray(layer.data)))

    def close(self) -> None:
        """Read nothing any more."""
        self._timer.stop()
        self._errand.close()

    def _read(self) -> None:
        if self.layer is None or self.layer.data.size <= AT_ONCE:
            self.now()
            return
        labels = np.asarray(self.layer.data)
        self._errand.send(lambda: self._annotation(labels))

    def _annotation(self, labels: Any) -> Annotation:
        return read_annotation(labels, seed=self._seed())
