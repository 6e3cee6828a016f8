"""The section that sets what is shown black and white."""

from typing import Any

from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_toposeg.io import WINDOWS
from napari_toposeg.plugin.case import actions
from napari_toposeg.plugin.keys import with_key
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import row, section
from napari_toposeg.plugin.widgets.pickers import narrow


class WindowPanel(QWidget):
    """The windows of a CT, which follow the contrast of the chosen layer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._followed: Any = None
        self.window = QComboBox()
        narrow(self.window)
        self.window.addItem(tr("as shown"))
        for name, (low, high) in WINDOWS.items():
            self.window.addItem(f"{tr(name)}  {low:.0f}…{high:.0f}", name)
        self.window.activated.connect(self._on_window)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("CT window (HU)"))
        row(
            form,
            tr("Sho&w"),
            self.window,
            with_key(tr("Hounsfield units shown as black and as white"), "window"),
        )

    def follow(self, layer: Any, *, ct: bool) -> None:
        """Listen to the contrast of the chosen layer, and no longer to the one before."""
        if self._followed is not None:
            self._followed.events.contrast_limits.disconnect(self._show_window)
        self._followed = layer
        self.window.setEnabled(ct)
        if layer is not None:
            layer.events.contrast_limits.connect(self._show_window)
            self._show_window()

    def next_window(self) -> None:
        """Show the chosen CT in the next window of the list."""
        if self.window.isEnabled():
            names = list(WINDOWS)
            shown = self.window.currentData()
            following = names.index(shown) + 1 if shown in names else 0
            actions.set_window(self._followed, names[following % len(names)])

    def _on_window(self, index: int) -> None:
        name = self.window.itemData(index)
        if name is not None:
            actions.set_window(self._session.image_layer, name)

    def _show_window(self, _: object = None) -> None:
        limits = tuple(self._followed.contrast_limits)
        shown = next((name for name in WINDOWS if WINDOWS[name] == limits), None)
        self.window.setCurrentIndex([None, *WINDOWS].index(shown))
