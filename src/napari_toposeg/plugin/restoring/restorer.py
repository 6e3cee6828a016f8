"""Restorer: keeps the session of a dock, and brings one back when it is asked to.

The one idea: nothing is forced. What was open is offered in a bar that a person can wave away, and
that goes by itself as soon as something is opened.
"""

from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QSizePolicy, QWidget

from napari_toposeg.plugin.restoring.actions import numbered, save_run, show_session
from napari_toposeg.plugin.restoring.keeper import SessionKeeper
from napari_toposeg.plugin.restoring.kept_sessions import (
    KeptSession,
    dismiss,
    is_owned,
    last_session,
    sessions_folder,
)
from napari_toposeg.plugin.restoring.reading import Restored, read_session
from napari_toposeg.plugin.restoring.snapshot import Snapshot, show_view, take_snapshot
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button
from napari_toposeg.plugin.widgets.inputs import Value, set_values, values

OF_THE_LAYERS = frozenset({"case.modality", "case.window", "case.dropped"})
"""Inputs that only repeat what the layers or napari keep."""


class RestoreBar(QWidget):
    """One line above the tabs, with a question: go on where you left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.go_on = button(
            tr("Go on"), tr("Open the layers, regions and settings of that time"), lambda: None
        )
        self.later = button(
            tr("No"), tr("Offer it no more; Export > Open session… still finds it"), lambda: None
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.go_on)
        layout.addWidget(self.later)
        self.hide()


class Restorer(QObject):
    """Keeps and brings back what is open in a dock's viewer.

    Parameters
    ----------
    session
        Of the dock.
    dock
        The widget whose inputs are kept.
    """

    def __init__(self, session: Session, dock: QWidget) -> None:
        super().__init__()
        self._session, self._dock = session, dock
        self._offered: KeptSession | None = None
        self._inputs: dict[str, Value] = {}
        self.bar = RestoreBar(dock)
        self.bar.go_on.clicked.connect(lambda: session.attempt(self.go_on))
        self.bar.later.clicked.connect(self.wave_away)
        self.keeper = SessionKeeper(session, self.snapshot)
        self.keeper.failed.connect(session.say)
        session.layers_changed.connect(self._on_layers)

    def snapshot(self) -> Snapshot:
        """Return what is open, with what stands in the forms."""
        try:
            found = values(self._dock)
        except RuntimeError:
            # A closing window has lost its forms: what stood there last.
            found = self._inputs
        self._inputs = {name: value for name, value in found.items() if name not in OF_THE_LAYERS}
        viewer = self._session.viewer
        return take_snapshot(viewer, chosen=self._session.image_layer, inputs=dict(self._inputs))

    def offer(self) -> None:
        """Offer the last session, if there is one and nothing is open."""
        self._offered = None if len(self._session.viewer.layers) else last_session()
        if self._offered is not None:
            self.bar.text.setText(offer_text(self._offered))
        self.bar.setVisible(self._offered is not None)

    def go_on(self) -> None:
        """Open what is offered, and keep it where it lies."""
        offered = self._offered
        if offered is None:
            return
        self.open(offered.folder)
        self.bar.hide()
        if not is_owned(offered.folder):
            self.keeper.go_on_in(offered.folder)

    def wave_away(self) -> None:
        """Offer it no more."""
        if self._offered is not None:
            dismiss(self._offered.folder)
        self._offered = None
        self.bar.hide()

    def open(self, folder: str | Path) -> None:
        """Open a saved session in the background; its layers come above those that are open."""
        self._session.start(
            lambda: read_session(folder), title=tr("Opening the session"), on_result=self._show
        )

    def save(self, folder: str | Path) -> None:
        """Save what is open into a folder, in the background."""
        snapshot = self.snapshot()
        self._session.start(
            lambda: save_run(snapshot, folder),
            title=tr("Saving the session"),
            on_result=lambda page: self._tell(
                tr("Saved {count} layers").format(count=len(page.layers)), page.left_out
            ),
        )

    def ask_open(self) -> None:
        """Ask which session to open."""
        start = str(sessions_folder())
        folder = QFileDialog.getExistingDirectory(self._dock, tr("Open a session's folder"), start)
        if folder:
            self._session.attempt(lambda: self.open(folder))

    def ask_save(self) -> None:
        """Ask where to save what is open."""
        title = tr("Save the session as a folder")
        folder, _ = QFileDialog.getSaveFileName(self._dock, title, "toposeg-session")
        if folder:
            self._session.attempt(lambda: self.save(folder))

    def _show(self, restored: Restored) -> None:
        layers, told = show_session(self._session.viewer, restored)
        chosen = numbered(layers, restored.page.chosen)
        if chosen is not None:
            self._session.image_layer = chosen
        set_values(self._dock, restored.page.inputs)
        # Some inputs, as that of side by side, move the view.
        show_view(self._session.viewer, restored.page.view)
        count = sum(layer is not None for layer in layers)
        self._tell(tr("Opened {count} layers").format(count=count), told)

    def _tell(self, text: str, left: tuple[str, ...]) -> None:
        if left:
            text += "\n" + tr("Not everything:") + "\n" + "\n".join(left)
            show_info(text)
        self._session.say(text)

    def _on_layers(self) -> None:
        if len(self._session.viewer.layers):
            self.bar.hide()


def offer_text(kept: KeptSession) -> str:
    """Say what can be gone on with."""
    text = tr("Go on where you left? {layers} layers, {when}")
    return text.format(layers=kept.layers, when=f"{kept.saved:%d %b %Y, %H:%M}")
