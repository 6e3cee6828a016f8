"""LabelClasses: which classes the label maps of a viewer hold, and how many voxels of each.

The one idea: what is in memory is counted when it is asked for; what is not is counted in the
background, only when a person wishes so, since all of it has to be read once.
"""

from functools import partial
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.label_values import class_sizes
from napari_toposeg.plugin.canvas.lazy import finest, is_lazy
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.plugin.widgets.forms import button, value

Sizes = dict[int, int]


class LabelClasses(QObject):
    """Counts the classes of label maps, and remembers them of those that are not in memory."""

    changed = Signal()
    """The classes of another label map are known."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._known: list[tuple[Any, Sizes]] = []
        session.layers_changed.connect(self._forget_removed)

    def of(self, layer: Any) -> Sizes | None:
        """Return the voxels of each class; None of a map that is not in memory, before `count`."""
        if layer is None:
            return {}
        data = finest(layer)
        if not is_lazy(data):
            return class_sizes(data)
        return next((sizes for known, sizes in self._known if known == layer), None)

    def require(self, layer: Any) -> None:
        """Raise InvalidConfig if the classes of a label map are not known yet."""
        known = any(each == layer for each, _ in self._known)
        if is_lazy(finest(layer)) and not known:
            raise InvalidConfig(
                f"the classes of {layer.name} are not known yet, since it is not in memory; press "
                "'List its classes' first"
            )

    def count(self, layer: Any) -> None:
        """Count the classes of a label map in the background, slab by slab.

        Raises
        ------
        ToposegError
            If a job is running.
        """
        message = tr("Reading the classes of {name}").format(name=layer.name)
        self._session.start(
            partial(follow, partial(class_sizes, finest(layer)), message),
            title=tr("Classes"),
            on_result=lambda sizes: self._take(layer, sizes),
        )

    def _take(self, layer: Any, sizes: Sizes) -> None:
        self._known = [each for each in self._known if each[0] != layer]
        self._known.append((layer, sizes))
        self.changed.emit()

    def _forget_removed(self) -> None:
        there = self._session.viewer.layers
        self._known = [each for each in self._known if each[0] in there]


class UnreadClasses(QWidget):
    """Stands where classes would be listed that are not known yet, with the button to read them.

    Parameters
    ----------
    session
        The dock's session.
    classes
        What counts them.
    """

    def __init__(
        self, session: Session, classes: LabelClasses, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._classes = session, classes
        self._layer: Any = None
        self.note = value(tr("Why no class is listed"))
        self.button: QPushButton = button(
            tr("List its classes"),
            tr("Read the label map once, in the background, to find its classes"),
            lambda: session.attempt(lambda: classes.count(self._layer)),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.note)
        layout.addWidget(self.button)
        session.job_started.connect(lambda _: self._refresh())
        session.job_ended.connect(self._refresh)

    def show_layer(self, layer: Any) -> None:
        """Say of which label map the classes are not known."""
        self._layer = layer
        text = tr("{name} is not in memory: its classes are not known before it is read.")
        self.note.setText(text.format(name=layer.name))
        self._refresh()

    def _refresh(self) -> None:
        self.button.setEnabled(not self._session.busy)
