"""RepairForm: the label map that is repaired, how sure it is, and the numbers that are wanted."""

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.label_inputs import (
    connectivity_combo,
    is_label_map,
    probability_picker,
    read_probability,
)
from napari_toposeg.plugin.topology.errors.repairing import Proposal, propose
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import row
from napari_toposeg.plugin.widgets.pickers import LayerPicker
from napari_toposeg.plugin.widgets.wanted_table import WantedTable
from napari_toposeg.progress import Run


class RepairForm(QWidget):
    """The inputs of the Repair page."""

    changed = Signal()
    """Another label map is chosen, or none."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.labels = LayerPicker(session, is_label_map, empty=tr("no labels"))
        self.probability = probability_picker(session, self.labels, tr("none: distance counts"))
        self.connectivity = connectivity_combo()
        self.classes = WantedTable()
        self._lay_out()
        self.labels.layer_chosen.connect(lambda _: self.list_classes())
        self.list_classes()

    def make_run(self) -> Run[Proposal]:
        """Return the run that looks for the repair, on a copy of what is chosen.

        Raises
        ------
        InvalidConfig
            If there is no label map, if the probability is none, or if no numbers are wanted.
        """
        layer = self.labels.layer
        if layer is None:
            raise InvalidConfig("there is no label map to repair; segment or open one first")
        volume = self._session.volume_of(layer)
        return propose(
            # A copy: a person may go on painting while the repair is looked for.
            volume.voxels.copy(),
            self.classes.wanted,
            probability=read_probability(self._session, self.probability.layer),
            connectivity=self.connectivity.currentData(),
            spacing=volume.spacing,
        )

    def names(self) -> dict[int, str]:
        """Return the names of the classes."""
        return class_names(self.labels.layer)

    def list_classes(self) -> None:
        """List the classes of the label map as it is now."""
        layer = self.labels.layer
        self.classes.show_classes(None if layer is None else np.asarray(layer.data), self.names())
        self.changed.emit()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        row(form, tr("&Labels"), self.labels, tr("Label map that is repaired"))
        row(
            form,
            tr("P&robability"),
            self.probability,
            tr(
                "Probability of the foreground on the same grid, which says what an edit costs; "
                "without one it is the distance from the surface"
            ),
        )
        row(
            form,
            tr("&Joined"),
            self.connectivity,
            tr("Betti numbers depend on how voxels are joined"),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(form)
        layout.addWidget(self.classes)
