"""TrainPanel: starts a fine-tuning, shows how it goes, and keeps or discards what it made.

The one idea: however a run ends, by itself, stopped here, cancelled in the strip, by an error or
with the window, its best checkpoint becomes a model; only Discard drops it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig, OutOfMemory
from napari_toposeg.plugin.finetune.annotate.annotations import Annotation
from napari_toposeg.plugin.finetune.annotate.panel import AnnotatePanel
from napari_toposeg.plugin.finetune.train.after_view import AfterView, Trained
from napari_toposeg.plugin.finetune.train.buttons import TrainButtons
from napari_toposeg.plugin.finetune.train.closing import CloseGuard
from napari_toposeg.plugin.finetune.train.cut_off import training_of
from napari_toposeg.plugin.finetune.train.cut_off_view import CutOffView
from napari_toposeg.plugin.finetune.train.form import TrainForm
from napari_toposeg.plugin.finetune.train.keeper import Keeper
from napari_toposeg.plugin.finetune.train.progress_view import ProgressView
from napari_toposeg.plugin.finetune.train.run import (
    cut_off_runs,
    discard,
    finetune_run,
    free_name,
    keep_best,
    require_free_name,
    run_folder,
)
from napari_toposeg.plugin.finetune.train.saying import describe_plan, describe_smaller, kept_as
from napari_toposeg.plugin.memory import give_back_memory
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import page_layout
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

FIRST_NAME = "my-model"
TITLE = mark("Fine-tuning")


class Begun(NamedTuple):
    """What a training is begun with; its labels are a copy, as painting goes on meanwhile."""

    scan: Any
    image: Volume
    labels: NDArray[Any]
    annotation: Annotation
    config: FinetuneConfig


class TrainPanel(QWidget):
    """Trains a model on the annotation of the panel beside it."""

    def __init__(
        self, session: Session, annotate: AnnotatePanel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._annotate = annotate
        self.keeper = Keeper()
        self._begun: Begun | None = None
        self._smaller: Begun | None = None
        self._outcome = ""
        self._then: Callable[[], object] | None = None
        self._build()
        self.guard = CloseGuard(self, lambda: self.keeper.running, self.end_and_close)
        annotate.changed.connect(self._on_annotation)
        session.image_layer_changed.connect(lambda _: self.refresh())
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        # Not a method of this widget, whose connections go with it: the keeper outlives it.
        session.closing.connect(self.keeper.close)
        self.refresh()

    def start(self) -> None:
        """Train on the annotated slices in the background.

        Raises
        ------
        ToposegError
            If there is no annotation or image, the name is taken, or a job is running.
        """
        self._annotate.read()
        annotation = self._annotate.annotation
        if annotation is None:
            raise InvalidConfig(
                tr("there is no annotation layer; make one on the Annotate page first")
            )
        scan = self._session.require_image()
        image = self._session.volume_of(scan, read=False)
        name = require_free_name(self.name.text().strip() or free_name(FIRST_NAME))
        config = self._form.config(
            name,
            run_folder(name),
            classes=self._annotate.classes,
            wanted=self._annotate.wanted,
            seed=self._annotate.seed.value(),
        )
        labels = np.array(self._annotate.layer.data)
        self._begin(Begun(scan, image, labels, annotation, config))

    def pause(self) -> None:
        """Pause the training after its current step, or go on."""
        job = self.keeper.job
        if job is not None and job.running:
            (job.resume if job.paused else job.pause)()

    def stop(self) -> None:
        """Stop the training and keep the best model so far."""
        job = self.keeper.job
        if job is not None and job.running:
            job.cancel()
            self.refresh()
            self.summary.setText(tr("Stopping after the current step"))

    def discard(self) -> None:
        """Stop the training and keep nothing."""
        self.keeper.discarding = True
        self.stop()

    def end_and_close(self, keep: bool) -> None:
        """End the training, keep its best model or not, and close the window then."""
        assert self.guard.window is not None
        self._then = self.guard.window.close
        (self.stop if keep else self.discard)()
        if self.keeper.job is None:
            self._do_then()

    def try_smaller(self) -> None:
        """Start the training that ran out of memory anew, with settings that need less."""
        if self._smaller is not None:
            self._begin(self._smaller)

    def keep_cut_off(self) -> None:
        """Make a model of the best checkpoint of the training that was cut off."""
        training = self.cut_off.require()
        card = keep_best(training.folder, training.name)
        if card is not None:
            self._outcome = kept_as(card.name, [])
            self._session.models_changed.emit()
        self._offer()

    def resume_cut_off(self) -> None:
        """Go on with the training that was cut off, to the same numbers.

        Raises
        ------
        ToposegError
            If the chosen image is not its scan, or a job is running.
        """
        training = self.cut_off.require()
        scan = self._session.require_image()
        image = self._session.volume_of(scan, read=False)
        self._begin(Begun(scan, image, *training_of(training, image)))
        self.cut_off.offer(None)

    def discard_cut_off(self) -> None:
        """Delete what the training that was cut off left."""
        discard(self.cut_off.require().folder)
        self._offer()

    def refresh(self) -> None:
        """Show what can be pressed."""
        job, busy = self.keeper.job, self._session.busy
        mine = job is not None and job.running
        found = self._annotate.annotation
        ready = found is not None and not found.faults
        self.start_button.setEnabled(ready and not busy)
        self.smaller_button.setEnabled(not busy)
        self.cut_off.setEnabled(not busy)
        for each in self._buttons.while_running:
            each.setEnabled(self.keeper.running)
        # What it was begun with cannot be changed now; the curves need the room.
        self._form.setVisible(not mine)
        self.after.setVisible(not mine)
        if not mine:
            self.pause_button.setText(tr("Pause"))
            expected = self._form.expectation(self.progress.seconds_per_step) if ready else ""
            self.summary.setText(self._outcome or f"{describe_plan(found)} {expected}".strip())

    def _begin(self, begun: Begun) -> None:
        job = self._session.start(
            partial(finetune_run, *begun[1:], look=self.progress.live.look),
            title=tr(TITLE),
            on_step=self.show_step,
            on_result=self._end,
            on_cancel=self._end,
            on_error=self._fail,
            after=give_back_memory,
        )
        self._begun, self._smaller, self._outcome = begun, None, ""
        self._buttons.offer_smaller("")
        self.keeper.begin(job, begun.config)
        self.progress.begin(begun.scan, len(begun.config.classes or ()))
        job.pause_changed.connect(self._on_pause)
        self.refresh()

    def show_step(self, step: Step) -> None:
        """Draw what a Step measured."""
        self.progress.show_step(step)

    def _end(self, _: object = None) -> None:
        """Keep the best model of a run that is over, or drop it."""
        dropped = self.keeper.discarding
        name = self._keep()
        if name is not None:
            self._outcome = kept_as(name, self.curves.dice)
        elif dropped:
            self._outcome = tr("Discarded: no model was kept.")
        else:
            self._outcome = tr("Stopped before the first checkpoint: there is no model to keep.")
        if name is not None and self._then is None and self.after.at_end.isChecked():
            # Not here: the session is told of the end of this job first.
            QTimer.singleShot(0, self.after.compare_if_possible)
        self._do_then()

    def _fail(self, error: BaseException) -> None:
        """Keep what there is of a run that failed; offer a smaller one where memory was short."""
        begun = self._begun
        name = self._keep()
        told = tr("Failed: {error}").format(error=error)
        self._outcome = told if name is None else f"{told} {kept_as(name, self.curves.dice)}"
        if begun is not None and isinstance(error, OutOfMemory) and error.smaller:
            self._smaller = begun._replace(config=with_less(begun.config, error.smaller))
            self._buttons.offer_smaller(describe_smaller(error.smaller))
        self._do_then()

    def _keep(self) -> str | None:
        """End the training that is over; return the name of the model that was kept."""
        self.progress.live.end()
        begun, self._begun = self._begun, None
        card = self.keeper.end()
        if card is None or begun is None:
            return None
        self._session.models_changed.emit()
        self.name.setText(free_name(card.name))
        trained = Trained(begun.scan, begun.labels, begun.annotation, begun.config.seed)
        self.after.take(begun.config.checkpoint, card.name, trained)
        return str(card.name)

    def _do_then(self) -> None:
        """Do what waited for the end: close the window."""
        then, self._then = self._then, None
        if then is not None:
            QTimer.singleShot(0, then)

    def _build(self) -> None:
        def tried(action: Callable[[], object]) -> Callable[[], object]:
            return lambda *_: self._session.attempt(action)

        self.cut_off = CutOffView(
            keep=tried(self.keep_cut_off),
            resume=tried(self.resume_cut_off),
            discard=tried(self.discard_cut_off),
        )
        self._form = form = TrainForm(self._session)
        self.model, self.steps, self.rate = form.model, form.steps, form.rate
        self.loss, self.best, self.name, self.live = form.loss, form.best, form.name, form.live
        self._buttons = buttons = TrainButtons(
            start=tried(self.start),
            pause=self.pause,
            stop=self.stop,
            discard=self.discard,
            smaller=tried(self.try_smaller),
        )
        self.start_button, self.smaller_button = buttons.start, buttons.smaller
        self.pause_button, self.stop_button, self.discard_button = buttons.while_running
        self.progress = ProgressView(self._session, form.live)
        self.summary, self.curves = self.progress.summary, self.progress.curves
        self.after = AfterView(self._session)
        layout = page_layout(self)
        for each in (self.cut_off, form, buttons, self.progress, self.after):
            layout.addWidget(each)
        buttons.offer_smaller("")
        form.steps.valueChanged.connect(lambda _: self.refresh())

    def _on_annotation(self, _: Annotation | None) -> None:
        self._outcome = ""
        self.refresh()

    def _on_pause(self, paused: bool) -> None:
        self.pause_button.setText(tr("Resume") if paused else tr("Pause"))

    def _offer(self) -> None:
        found = cut_off_runs()
        self.cut_off.offer(found[0] if found else None)
        self.refresh()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Suggest a name that no model has, once there is someone to see it; offer what is left."""
        super().showEvent(event)
        self.guard.watch()
        if not self.name.text():
            self.name.setText(free_name(FIRST_NAME))
        self._offer()


def with_less(config: FinetuneConfig, smaller: dict[str, Any]) -> FinetuneConfig:
    """Return the settings of a run of its own that needs less memory."""
    name = free_name(str(config.name))
    own = {"name": name, "output": run_folder(name), "resume": False}
    return config.model_copy(update=smaller | own)
