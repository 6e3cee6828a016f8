"""Undo: one history of all that is done to an annotation, in whatever slice, by whatever button.

The one idea: napari tells of each stroke and fill by its ``paint`` event; what replaces a whole
annotation is recorded beside it. Undoing leads to the slice that changes, since a change out of
sight is one that nobody notices.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.components import ViewerModel
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_toposeg.plugin.canvas.marks import slice_axis, voxel_at
from napari_toposeg.plugin.finetune.annotate.annotation_layer import set_classes
from napari_toposeg.plugin.finetune.annotate.classes import Classes
from napari_toposeg.plugin.finetune.annotate.history import (
    Change,
    History,
    blocks_between,
    change_of,
)
from napari_toposeg.plugin.translation import mark

UNDO_KEY, REDO_KEY = "Control-Z", "Control-Shift-Z"
STROKE = mark("stroke")


class Undo(QObject):
    """The history of one annotation layer, and the keys that go through it.

    Parameters
    ----------
    viewer
        Viewer that is led to the slice that changes.
    layer
        The annotation. Its Ctrl+Z and Ctrl+Shift+Z become those of this history.
    """

    changed = Signal()
    """Something was recorded, undone or done again."""

    classes_changed = Signal()
    """The classes of the layer were undone or done again too."""

    def __init__(self, viewer: ViewerModel, layer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self.layer = layer
        self.history = History()
        self._what = STROKE
        layer.events.paint.connect(self._on_paint)
        self.bind()

    def bind(self) -> None:
        """Give the layer the keys."""
        self.layer.bind_key(UNDO_KEY, lambda _: self.undo(), overwrite=True)
        self.layer.bind_key(REDO_KEY, lambda _: self.redo(), overwrite=True)

    def close(self) -> None:
        """Give the layer back to napari's own undo."""
        self.layer.events.paint.disconnect(self._on_paint)
        for key in (UNDO_KEY, REDO_KEY):
            self.layer.bind_key(key, None, overwrite=True)

    @contextmanager
    def named(self, what: str) -> Iterator[None]:
        """Call by this name what is recorded inside."""
        self._what = what
        try:
            yield
        finally:
            self._what = STROKE

    def replace(
        self, labels: NDArray[np.uint8], what: str, classes: Classes, before: Classes
    ) -> Change:
        """Write other labels and classes into the layer, as one change.

        Parameters
        ----------
        labels
            Annotation on the layer's grid.
        what
            What it is, for a person.
        classes, before
            The classes after and before it.
        """
        array = self.layer.data
        blocks = blocks_between(array, labels)
        array[...] = labels
        set_classes(self.layer, classes)
        change = Change(blocks, what, (before, classes))
        self.history.record(change)
        self.layer.refresh()
        self.changed.emit()
        return change

    def undo(self) -> Change | None:
        """Take the last change back and show where it was."""
        return self._show(self.history.undo(self.layer.data), after=False)

    def redo(self) -> Change | None:
        """Make the change again that was undone last, and show it."""
        return self._show(self.history.redo(self.layer.data), after=True)

    def _on_paint(self, event: Any) -> None:
        change = change_of(event.value, self.layer.data, self._what)
        self.history.record(change)
        self.changed.emit()

    def _show(self, change: Change | None, *, after: bool) -> Change | None:
        if change is None:
            return None
        if change.classes is not None:
            set_classes(self.layer, change.classes[after])
            self.classes_changed.emit()
        self._lead_to(change)
        self.layer.refresh()
        self.changed.emit()
        return change

    def _lead_to(self, change: Change) -> None:
        viewer = self.viewer
        if viewer.dims.ndisplay != 2:
            return
        axis = slice_axis(viewer)
        voxel = list(voxel_at(viewer, self.layer, viewer.dims.point))
        wanted = change.slice_to_show(axis, voxel[axis])
        if wanted != voxel[axis]:
            voxel[axis] = wanted
            first = viewer.dims.ndim - self.layer.ndim
            world = self.layer.data_to_world(voxel)
            viewer.dims.set_point(first + axis, float(world[axis]))
