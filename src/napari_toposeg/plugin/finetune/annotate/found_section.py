"""FoundSection: which slices are painted, how they are split, and what is still missing.

The one idea: what will be trained on is said before it is trained on.
"""

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from napari_toposeg.plugin.finetune.annotate.annotations import (
    AXIS_NAMES,
    Annotation,
    describe_slices,
)
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import row, section, value


class FoundSection(QWidget):
    """Shows an `Annotation`."""

    seed_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("Found"))
        self.slices = value(tr("Slices in which a voxel is painted"))
        self.train = value(tr("Slices that train the model"))
        self.validation = value(
            tr("Slices kept for validation: one of every four, drawn at random")
        )
        self.voxels = value(tr("Painted voxels of each class"))
        self.fault = value(tr("What is still missing"))
        self.seed = QSpinBox()
        self.seed.setRange(0, 9999)
        self.seed.setValue(read_settings().seed)
        form.addRow(self.fault)
        form.addRow(tr("Slices"), self.slices)
        form.addRow(tr("Training"), self.train)
        form.addRow(tr("Validation"), self.validation)
        row(form, tr("&Split seed"), self.seed, tr("Another number draws other validation slices"))
        form.addRow(tr("Voxels"), self.voxels)
        self.seed.valueChanged.connect(lambda _: self.seed_changed.emit())

    def show_annotation(self, found: Annotation | None, classes: Sequence[str]) -> None:
        """Show what was found, None where there is no annotation."""
        faults = () if found is None else found.faults
        self.fault.setText("\n".join(faults))
        self.fault.setVisible(bool(faults))
        if found is None or not found.slices:
            for label in (self.slices, self.train, self.validation, self.voxels):
                label.setText("–")
            return
        self.slices.setText(describe_found(found))
        self.train.setText(describe_training(found))
        self.validation.setText(
            f"{AXIS_NAMES[found.axis]} {describe_slices(found.validation)}"
            if found.validation
            else tr("none: that takes 4 annotated slices")
        )
        self.voxels.setText(describe_voxels(found, classes))


def describe_found(found: Annotation) -> str:
    """Say how many slices are painted, and across which axes."""
    text = tr("{count} along {axis}, {whole} painted completely")
    parts = [
        text.format(count=len(found.slices), axis=AXIS_NAMES[found.axis], whole=len(found.complete))
    ]
    parts += [
        tr("{count} along {axis}").format(count=len(found.across(axis)), axis=AXIS_NAMES[axis])
        for axis in range(3)
        if axis != found.axis and found.across(axis)
    ]
    return "; ".join(parts)


def describe_training(found: Annotation) -> str:
    """Name the slices that train, by axis."""
    by_axis = {found.axis: found.train} | {
        axis: found.across(axis) for axis in range(3) if axis != found.axis
    }
    return "; ".join(
        f"{AXIS_NAMES[axis]} {describe_slices(slices)}"
        for axis, slices in sorted(by_axis.items())
        if slices
    )


def describe_voxels(found: Annotation, classes: Sequence[str]) -> str:
    """Write the number of painted voxels of each class."""
    named = dict(enumerate(classes, start=1))
    parts = [
        f"{named.get(k, tr('class {number}').format(number=k))} {n:,}"
        for k, n in found.voxels.items()
    ]
    return ", ".join([*parts, tr("background {count}").format(count=f"{found.background:,}")])
