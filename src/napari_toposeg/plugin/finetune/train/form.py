"""TrainForm: what a training is begun with; the fields become one FinetuneConfig."""

from collections.abc import Mapping
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.config import FinetuneConfig, LossName
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.strip import duration
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import row, section
from napari_toposeg.plugin.widgets.pickers import ModelPicker, narrow

VALIDATIONS = 10
"""Times that a run stops to validate, at most; each costs a prediction of the slices kept."""

BETTI_WEIGHT = 0.25
"""Weight of the topological error against Dice where both choose the best model."""

CPU_SECONDS_PER_VOXEL = 3.2e-6
"""Rough time of a training step on one core, for each voxel of its crops: 0.7 s for two of 48
voxels' edge with the smallest network, on one machine."""
EDGE = 48

LOSSES: Mapping[LossName, tuple[str, str]] = {
    "dice-ce": (
        mark("Dice and cross-entropy"),
        mark("Overlap alone: the sound choice to begin with, and the fastest"),
    ),
    "critical-voxel": (
        mark("+ critical voxels"),
        mark("Moves the voxels at which components and loops are born or die; sees places"),
    ),
    "betti-matching": (
        mark("+ Betti matching"),
        mark("Matches features in place; exact and slower: for few, well-defined structures"),
    ),
    "cldice": (
        mark("+ centrelines (clDice)"),
        mark("For vessels and airways: keeps thin tubes connected"),
    ),
    "topograph": (
        mark("+ topograph"),
        mark("Corrects the regions whose change mends the topology; for dense structures"),
    ),
    "defects": (
        mark("+ defects"),
        mark("Weighs each wrong piece by the Betti errors that it makes; simple, sees places"),
    ),
    "wasserstein": (
        mark("+ Wasserstein distance"),
        mark("Compares persistence diagrams exactly, without places; slow"),
    ),
    "sliced": (
        mark("+ sliced Wasserstein"),
        mark("Compares persistence diagrams by projections, without places; faster"),
    ),
    "betti-curve": (
        mark("+ Betti curve"),
        mark("Compares how many features there are at each threshold, without places"),
    ),
    "dog": (
        mark("control: fine bright structure"),
        mark("No topology: to see whether a gain is one of topology"),
    ),
    "histogram": (
        mark("control: histogram"),
        mark("No topology: to see whether a gain is one of topology"),
    ),
}
"""Names of the losses, and when to use them."""


class TrainForm(QWidget):
    """The fields of a training."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("Train"))
        self.model = ModelPicker(session, scratch=True)
        self.steps = QSpinBox()
        self.steps.setRange(1, 100_000)
        self.steps.setValue(read_settings().steps)
        self.rate = QDoubleSpinBox()
        self.rate.setDecimals(5)
        self.rate.setRange(0.0, 1.0)
        self.rate.setSpecialValueText(tr("planned"))
        self.rate.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.rate.setValue(0.0)
        self.loss = loss_combo()
        self.best = QComboBox()
        narrow(self.best)
        self.best.addItem(tr("Dice"), 0.0)
        self.best.addItem(tr("Dice and topology"), BETTI_WEIGHT)
        self.name = QLineEdit()
        self.live = QCheckBox(tr("&Live preview in the view"))
        self.live.setToolTip(
            tr(
                "At validations, label the slice in view, about the middle of the view, with the "
                "model as it is now; takes at most a tenth of the time"
            )
        )
        row(form, tr("Start &from"), self.model, tr("The model whose weights are trained further"))
        row(
            form,
            tr("&Steps"),
            self.steps,
            tr("Optimiser steps; a few hundred are enough to begin with"),
        )
        row(
            form,
            tr("Learning &rate"),
            self.rate,
            tr(
                "Peak learning rate; smaller is safer and slower. Planned: 0.0002 from a "
                "segmentation model, 0.005 for a residual U-Net, else 0.001"
            ),
        )
        row(form, tr("L&oss"), self.loss, tr("What is minimised; each entry says when to use it"))
        row(
            form,
            tr("&Best by"),
            self.best,
            tr(
                "What chooses the best model on the kept slices. With topology: Dice less a "
                "quarter of the topological error (0 to 1), that of the wanted numbers of the "
                "Annotate page where they are given"
            ),
        )
        row(form, tr("Save &as"), self.name, tr("Name of the new model in Segment"))
        form.addRow(self.live)

    def config(
        self,
        name: str,
        folder: Path,
        *,
        classes: tuple[str, ...],
        wanted: Mapping[int, tuple[int, int, int]],
        seed: int,
    ) -> FinetuneConfig:
        """Return the settings of a training.

        Raises
        ------
        InvalidConfig
            If a field holds what it cannot.
        """
        settings = read_settings()
        steps = self.steps.value()
        weight = float(self.best.currentData())
        numbers = tuple(n for k, betti in sorted(wanted.items()) for n in (k, *betti))
        return FinetuneConfig.create(
            checkpoint=self.model.require(),
            output=folder,
            name=name,
            classes=classes,
            loss=self.loss.currentData(),
            steps=steps,
            every=max(1, steps // VALIDATIONS),
            learning_rate=self.rate.value(),
            seed=seed,
            device=settings.device,
            threads=settings.worker_threads,
            betti_weight=weight,
            wanted=numbers if weight and numbers else None,
            previews=False,
        )

    def expectation(self, seconds_per_step: float | None) -> str:
        """Say about how long the training will take.

        Parameters
        ----------
        seconds_per_step
            The pace of the last one; None where there was none.
        """
        settings = read_settings()
        if seconds_per_step is not None:
            seconds = seconds_per_step * self.steps.value()
            return tr("About {time} at the pace of the last.").format(time=duration(seconds))
        if settings.device == "cuda":
            return ""
        batch = int(FinetuneConfig.model_fields["batch"].default)
        seconds = CPU_SECONDS_PER_VOXEL * batch * EDGE**3 * self.steps.value()
        return tr("Roughly {time} on a CPU; measured when it starts.").format(
            time=duration(seconds / settings.worker_threads)
        )


def loss_combo() -> QComboBox:
    """Return a combo box of the losses by the names that people know, with when to use each."""
    combo = QComboBox()
    narrow(combo)
    for number, (loss, (name, when)) in enumerate(LOSSES.items()):
        combo.addItem(tr(name), loss)
        combo.setItemData(number, tr(when), Qt.ItemDataRole.ToolTipRole)
    return combo
