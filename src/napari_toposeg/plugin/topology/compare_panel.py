"""ComparePanel: a prediction against the truth: Betti numbers, and where the topology is wrong.

The one idea: the list, the overlay and the keys N and P all lead to the same defects, one by one.
"""

from typing import Any

from napari.layers import Labels
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.canvas.label_values import classes_of
from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.canvas.marks import ANNOTATION, DEFECTS, EDITS, FEATURE, jump_to, role_of
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.betti_table import fill_betti_table, set_betti_header
from napari_toposeg.plugin.topology.comparison import (
    Comparison,
    compare_labels,
    describe_connectivity,
)
from napari_toposeg.plugin.topology.defects_view import DefectsView, changing
from napari_toposeg.plugin.topology.marking import mark_defect, show_defects
from napari_toposeg.plugin.widgets.pickers import LayerPicker, narrow
from napari_toposeg.topology import Defects

MOST_LABELS = 60
"""More values than this are no classes but counts or ids: only all together are compared."""


class ComparePanel(QWidget):
    """Compares two Labels layers by topology."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.result: Comparison | None = None
        self.defects: Defects | None = None
        self._source: Any = None
        self._build()
        self._lay_out()
        self.prediction.layer_chosen.connect(self._list_classes)
        self.button.clicked.connect(lambda: session.attempt(self.compare))
        self.harmless.toggled.connect(self._show_defects)
        self.list.chosen.connect(self.go_to)
        self.next.clicked.connect(lambda: self.list.step(True))
        self.previous.clicked.connect(lambda: self.list.step(False))
        self._bind_keys(session.viewer)
        self._list_classes()

    def compare(self) -> None:
        """Start the comparison of the chosen layers in the background."""
        layer = self.prediction.layer
        prediction = self._session.volume_of(layer)
        truth = self.truth.layer
        labels = None if truth is None else self._session.volume_of(truth).voxels
        value, connectivity = self.value.currentData(), self.connectivity.currentData()
        names = class_names(layer)
        self._session.start(
            lambda: compare_labels(
                prediction.voxels, labels, value=value, connectivity=connectivity, names=names
            ),
            title="Comparing topology",
            on_result=lambda result: self.show_result(result, layer),
        )

    def show_result(self, result: Comparison, layer: Any) -> None:
        """Show a comparison and lay its defects over the layer."""
        self.result, self._source = result, layer
        fill_betti_table(self.table, result.rows)
        self.note.setText(
            f"Prediction - truth = error. {describe_connectivity(result.connectivity)}."
        )
        self._show_defects()

    def go_to(self, chosen: int) -> None:
        """Show the slice of a defect, with the defect in the middle of the view."""
        viewer = self._session.viewer
        if self.defects is not None and self._source in viewer.layers:
            mark_defect(viewer, self._source, self.defects, chosen)
            jump_to(viewer, self._source, self.defects.centre[chosen - 1])

    def _show_defects(self) -> None:
        found = None if self.result is None else self.result.defects
        self.defects = found if found is None or self.harmless.isChecked() else changing(found)
        self.list.set_defects(self.defects)
        if self.defects is None or found is None:
            self.summary.setText("")
            return
        self.summary.setText(
            f"{len(changing(found)):,} of {len(found):,} errors change the topology."
        )
        if self._source in self._session.viewer.layers:
            overlay = show_defects(self._session.viewer, self._source, self.defects)
            # P paints in a Labels layer; on this one it steps back.
            self._bind_keys(overlay)

    def _build(self) -> None:
        self.prediction = LayerPicker(self._session, is_label_map, empty="no labels")
        self.prediction.setToolTip("Label map that is judged")
        self.truth = LayerPicker(self._session, is_label_map, empty="none", optional=True)
        self.truth.setToolTip("Label map that is right; without one only numbers are counted")
        self.value = QComboBox()
        self.value.setToolTip("Class whose errors are listed")
        self.connectivity = QComboBox()
        for number in (26, 6):
            self.connectivity.addItem(f"{number} (background {32 - number})", number)
        self.connectivity.setToolTip("Betti numbers depend on how voxels are joined")
        for combo in (self.value, self.connectivity):
            narrow(combo)
        self.button = QPushButton("Compare")
        self.table = QTableWidget(0, 4)
        self.list = DefectsView()
        self.list.setMinimumHeight(110)
        self.note, self.summary = QLabel(), QLabel()
        for label in (self.note, self.summary):
            label.setWordWrap(True)
        self.harmless = QCheckBox("List also errors that change no number")
        self.previous = QPushButton("Previous (P)")
        self.next = QPushButton("Next (N)")
        set_betti_header(self.table)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("&Prediction", self.prediction)
        form.addRow("&Truth", self.truth)
        form.addRow("&Class", self.value)
        form.addRow("&Joined", self.connectivity)
        steps = QHBoxLayout()
        steps.addWidget(self.previous)
        steps.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(form)
        layout.addWidget(self.button)
        layout.addWidget(self.table)
        layout.addWidget(self.note)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.summary)
        layout.addWidget(self.harmless)
        layout.addLayout(steps)

    def _list_classes(self) -> None:
        layer = self.prediction.layer
        self.button.setEnabled(layer is not None)
        self.value.clear()
        self.value.addItem("all together", None)
        classes = () if layer is None else classes_of(layer.data)
        names = class_names(layer)
        for each in classes if 1 < len(classes) <= MOST_LABELS else ():
            self.value.addItem(names.get(each, f"label {each}"), each)

    def _bind_keys(self, keys: Any) -> None:
        """Let N and P step through the defects, on the viewer or on a layer."""
        keys.bind_key("N", lambda _: self.list.step(True), overwrite=True)
        keys.bind_key("P", lambda _: self.list.step(False), overwrite=True)

        def forget() -> None:
            keys.bind_key("N", None)
            keys.bind_key("P", None)

        self.destroyed.connect(forget)


def is_label_map(layer: Any) -> bool:
    """Return whether a layer is a 3D label map, and no annotation or overlay."""
    return (
        isinstance(layer, Labels)
        and layer.ndim == 3
        and role_of(layer) not in (ANNOTATION, DEFECTS, EDITS, FEATURE)
    )
