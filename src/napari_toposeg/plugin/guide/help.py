"""Help: the menu behind the question mark, and the window that lists the keys."""

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QMenu, QPushButton, QVBoxLayout, QWidget

from napari_toposeg.plugin.keys import key_rows, with_key
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import NumberTable, research_note

WIDTH = 26


class HelpButton(QPushButton):
    """The question mark beside the image.

    Parameters
    ----------
    show_guide
        Shows or hides the first steps.
    """

    def __init__(self, show_guide: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText("?")
        self.setAccessibleName(tr("Help"))
        self.setToolTip(with_key(tr("First steps and keys"), "guide"))
        self.setFixedWidth(WIDTH)
        self.menu_shown = QMenu(self)
        menu = self.menu_shown
        first = menu.addAction(tr("First steps"))
        first.triggered.connect(lambda _=False: show_guide())
        keys = menu.addAction(tr("Keyboard shortcuts…"))
        keys.triggered.connect(lambda _=False: self.show_keys())
        # Not setMenu, which draws an arrow over the question mark.
        self.clicked.connect(lambda: menu.popup(self.mapToGlobal(self.rect().bottomLeft())))

    def show_keys(self) -> "KeysDialog":
        """Open the list of keys; it does not hold the window up."""
        dialog = KeysDialog(self.window())
        dialog.show()
        return dialog


class KeysDialog(QDialog):
    """Lists the keys of the dock."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keys of TopoSeg"))
        self.table = NumberTable(
            (tr("what it does"), tr("where"), tr("key")), tr("napari's own: Ctrl+Alt+/")
        )
        rows = [(does, where, keys) for keys, does, where in key_rows()]
        self.table.setMinimumWidth(760)
        self.table.fill(rows)
        for row in range(len(rows)):
            self.table.item(row, 1).setTextAlignment(Qt.AlignmentFlag.AlignVCenter)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addWidget(research_note())
        layout.addWidget(close)
