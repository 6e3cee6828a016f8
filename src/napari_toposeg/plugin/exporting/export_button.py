"""ExportButton: one menu for all that can leave the dock as a file.

The one idea: the menu lists what there is now; what is not there is grey and says what to do first.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.canvas.saving import save_run
from napari_toposeg.plugin.canvas.sources import model_of
from napari_toposeg.plugin.exporting.actions import classes_run, seg_run
from napari_toposeg.plugin.exporting.case_report import gather_case, report_run
from napari_toposeg.plugin.exporting.dicom_seg_dialog import SegAnswers, ask_seg
from napari_toposeg.plugin.exporting.gathering import Sources
from napari_toposeg.plugin.exporting.tables import classes_table, write_csv
from napari_toposeg.plugin.restoring.restorer import Restorer
from napari_toposeg.plugin.translation import mark, tr

ENTRIES = {
    "labels": mark("Label map as NIfTI or NRRD…"),
    "dicom-seg": mark("Label map as DICOM-SEG…"),
    "classes": mark("Volume and Betti numbers of its classes (CSV)…"),
    "numbers": mark("Betti numbers compared (CSV)…"),
    "errors": mark("List of errors (CSV)…"),
    "features": mark("Features of the diagram (CSV)…"),
    "edits": mark("Edits of the repair (CSV)…"),
    "report": mark("Report of this case (HTML)…"),
}
"""What can be exported, in the order of the menu."""
FILTERS = {
    "labels": "NIfTI (*.nii.gz *.nii);;NRRD (*.nrrd)",
    "dicom-seg": "DICOM (*.dcm)",
    "report": "HTML (*.html)",
}
SUFFIXES = {"labels": ".nii.gz", "dicom-seg": ".dcm", "report": ".html"}


class ExportButton(QPushButton):
    """Writes masks, tables, reports and sessions.

    Parameters
    ----------
    sources
        What the tabs hold.
    restorer
        Saves and opens sessions.
    dock
        Widget that the button stands in.
    """

    def __init__(self, sources: Sources, restorer: Restorer, dock: QWidget) -> None:
        super().__init__(tr("E&xport"), dock)
        self._sources, self._session = sources, sources.session
        self.setToolTip(tr("Write masks, tables, a report or the whole session to files"))
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.entries = {
            what: self._entry(menu, text, partial(self.ask, what)) for what, text in ENTRIES.items()
        }
        menu.addSeparator()
        self.entries["save"] = self._entry(menu, mark("Save session…"), restorer.ask_save)
        self.entries["open"] = self._entry(menu, mark("Open session…"), restorer.ask_open)
        menu.aboutToShow.connect(self.refresh)
        self.setMenu(menu)

    def refresh(self) -> None:
        """Make grey what is not there."""
        for what, entry in self.entries.items():
            reason = "" if what == "open" else self._sources.reason_against(what)
            if self._session.busy:
                reason = reason or tr("A job is running; wait for its end or cancel it")
            entry.setEnabled(not reason)
            entry.setToolTip(reason)
        labels = self._sources.labels()
        if labels is not None:
            self.entries["labels"].setToolTip(labels.name)
            self.entries["dicom-seg"].setToolTip(labels.name)

    def ask(self, what: str) -> None:
        """Ask where to write something, and write it."""
        answers = self._ask_seg() if what == "dicom-seg" else None
        if what == "dicom-seg" and answers is None:
            return
        suffix = SUFFIXES.get(what, ".csv")
        labels = self._sources.labels()
        of_labels = what in ("labels", "dicom-seg", "classes") and labels is not None
        title = tr(ENTRIES[what]) + (f" {labels.name}" if of_labels else "")
        # Not the layer's name, which may be that of a patient's file.
        filters = FILTERS.get(what, "CSV (*.csv)")
        path, _ = QFileDialog.getSaveFileName(self, title, f"{what}{suffix}", filters)
        if path:
            whole = path if Path(path).suffix else f"{path}{suffix}"
            self._session.attempt(lambda: self.write(what, whole, answers))

    def write(self, what: str, path: str | Path, answers: SegAnswers | None = None) -> None:
        """Write something to a file, in the background where it takes time.

        Raises
        ------
        InvalidConfig
            If there is none of it.
        """
        reason = self._sources.reason_against(what)
        if reason:
            raise InvalidConfig(reason)
        match what:
            case "labels":
                volume = self._sources.still_volume(self._sources.labels())
                self._start(lambda: save_run(volume, path), tr("Saving the label map"))
            case "dicom-seg":
                self._write_seg(path, answers)
            case "classes":
                self._write_classes(path)
            case "report":
                case = gather_case(self._sources)
                self._start(lambda: report_run(case, path), tr("Writing the report"))
            case _:
                self._tell(write_csv(self._sources.table(what), path))

    def _write_seg(self, path: str | Path, answers: SegAnswers | None) -> None:
        if answers is None:
            raise InvalidConfig("say which series was segmented")
        labels = self._sources.labels()
        source, known = answers.source, self._sources.series_of(labels)
        same = known is not None and known.path == source
        run = partial(
            seg_run,
            self._sources.still_volume(labels),
            source,
            path,
            classes=class_names(labels),
            algorithm=answers.algorithm,
            series=known.series if same and known is not None else None,
            frame=known.frame if same and known is not None else None,
            anonymous=answers.anonymous,
        )
        self._start(run, tr("Writing DICOM-SEG"))

    def _write_classes(self, path: str | Path) -> None:
        labels = self._sources.labels()
        volume, names = self._sources.still_volume(labels), class_names(labels)
        self._session.start(
            lambda: classes_run(volume, names),
            title=tr("Counting the classes"),
            on_result=lambda found: self._session.attempt(
                lambda: self._tell(write_csv(classes_table(found), path))
            ),
        )

    def _start(self, run: Callable[[], Any], title: str) -> None:
        self._session.start(run, title=title, on_result=self._tell)

    def _tell(self, path: Path) -> None:
        self._session.say(tr("Wrote {name}").format(name=path.name))

    def _ask_seg(self) -> SegAnswers | None:
        labels = self._sources.labels()
        known = self._sources.series_of(labels)
        folder = "" if known is None else str(known.path)
        return ask_seg(labels.name, folder, model_of(labels), self.window())

    def _entry(self, menu: QMenu, text: str, on_click: Callable[[], object]) -> Any:
        entry = menu.addAction(tr(text))
        entry.triggered.connect(lambda _=False: on_click())
        return entry
