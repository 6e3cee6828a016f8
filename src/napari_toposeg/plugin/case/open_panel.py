"""The section that opens files, folders and samples."""

from functools import partial
from pathlib import Path

from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin import samples
from napari_toposeg.plugin.canvas.layers import LayerData, add_layer_data
from napari_toposeg.plugin.case.drops import Drops
from napari_toposeg.plugin.case.phantom_dialog import ask_for_phantom
from napari_toposeg.plugin.job import Job
from napari_toposeg.plugin.opening import Found, Question, Wanted, open_run
from napari_toposeg.plugin.readers import (
    ENDINGS,
    open_dropped_files,
    opens_dropped_files,
    read_asking,
)
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets import choose
from napari_toposeg.plugin.widgets.forms import button, section


class OpenPanel(QWidget):
    """Opens scans in the background, and asks where a path holds several."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.file_button = button(
            tr("File…"), tr("Open a NIfTI, MGH, NRRD or MetaImage file"), self._ask_file
        )
        self.folder_button = button(
            tr("Folder…"), tr("Open a folder of DICOM slices or of volumes"), self._ask_folder
        )
        self.sample_button = self._make_sample_button()
        self.dropped = QCheckBox(tr("Also what is dropped on the window"))
        self.dropped.setToolTip(
            tr(
                "Read dropped NIfTI, MGH, NRRD, MetaImage and DICOM files with their geometry, "
                "without napari's question for a reader"
            )
        )
        self.dropped.setChecked(opens_dropped_files())
        self.dropped.toggled.connect(open_dropped_files)
        self._drops = Drops(self, self.dropped.isChecked, self._open_dropped)
        self._lay_out()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Watch the window's canvas, once there is one."""
        super().showEvent(event)
        self._drops.watch(self.window())

    def open_path(self, path: str | Path) -> Job | None:
        """Open a file or a DICOM folder in the background, asking where it holds several volumes.

        While another job runs it is read behind a dialog, and no Job is returned.
        """
        return self._open(Wanted(Path(path)))

    def open_sample(self, name: str) -> Job:
        """Open one of the samples of `napari_toposeg.plugin.samples` in the background."""
        return self._session.start(
            partial(samples.sample_run, name),
            title=tr("Opening a sample"),
            on_result=self._add_all,
        )

    def make_phantom(self) -> Job | None:
        """Ask which phantom, and draw it in the background; None if the dialog was left."""
        wish = ask_for_phantom(self)
        if wish is None:
            return None
        return self._session.start(
            partial(samples.phantom_run, wish),
            title=tr("Making a phantom"),
            on_result=self._add_all,
        )

    def _open(self, wanted: Wanted) -> Job | None:
        if self._session.busy:
            # A long training must not keep a person from looking at another scan.
            found = read_asking(wanted)
            if found is not None:
                self._add(found)
            return None
        title = tr("Opening {name}").format(name=wanted.path.name)
        return self._session.start(partial(open_run, wanted), title=title, on_result=self._on_found)

    def _on_found(self, found: Found) -> None:
        if isinstance(found, Question):
            # Once the job is over: the answer starts the next one.
            QTimer.singleShot(0, partial(self._ask, found))
        else:
            self._add(found)

    def _ask(self, question: Question) -> None:
        row = choose.ask_with_dialog(question.name, question.choices)
        if row is not None:
            self._session.attempt(lambda: self._open(question.answers[row]))

    def _add_all(self, layers: list[LayerData]) -> None:
        for data in layers:
            self._add(data)

    def _add(self, data: LayerData) -> None:
        layer = add_layer_data(self._session.viewer, data)
        if data[2] == "image":
            self._session.image_layer = layer

    def _open_dropped(self, path: Path) -> None:
        self._session.attempt(lambda: self.open_path(path))

    def _ask_file(self) -> None:
        endings = " ".join(f"*{ending}" for ending in ENDINGS)
        kinds = tr("Medical volumes ({endings});;All files (*)").format(endings=endings)
        path, _ = QFileDialog.getOpenFileName(self, tr("Open a scan"), "", kinds)
        if path:
            self._session.attempt(lambda: self.open_path(path))

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, tr("Open a folder"))
        if path:
            self._session.attempt(lambda: self.open_path(path))

    def _make_sample_button(self) -> QPushButton:
        made = QPushButton(tr("Sample"))
        made.setToolTip(tr("Open a scan or a phantom that comes with the plugin"))
        menu = QMenu(made)
        for name, title in samples.TITLES.items():
            action = menu.addAction(tr(title))
            action.triggered.connect(
                lambda _=False, name=name: self._session.attempt(lambda: self.open_sample(name))
            )
        menu.addSeparator()
        wished = menu.addAction(tr("Make a phantom…"))
        wished.triggered.connect(lambda: self._session.attempt(self.make_phantom))
        made.setMenu(menu)
        return made

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("Open"))
        buttons = QHBoxLayout()
        for widget in (self.file_button, self.folder_button, self.sample_button):
            buttons.addWidget(widget)
        form.addRow(buttons)
        form.addRow(self.dropped)
