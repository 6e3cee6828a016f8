"""The questions before a DICOM-SEG is written: which series, what made it, and the patient's name.

The one idea: the safe answer stands there already. The file carries no name unless a person asks
for it, and the dialog says what links it to its study all the same.
"""

from dataclasses import dataclass
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import button, row, value

NOTE = mark(
    "The identifiers (UID) of study and series are written in either case: they link the file to "
    "its series. So does the frame of reference. Research use only."
)
WIDTH = 460


@dataclass(frozen=True)
class SegAnswers:
    """What a person chose.

    Parameters
    ----------
    source
        Folder of the DICOM series.
    algorithm
        What made the labels; empty for a person.
    anonymous
        Whether the patient's fields are left blank.
    """

    source: Path
    algorithm: str
    anonymous: bool


class DicomSegDialog(QDialog):
    """Asks for what a DICOM-SEG needs.

    Parameters
    ----------
    name
        Of the layer that is written.
    source
        The series as far as it is known; empty where it is not.
    algorithm
        The model that made the labels, if one is remembered.
    """

    def __init__(
        self, name: str, source: str, algorithm: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("DICOM-SEG of {name}").format(name=name))
        self.source, self.algorithm = QLineEdit(source), QLineEdit(algorithm)
        self.source.setPlaceholderText(tr("folder of the series that was segmented"))
        self.algorithm.setPlaceholderText(tr("none: drawn by a person"))
        self.anonymous = QCheckBox(tr("Leave the patient's name, identifiers and dates blank"))
        self.anonymous.setChecked(True)
        self.anonymous.setToolTip(
            tr("An archive may ask for them; then the file is as confidential as the scan")
        )
        self.note = value(tr("What is written of the patient"))
        self.note.setText(tr(NOTE))
        standard = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(standard.Save | standard.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.source.textChanged.connect(lambda _: self._refresh())
        self._lay_out()
        self._refresh()

    @property
    def answers(self) -> SegAnswers:
        """What stands in the dialog."""
        folder = Path(self.source.text().strip()).expanduser()
        return SegAnswers(folder, self.algorithm.text().strip(), self.anonymous.isChecked())

    def _lay_out(self) -> None:
        choose = button(tr("Choose…"), tr("Choose the folder of the series"), self._choose)
        choose.setAutoDefault(False)
        field = QWidget()
        line = QHBoxLayout(field)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.source, 1)
        line.addWidget(choose)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        row(form, tr("&Series"), field, tr("DICOM folder of the scan that was segmented"))
        form.labelForField(field).setBuddy(self.source)
        row(form, tr("&Made by"), self.algorithm, tr("Algorithm or model that made the labels"))
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.anonymous)
        layout.addWidget(self.note)
        layout.addWidget(self.buttons)
        self.resize(WIDTH, self.sizeHint().height())

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of the DICOM series"))
        if folder:
            self.source.setText(folder)

    def _refresh(self) -> None:
        there = bool(self.source.text().strip()) and self.answers.source.exists()
        save = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        save.setEnabled(there)
        save.setToolTip("" if there else tr("Give a folder that exists"))


def ask_seg(
    name: str, source: str, algorithm: str, parent: QWidget | None = None
) -> SegAnswers | None:
    """Ask the user; None if the dialog was left."""
    dialog = DicomSegDialog(name, source, algorithm, parent)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    answers = dialog.answers
    dialog.deleteLater()
    return answers if accepted else None
