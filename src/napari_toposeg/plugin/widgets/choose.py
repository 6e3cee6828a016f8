"""Asking which volume of several to open: frames of a 4D file, series of a folder."""

from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.translation import tr


class ChoiceDialog(QDialog):
    """A list of volumes, one of which is taken."""

    def __init__(self, name: str, choices: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Choose a volume"))
        question = tr("{name} holds {count} &volumes. Which one?")
        label = QLabel(question.format(name=name, count=len(choices)))
        label.setWordWrap(True)
        self.list = QListWidget()
        self.list.addItems(choices)
        self.list.setCurrentRow(0)
        self.list.setToolTip(tr("Double-click, or choose and press OK"))
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
