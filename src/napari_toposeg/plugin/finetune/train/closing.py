"""Closing the window in mid-training: what is to become of the training is asked first.

The one idea: a plugin has no say in how napari closes, but Qt lets any object look at the events of
a window before the window does. The question does not block: the window stays until it is answered.
"""

from collections.abc import Callable
from weakref import ref

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_toposeg.plugin.translation import tr


class CloseGuard(QObject):
    """Holds a window open until it was asked what becomes of a training.

    Parameters
    ----------
    widget
        A widget of the window.
    must_ask
        True while closing would cut a training off.
    close
        Called with True to keep the best model, False to discard it; it ends the training and
        closes the window then.
    """

    def __init__(
        self, widget: QWidget, must_ask: Callable[[], bool], close: Callable[[bool], None]
    ) -> None:
        super().__init__(widget)
        self._widget, self._must_ask, self._close = widget, must_ask, close
        # Weakly: a window that one of its own children holds is never let go.
        self._window: Callable[[], QWidget | None] = lambda: None
        self.box: QMessageBox | None = None

    @property
    def window(self) -> QWidget | None:
        """The window whose events are looked at."""
        return self._window()

    def watch(self) -> None:
        """Look at the events of the window that the widget is in now."""
        window = main_window(self._widget)
        if window is self.window:
            return
        if self.window is not None:
            self.window.removeEventFilter(self)
        self._window = ref(window)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Hold back the closing of the window while a training runs."""
        closing = event is not None and event.type() == QEvent.Type.Close
        if not closing or watched is not self.window or not self._must_ask():
            return False
        assert event is not None
        event.ignore()
        self.ask()
        return True

    def ask(self) -> None:
        """Ask, once, without holding up the window."""
        if self.box is not None:
            self.box.raise_()
            return
        box = QMessageBox(self.window)
        box.setWindowTitle(tr("A training is running"))
        box.setText(tr("A model is being trained. What shall become of it?"))
        box.setInformativeText(
            tr("What is kept is the best model so far; it can be trained further later.")
        )
        role = QMessageBox.ButtonRole
        keep = box.addButton(tr("&Keep the best model and close"), role.AcceptRole)
        drop = box.addButton(tr("&Discard and close"), role.DestructiveRole)
        stay = box.addButton(tr("&Go on training"), role.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.buttons = {"keep": keep, "discard": drop, "go on": stay}
        box.finished.connect(lambda _: self._on_answer(box.clickedButton()))
        self.box = box
        box.open()

    def _on_answer(self, pressed: object) -> None:
        self.box = None
        if pressed is self.buttons["keep"]:
            self._close(True)
        elif pressed is self.buttons["discard"]:
            self._close(False)


def main_window(widget: QWidget) -> QWidget:
    """Return the outermost window of a widget: that of a floating dock is the one it came from."""
    while (parent := widget.parentWidget()) is not None:
        widget = parent
    return widget
