"""CompareForm: what is judged, and what it is held against.

The one idea: three ways to know what is right, a truth, another label map of which nobody knows,
and the Betti numbers that are wanted; the form shows only what the chosen one needs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.label_values import classes_of
from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.comparison import (
    Against,
    Comparison,
    compare_labels,
    compare_with_wanted,
)
from napari_toposeg.plugin.topology.errors.counting import MOST_CLASSES
from napari_toposeg.plugin.topology.errors.label_inputs import (
    FittingPicker,
    connectivity_combo,
    is_label_map,
    probability_picker,
    read_probability,
)
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import row
from napari_toposeg.plugin.widgets.pickers import LayerPicker, narrow
from napari_toposeg.plugin.widgets.wanted_table import WantedTable
from napari_toposeg.progress import Run

EACH, TOGETHER = "each", "together"
Choice = str | int


class CompareForm(QWidget):
    """The inputs of the Errors page."""

    changed = Signal()
    """Something else is judged, or held against."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._build(session)
        self._lay_out()
        self.prediction.layer_chosen.connect(self._list_classes)
        self.against.currentIndexChanged.connect(lambda _: self._show_fitting())
        self._list_classes()

    @property
    def way(self) -> Against:
        """What the label map is held against; nothing where no layer is chosen."""
        way: Against = self.against.currentData()
        return "nothing" if way != "wanted" and self.truth.layer is None else way

    @property
    def choice(self) -> Choice:
        """The class whose errors are found: a label, `EACH` or `TOGETHER`."""
        choice: Choice = self.value.currentData()
        return choice

    def summary(self) -> str:
        """Say in a line what is held against what, for where the form is folded."""
        layer, truth = self.prediction.layer, self.truth.layer
        if layer is None:
            return ""
        other = self.against.currentText() if self.way == "wanted" else getattr(truth, "name", "–")
        text = tr("{judged} against {other}")
        return text.format(judged=layer.name, other=other)

    def names(self) -> dict[int, str]:
        """Return the names of the classes, from the layer that is judged, else from the other."""
        return class_names(self.truth.layer) | class_names(self.prediction.layer)

    def make_run(self) -> tuple[Run[Comparison], NDArray[np.integer]]:
        """Return the run that compares what is chosen, and the label map that it judges.

        Raises
        ------
        InvalidConfig
            If there is no label map, or the probability or the wanted numbers cannot be.
        """
        layer, way, choice = self.prediction.layer, self.way, self.choice
        if layer is None:
            raise InvalidConfig("there is no label map to judge; segment or open one first")
        volume = self._session.volume_of(layer)
        # A copy: a person may go on painting, and errors are counted again later.
        labels = volume.voxels.copy()
        joined: int = self.connectivity.currentData()
        probability = read_probability(self._session, self.probability.layer)
        wanted = self.wanted.wanted if way == "wanted" else {}
        if wanted:
            run = compare_with_wanted(
                labels,
                wanted,
                connectivity=joined,
                names=self.names(),
                probability=probability,
                spacing=volume.spacing,
            )
            return run, labels
        is_held = way in ("truth", "reference")
        run = compare_labels(
            labels,
            self._session.volume_of(self.truth.layer).voxels if is_held else None,
            value=None if choice in (EACH, TOGETHER) else int(choice),
            together=choice == TOGETHER,
            connectivity=joined,
            names=self.names(),
            probability=probability,
            spacing=volume.spacing,
            against=way,
        )
        return run, labels

    def _build(self, session: Session) -> None:
        self.prediction = LayerPicker(session, is_label_map, empty=tr("no labels"))
        self.against = QComboBox()
        for text, way in (
            (tr("a truth"), "truth"),
            (tr("another prediction"), "reference"),
            (tr("wanted Betti numbers"), "wanted"),
        ):
            self.against.addItem(text, way)
        self.truth = FittingPicker(session, self.prediction, "labels", empty=tr("none: only count"))
        self.wanted = WantedTable()
        self.value = QComboBox()
        self.connectivity = connectivity_combo()
        self.probability = probability_picker(session, self.prediction, tr("none"))
        for combo in (self.against, self.value):
            narrow(combo)

    def _lay_out(self) -> None:
        form = self._form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        row(form, tr("&Judge"), self.prediction, tr("Label map that is judged"))
        row(form, tr("&Against"), self.against, tr("How it is known what is right"))
        row(
            form,
            tr("&Layer"),
            self.truth,
            tr("Label map on the same grid; without one only numbers are counted"),
        )
        form.addRow(self.wanted)
        row(form, tr("&Class"), self.value, tr("Class whose errors are listed"))
        row(
            form,
            tr("J&oined"),
            self.connectivity,
            tr("Betti numbers depend on how voxels are joined"),
        )
        row(
            form,
            tr("P&robability"),
            self.probability,
            tr("Probability of the foreground on the same grid: it says what an error costs"),
        )

    def _list_classes(self, _: object = None) -> None:
        layer = self.prediction.layer
        self.value.clear()
        classes = () if layer is None else classes_of(_voxels(layer))
        names = class_names(layer)
        if 1 < len(classes) <= MOST_CLASSES:
            self.value.addItem(tr("each class"), EACH)
            self.value.addItem(tr("all together"), TOGETHER)
            for each in classes:
                self.value.addItem(names.get(each, tr("label {n}").format(n=each)), each)
        else:
            self.value.addItem(tr("all together") if classes else "–", EACH)
        self._show_fitting()

    def _show_fitting(self) -> None:
        wanted = self.against.currentData() == "wanted"
        self._form.setRowVisible(self.wanted, wanted)
        self._form.setRowVisible(self.truth, not wanted)
        self._form.setRowVisible(self.value, not wanted and self.value.count() > 1)
        layer = self.prediction.layer
        if wanted:
            data = None if layer is None else np.asarray(_voxels(layer))
            self.wanted.show_classes(data, class_names(layer))
        self.changed.emit()


def _voxels(layer: Any) -> Any:
    return layer.data[0] if getattr(layer, "multiscale", False) else layer.data
