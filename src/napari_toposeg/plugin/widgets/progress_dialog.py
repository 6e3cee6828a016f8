"""A run to its end inside one call, behind a dialog with its progress and Cancel.

The one idea: napari asks a reader for layers and waits. The run works in a thread while the dialog
keeps the window painted, and only what the dialog lets through can be pressed.
"""

from collections.abc import Callable
from typing import TypeVar

from qtpy.QtCore import QCoreApplication, QEventLoop, Qt, QThread, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.job import Job
from napari_toposeg.plugin.translation import tr
from napari_toposeg.progress import Run, Step, finish

SHOWN_AFTER_MS = 400

Result = TypeVar("Result")


class ProgressDialog(QDialog):
    """A bar and Cancel, for a job; it shows itself when the job takes more than a moment."""

    def __init__(self, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(job.title)
        self.setWindowModality(Qt.WindowModality.ApplicationModal)
        self._job = job
        self.bar = QProgressBar()
        self.bar.setToolTip(tr("How much is done"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (QLabel(job.title), self.bar, buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(320)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self.show)
        self._patience.start(SHOWN_AFTER_MS)
        job.stepped.connect(self.show_step)

    def show_step(self, step: Step) -> None:
        """Move the bar."""
        self.bar.setMaximum(step.total)
        self.bar.setValue(step.step)

    def reject(self) -> None:
        """Cancel the job; the dialog goes when it has ended."""
        self._job.cancel()
        self.setEnabled(False)

    def put_away(self) -> None:
        """Hide for good: the job has ended."""
        self._patience.stop()
        self.hide()
        self.deleteLater()


def finish_in_dialog(make_run: Callable[[], Run[Result]], title: str) -> Result | None:
    """Return what a run returns, or None if it was cancelled; errors are raised.

    Without an application, or in another thread than its own, the run is simply finished.
    """
    application = QCoreApplication.instance()
    if not isinstance(application, QApplication) or not is_here(application):
        return finish(make_run())
    job, loop = Job(make_run, title), QEventLoop()
    dialog = ProgressDialog(job, QApplication.activeWindow())
    outcome: list[Result] = []
    errors: list[BaseException] = []
    job.finished.connect(outcome.append)
    job.failed.connect(errors.append)
    job.ended.connect(loop.quit)
    job.start()
    loop.exec()
    dialog.put_away()
    for error in errors:
        raise error
    return outcome[0] if outcome else None


def is_here(application: QCoreApplication) -> bool:
    """Tell whether this is the thread of the window."""
    return bool(QThread.currentThread() == application.thread())
