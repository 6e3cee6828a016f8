"""TrainPanel: starts a fine-tuning, shows how it goes, and keeps or discards what it made.

The one idea: however a run ends, by itself, stopped here, cancelled in the strip or by an error,
its best checkpoint becomes a model; only Discard drops it.
"""

from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLineEdit, QSpinBox, QWidget

from napari_toposeg.config import FinetuneConfig, LossName
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.annotate_panel import AnnotatePanel
from napari_toposeg.plugin.finetune.annotations import Annotation
from napari_toposeg.plugin.finetune.curves_view import CurvesView, PreviewView
from napari_toposeg.plugin.finetune.run import (
    discard,
    finetune_run,
    free_name,
    keep_best,
    preview_slices,
    require_free_name,
    run_folder,
)
from napari_toposeg.plugin.job import Job
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.widgets.forms import button, page_layout, row, section, value
from napari_toposeg.plugin.widgets.pickers import ModelPicker
from napari_toposeg.progress import Step

FIRST_NAME = "my-model"
VALIDATIONS = 10
"""Times that a run stops to validate, at most; each costs a prediction of the slices kept."""


class TrainPanel(QWidget):
    """Trains a model on the annotation of the panel beside it."""

    def __init__(
        self, session: Session, annotate: AnnotatePanel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._annotate = annotate
        self.job: Job | None = None
        self.folder: Path | None = None
        self._discarding = False
        self._outcome = ""
        self._layout = page_layout(self)
        self._build_form()
        self._build_buttons()
        self._build_progress()
        annotate.changed.connect(self._on_annotation)
        session.image_layer_changed.connect(lambda _: self.refresh())
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        self._follow_theme()
        self.refresh()

    def start(self) -> None:
        """Train on the annotated slices in the background."""
        self._annotate.read()
        annotation = self._annotate.annotation
        if annotation is None:
            raise InvalidConfig("there is no annotation layer; make one on the Annotate page first")
        image = self._session.volume_of(self._session.require_image())
        name = require_free_name(self.name.text().strip() or free_name(FIRST_NAME))
        # A copy: painting goes on while the model trains.
        labels = np.array(self._annotate.layer.data)
        config = self._config(name, run_folder(name))
        self._begin(partial(finetune_run, image, labels, annotation, config), config)

    def pause(self) -> None:
        """Pause the training after its current step, or go on."""
        if self.job is not None and self.job.running:
            (self.job.resume if self.job.paused else self.job.pause)()

    def stop(self) -> None:
        """Stop the training and keep the best model so far."""
        if self.job is not None and self.job.running:
            self.job.cancel()
            self.refresh()
            self.summary.setText("Stopping after the current step")

    def discard(self) -> None:
        """Stop the training and keep nothing."""
        self._discarding = True
        self.stop()

    def refresh(self) -> None:
        """Show what can be pressed."""
        mine = self.job is not None and self.job.running
        ready = self._annotate.annotation is not None and not self._annotate.annotation.faults
        stoppable = self.job is not None and mine and not self.job.cancelling
        self.start_button.setEnabled(ready and not self._session.busy)
        for each in (self.pause_button, self.stop_button, self.discard_button):
            each.setEnabled(stoppable)
        if not mine:
            self.pause_button.setText("Pause")
            self.summary.setText(self._outcome or describe_plan(self._annotate.annotation))

    def _begin(self, make_run: Any, config: FinetuneConfig) -> None:
        self._discarding = False
        self.curves.clear()
        self.preview.clear()
        end = partial(self._end, config)
        self.job = self._session.start(
            make_run,
            title="Fine-tuning",
            on_step=self.show_step,
            on_result=end,
            on_cancel=end,
            on_error=end,
        )
        self.folder = config.output
        self.job.pause_changed.connect(self._on_pause)
        self.refresh()

    def show_step(self, step: Step) -> None:
        """Draw what a Step measured."""
        self.curves.add(step)
        if step.preview is not None:
            self.preview.show_slice(*preview_slices(dict(step.preview)))
        self.summary.setText(describe_step(step, self.curves.dice))

    def _end(self, config: FinetuneConfig, _: object = None) -> None:
        """Keep the best model of a run that is over, or drop it."""
        self.folder = None
        if self._discarding:
            discard(config.output)
            self._outcome = "Discarded: no model was kept."
            return
        card = keep_best(config.output, str(config.name))
        if card is None:
            self._outcome = "Stopped before the first checkpoint: there is no model to keep."
            return
        best = f" Best Dice {max(self.curves.dice):.3f}." if self.curves.dice else ""
        self._outcome = f"Kept as {card.name}: pick it in Segment.{best}"
        self._session.models_changed.emit()
        self.name.setText(free_name(card.name))

    def _config(self, name: str, folder: Path) -> FinetuneConfig:
        settings = read_settings()
        steps = self.steps.value()
        return FinetuneConfig.create(
            checkpoint=self.model.require(),
            output=folder,
            name=name,
            classes=self._annotate.classes,
            loss=self.loss.currentText(),
            steps=steps,
            every=max(1, steps // VALIDATIONS),
            learning_rate=self.rate.value(),
            seed=self._annotate.seed.value(),
            device=settings.device,
            threads=settings.worker_threads,
            previews=False,
        )

    def _build_form(self) -> None:
        form = section(self._layout, "Train")
        self.model = ModelPicker(self._session, scratch=True)
        self.steps = QSpinBox()
        self.steps.setRange(1, 100_000)
        self.steps.setValue(read_settings().steps)
        self.rate = QDoubleSpinBox()
        self.rate.setDecimals(5)
        self.rate.setRange(1e-5, 1.0)
        self.rate.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.rate.setValue(1e-3)
        self.loss = QComboBox()
        self.loss.addItems(get_args(LossName))
        self.name = QLineEdit()
        row(form, "Start &from", self.model, "The model whose weights are trained further")
        row(form, "&Steps", self.steps, "Optimiser steps; a few hundred are enough to begin with")
        row(form, "Learning &rate", self.rate, "Peak learning rate; smaller is safer and slower")
        row(form, "L&oss", self.loss, str(FinetuneConfig.model_fields["loss"].description))
        row(form, "Save &as", self.name, "Name under which the new model can be picked in Segment")

    def _build_buttons(self) -> None:
        self.start_button = button(
            "Start",
            "Train in the background on the slices found",
            lambda: self._session.attempt(self.start),
        )
        self.pause_button = button("Pause", "Hold the training after its current step", self.pause)
        self.stop_button = button(
            "Stop and keep best", "End the training now; its best model is kept", self.stop
        )
        self.discard_button = button("Discard", "End the training and keep nothing", self.discard)
        grid = QGridLayout()
        grid.setSpacing(4)
        buttons = (self.start_button, self.pause_button, self.stop_button, self.discard_button)
        for number, each in enumerate(buttons):
            grid.addWidget(each, number // 2, number % 2)
        self._layout.addLayout(grid)

    def _build_progress(self) -> None:
        self.summary = value("What is trained, and how well it does")
        theme = self._session.viewer.theme
        self.curves = CurvesView(theme)
        self.preview = PreviewView()
        self._layout.addWidget(self.summary)
        self._layout.addWidget(self.curves, 1)
        self._layout.addWidget(self.preview, 1)

    def _follow_theme(self) -> None:
        viewer = self._session.viewer

        def recolour(_: object = None) -> None:
            self.curves.set_theme(viewer.theme)

        viewer.events.theme.connect(recolour)
        self.destroyed.connect(lambda: viewer.events.theme.disconnect(recolour))

    def _on_annotation(self, _: Annotation | None) -> None:
        self._outcome = ""
        self.refresh()

    def _on_pause(self, paused: bool) -> None:
        self.pause_button.setText("Resume" if paused else "Pause")

    def showEvent(self, event: QShowEvent | None) -> None:
        """Suggest a name that no model has, once there is someone to see it."""
        super().showEvent(event)
        if not self.name.text():
            self.name.setText(free_name(FIRST_NAME))
        self.refresh()


def describe_plan(annotation: Annotation | None) -> str:
    """Say what a training would use."""
    if annotation is None:
        return "Make an annotation layer on the Annotate page first."
    if annotation.faults:
        return annotation.faults[0]
    kept = len(annotation.validation)
    choice = (
        f"{kept} to choose the best model" if kept else "none to choose the best: the last is kept"
    )
    return f"{len(annotation.train)} slices to train on, {choice}."


def describe_step(step: Step, dice: list[float]) -> str:
    """Say how a training goes."""
    parts = [f"Step {step.step:,} of {step.total:,}"]
    if "loss" in step.losses:
        parts.append(f"loss {step.losses['loss']:.3f}")
    if dice:
        parts.append(f"Dice {dice[-1]:.3f}, best {max(dice):.3f}")
    return ", ".join(parts)
