"""Asking which volume of several to open: frames of a 4D file, series of a folder."""

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.errors import ChoiceNeeded
from napari_toposeg.io import read_volume
from napari_toposeg.io.frames import frame_choices
from napari_toposeg.plugin.canvas.sources import Source
from napari_toposeg.volume import Volume

Ask = Callable[[str, tuple[str, ...]], int | None]


class ChoiceDialog(QDialog):
    """A list of volumes, one of which is taken."""

    def __init__(self, name: str, choices: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose a volume")
        label = QLabel(f"{name} holds {len(choices)} &volumes. Which one?")
        label.setWordWrap(True)
        self.list = QListWidget()
        self.list.addItems(choices)
        self.list.setCurrentRow(0)
        self.list.setToolTip("Double-click, or choose and press OK")
        self.list.itemDoubleClicked.connect(self.accept)
        label.setBuddy(self.list)
        standard = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(standard.Ok | standard.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (label, self.list, buttons):
            layout.addWidget(widget)
        self.resize(420, 300)
        self.list.setFocus()


def ask_with_dialog(name: str, choices: tuple[str, ...]) -> int | None:
    """Ask the user; the number of the choice, or None if the dialog was left."""
    dialog = ChoiceDialog(name, choices, QApplication.activeWindow())
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    row = dialog.list.currentRow()
    dialog.deleteLater()
    return row if accepted else None


def read_asking(path: str | Path, ask: Ask | None = None) -> Volume | None:
    """Read a volume, and ask where a path holds several; None if the user left the question.

    Without an application (a script, a notebook without Qt) nobody can be asked: ChoiceNeeded is
    raised then.
    A series may hold several frames in turn, so there can be two questions.
    """
    found = read_with_source(path, ask)
    return None if found is None else found[0]


def read_with_source(path: str | Path, ask: Ask | None = None) -> tuple[Volume, Source] | None:
    """Read a volume as `read_asking` does, and return with it what was chosen."""
    if ask is None and QApplication.instance() is None:
        return read_volume(path), Source(Path(path))
    ask = ask or ask_with_dialog
    frame: int | None = None
    series: str | None = None
    while True:
        try:
            volume = read_volume(path, frame=frame, series=series)
            return volume, Source(Path(path), series, frame)
        except ChoiceNeeded as needed:
            of_frames = needed.choices == frame_choices(len(needed.choices))
            # A choice that did not help must not be asked for again and again.
            if (frame if of_frames else series) is not None:
                raise
            row = ask(Path(path).name, needed.choices)
            if row is None:
                return None
            if of_frames:
                frame = row
            else:
                series = needed.choices[row]
