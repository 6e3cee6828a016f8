"""Folding: a section of a page that is folded away until it is wanted.

The one idea: what is not needed at every stroke takes one line of a small screen.
"""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QToolButton, QVBoxLayout, QWidget

from napari_toposeg.plugin.widgets.forms import section


class Folding(QWidget):
    """A button with a title, and under it a section that it shows and hides.

    Parameters
    ----------
    title
        What the section is for.
    tooltip
        What is found in it.
    """

    def __init__(self, title: str, tooltip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._button = QToolButton()
        self._button.setText(title)
        self._button.setToolTip(tooltip)
        self._button.setCheckable(True)
        self._button.setAutoRaise(True)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._inside = QWidget()
        inside = QVBoxLayout(self._inside)
        inside.setContentsMargins(0, 0, 0, 0)
        self.form: QFormLayout = section(inside, "")
        layout.addWidget(self._button)
        layout.addWidget(self._inside)
        self._button.toggled.connect(self.set_open)
        self.set_open(False)

    def set_open(self, wanted: bool) -> None:
        """Show or hide the section."""
        self._button.setChecked(wanted)
        arrow = Qt.ArrowType.DownArrow if wanted else Qt.ArrowType.RightArrow
        self._button.setArrowType(arrow)
        self._inside.setVisible(wanted)
