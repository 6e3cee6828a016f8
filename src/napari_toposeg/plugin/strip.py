"""The status strip under the tabs: device, memory, the job's progress, Pause and Cancel."""

import sys
from textwrap import shorten
from time import monotonic

import psutil
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QGridLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.job import Job
from napari_toposeg.plugin.keys import with_key
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import tr
from napari_toposeg.progress import Step

MEMORY_EVERY_MS = 2000
MESSAGE_LENGTH = 120


class StatusStrip(QWidget):
    """Shows what the session's job does, and stops it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pace = Pace()
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(MEMORY_EVERY_MS)
        self._timer.timeout.connect(self.refresh_device)
        session.said.connect(self._show_message)
        session.job_started.connect(self._on_start)
        session.job_ended.connect(self._on_end)
        session.settings_changed.connect(self.refresh_device)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Begin to follow the memory once there is someone to see it."""
        super().showEvent(event)
        self.refresh_device()
        self._timer.start()

    def refresh_device(self) -> None:
        """Write the device and the memory in use."""
        used = psutil.Process().memory_info().rss / 2**30
        free = psutil.virtual_memory().available / 2**30
        memory = tr("{used:.1f} GB used, {free:.1f} GB free").format(used=used, free=free)
        self.device.setText(f"{device_text()} · {memory}")

    def _build(self) -> None:
        self.device = QLabel()
        self.device.setToolTip(
            tr("Where networks run (see Preferences), and this machine's memory")
        )
        self.progress = QProgressBar()
        self.progress.setRange(0, 100)
        self.progress.setValue(0)
        self.progress.setTextVisible(True)
        self.progress.setFormat(tr("idle"))
        self.progress.setToolTip(tr("Steps of the running job, and the time that is left"))
        self.progress.setAccessibleName(tr("Progress"))
        self.pause = QPushButton(tr("Pause"))
        self.pause.setCheckable(True)
        self.pause.setToolTip(
            with_key(
                tr("Hold the running job after its current step; press again to go on"), "pause"
            )
        )
        self.pause.toggled.connect(self._on_pause)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setToolTip(
            with_key(tr("Stop the running job after its current step"), "cancel")
        )
        self.cancel.clicked.connect(self.cancel_job)
        self.message = QLabel(tr("Ready"))
        self.message.setToolTip(tr("What was done last"))
        for label in (self.device, self.message):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._lay_out()
        self._enable(False)

    def _lay_out(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self.progress, 0, 0)
        layout.addWidget(self.pause, 0, 1)
        layout.addWidget(self.cancel, 0, 2)
        layout.addWidget(self.message, 1, 0, 1, 3)
        layout.addWidget(self.device, 2, 0, 1, 3)
        layout.setVerticalSpacing(2)
        layout.setColumnStretch(0, 1)

    def cancel_job(self) -> None:
        """Tell the running job to stop, if there is one."""
        job = self._session.job
        if job is not None and job.running:
            job.cancel()
            self.cancel.setEnabled(False)
            self.pause.setEnabled(False)
            self._session.say(tr("{job}: stopping after the current step").format(job=job.title))

    def _on_start(self, job: Job) -> None:
        job.stepped.connect(self.show_step)
        job.pause_changed.connect(self._show_paused)
        job.finished.connect(lambda _: self._session.say(tr("{job}: done").format(job=job.title)))
        job.cancelled.connect(
            lambda: self._session.say(tr("{job}: cancelled").format(job=job.title))
        )
        self._pace = Pace()
        self.progress.setRange(0, 0)
        self.progress.setFormat(job.title)
        self._enable(True)
        self._session.say(tr("{job}: starting").format(job=job.title))

    def show_step(self, step: Step) -> None:
        """Move the bar and say what is being done."""
        self.progress.setRange(0, max(step.total, 1))
        self.progress.setValue(step.step)
        left = self._pace.left(step, monotonic())
        rest = tr("{time} left")
        self.progress.setFormat(
            "%p%" if left is None else f"%p% · {rest.format(time=duration(left))}"
        )
        if step.message:
            self._show_message(step.message)

    def _show_message(self, text: str) -> None:
        # A long error would push the tabs up; it is whole in the tooltip and in the notification.
        self.message.setText(shorten(text, MESSAGE_LENGTH, placeholder=" …"))
        self.message.setToolTip(text)

    def _on_end(self) -> None:
        self.progress.setRange(0, 100)
        self.progress.setValue(0)
        self.progress.setFormat(tr("idle"))
        self._enable(False)
        self.refresh_device()

    def _on_pause(self, paused: bool) -> None:
        job = self._session.job
        if job is None or not job.running:
            return
        if paused:
            job.pause()
        else:
            job.resume()

    def _show_paused(self, paused: bool) -> None:
        self.pause.blockSignals(True)
        self.pause.setChecked(paused)
        self.pause.blockSignals(False)
        self.pause.setText(tr("Resume") if paused else tr("Pause"))
        # Time that was spent waiting says nothing of the time that is left.
        self._pace = Pace()
        if paused:
            self.progress.setFormat(tr("paused") + " · %p%")

    def _enable(self, running: bool) -> None:
        self._show_paused(False)
        self.pause.setEnabled(running)
        self.cancel.setEnabled(running)


def device_text() -> str:
    """Name the device; before the first run, which loads torch, name the setting."""
    device = read_settings().device
    # Not an import: while a job loads torch, an import here would wait for it and hold the window.
    describe = getattr(sys.modules.get("napari_toposeg.learning.devices"), "describe_device", None)
    if describe is None:
        automatic = tr("Device: automatic")
        return automatic if device == "auto" else tr("Device: {device}").format(device=device)
    try:
        return tr("{device}").format(device=describe(device))
    except InvalidConfig:
        lacking = tr("Device: {device}, which this machine has not (see Preferences)")
        return lacking.format(device=device)


class Pace:
    """How fast Steps come, and so when the last one will.

    The clock starts anew where a run goes on to other work: its Steps count from the start again.
    """

    def __init__(self) -> None:
        self.seconds_per_step: float | None = None
        self._first = self._last = 0
        self._total = -1
        self._since = self._before = 0.0

    def left(self, step: Step, now: float) -> float | None:
        """Return the seconds that remain after a Step seen now; None while there is no pace."""
        anew = step.total != self._total or step.step < self._last
        if anew:
            # The Step before the first of this work is when this work began.
            known = self._total >= 0 and step.step == 1
            self._since = self._before if known else now
            self._first = 0 if known else step.step
            self._total, self.seconds_per_step = step.total, None
        counted = anew or step.step > self._last
        self._last, self._before = step.step, now
        # Between two counts there are Steps too, which tell no more than that time goes by.
        if counted and step.step > self._first:
            self.seconds_per_step = (now - self._since) / (step.step - self._first)
        if anew or self.seconds_per_step is None or step.step >= step.total:
            return None
        return self.seconds_per_step * (step.total - step.step)


def duration(seconds: float) -> str:
    """Write a time as a person says it: ``8 s``, ``2 min 05 s``, ``1 h 10 min``."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
