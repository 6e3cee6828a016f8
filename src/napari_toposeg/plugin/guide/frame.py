"""Framing: a frame is drawn around a widget for a moment, to show where something happens."""

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QScrollArea, QWidget

SHOWN_MS = 3000
WIDTH = 3


class Frame(QWidget):
    """A frame over a widget, which lets clicks through and goes by itself.

    Parameters
    ----------
    target
        What is framed; it is scrolled into view.
    milliseconds
        How long the frame stays.
    """

    def __init__(self, target: QWidget, *, milliseconds: int = SHOWN_MS) -> None:
        super().__init__(target)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        target.installEventFilter(self)
        self.setGeometry(target.rect())
        QTimer.singleShot(milliseconds, self.close)
        _scroll_to(target)
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Stay as large as the target."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        return False

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw a dashed line in the colour of text, which stands out in every theme."""
        painter = QPainter(self)
        pen = QPen(self.palette().windowText().color(), WIDTH, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        inset = WIDTH // 2 + 1
        painter.drawRect(self.rect().adjusted(inset, inset, -inset, -inset))
        painter.end()


def _scroll_to(target: QWidget) -> None:
    around = target.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(target)
        around = around.parentWidget()
