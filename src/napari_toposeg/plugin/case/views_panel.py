"""The section for planes, and the two linked views beside the window's own."""

from typing import Any

from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QTimer, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_toposeg.plugin.canvas.linked_view import LinkedView
from napari_toposeg.plugin.canvas.planes import PLANES, next_plane, plane_of, set_plane
from napari_toposeg.plugin.keys import with_key
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import row, section
from napari_toposeg.plugin.widgets.pickers import narrow

NAMES = {
    "axial": mark("axial"),
    "coronal": mark("coronal"),
    "sagittal": mark("sagittal"),
}
REFRESH_MS = 150
FIT_AFTER_MS = 50


class LinkedViews(QWidget):
    """A coronal and a sagittal view of a viewer's layers, side by side.

    Notes
    -----
    Signal: ``gone()``, the views were closed, by whatever button.
    """

    gone = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.views = (LinkedView(viewer, "coronal"), LinkedView(viewer, "sagittal"))
        self._closed = False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for view in self.views:
            canvas = QtViewer(view.model)
            canvas.setAcceptDrops(False)
            canvas.setMinimumSize(120, 120)
            layout.addWidget(canvas)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self._timer.start()

    def close_views(self) -> None:
        """Stop following the viewer and close both canvases."""
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        for view in self.views:
            view.close()
        for canvas in self.findChildren(QtViewer):
            canvas.close()
            canvas.deleteLater()
        self.gone.emit()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Fit the views once they have their size."""
        super().showEvent(event)
        QTimer.singleShot(FIT_AFTER_MS, self._fit)

    def event(self, event: QEvent | None) -> bool:
        """Let go of the viewer when the dock around these views is closed."""
        done: bool = super().event(event)
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self.close_views()
            self.deleteLater()
        return done

    def _fit(self) -> None:
        if not self._closed:
            for view in self.views:
                view.model.reset_view()

    def _refresh(self) -> None:
        if self.isVisible():
            for view in self.views:
                view.refresh()


class ViewsPanel(QWidget):
    """Which plane the window shows, and the button for the linked views."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._views: LinkedViews | None = None
        self.plane = QComboBox()
        narrow(self.plane)
        for plane in PLANES:
            self.plane.addItem(tr(NAMES[plane]), plane)
        self.plane.addItem(tr("3D, or turned otherwise"))
        self.plane.activated.connect(self._on_plane)
        self.button = QPushButton(tr("Linked views"))
        self.button.setCheckable(True)
        self.button.setToolTip(
            tr("Show coronal and sagittal slices through the same point; a click leads there")
        )
        self.button.toggled.connect(self._on_toggled)
        self._lay_out()
        dims = session.viewer.dims
        dims.events.order.connect(self._show_plane)
        dims.events.ndisplay.connect(self._show_plane)
        session.closing.connect(self._on_closing)
        self._show_plane()

    def next_plane(self) -> None:
        """Turn the window's slices: axial, coronal, sagittal."""
        next_plane(self._session.viewer)

    def _on_plane(self, index: int) -> None:
        if index < len(PLANES):
            set_plane(self._session.viewer, PLANES[index])
        self._show_plane()

    def _show_plane(self, _: object = None) -> None:
        shown = plane_of(self._session.viewer)
        self.plane.setCurrentIndex(len(PLANES) if shown is None else PLANES.index(shown))

    def _on_toggled(self, wanted: bool) -> None:
        if wanted:
            self._open()
        else:
            self._close()

    def _open(self) -> None:
        window = self._session.viewer.window
        self._views = LinkedViews(self._session.viewer)
        self._views.gone.connect(self._on_gone)
        window.add_dock_widget(self._views, name=tr("Linked views"), area="bottom")

    def _close(self) -> None:
        if self._views is not None:
            self._session.viewer.window.remove_dock_widget(self._views)

    def _on_gone(self) -> None:
        self._views = None
        self.button.setChecked(False)

    def _on_closing(self) -> None:
        dims = self._session.viewer.dims
        dims.events.order.disconnect(self._show_plane)
        dims.events.ndisplay.disconnect(self._show_plane)
        if self._views is not None:
            self._views.gone.disconnect(self._on_gone)
            self._views.close_views()
            self._views = None

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("View"))
        row(
            form,
            tr("&Plane"),
            self.plane,
            with_key(tr("Slices that the window shows, with the head up"), "plane"),
        )
        form.addRow(self.button)
