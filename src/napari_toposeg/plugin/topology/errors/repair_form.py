"""RepairForm: the label map that is repaired, how sure it is, and the numbers that are wanted."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.label_classes import LabelClasses, UnreadClasses
from napari_toposeg.plugin.topology.errors.label_inputs import (
    connectivity_combo,
    is_label_map,
    probability_picker,
)
from napari_toposeg.plugin.topology.errors.reading import propose_run, still
from napari_toposeg.plugin.topology.errors.repairing import Proposal
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import row
from napari_toposeg.plugin.widgets.pickers import LayerPicker
from napari_toposeg.plugin.widgets.wanted_table import WantedTable
from napari_toposeg.progress import Run


class RepairForm(QWidget):
    """The inputs of the Repair page.

    Parameters
    ----------
    session
        The dock's session.
    known
        What knows the classes of label maps.
    """

    changed = Signal()
    """Another label map is chosen, or none."""

    def __init__(
        self, session: Session, known: LabelClasses, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._known = session, known
        self.labels = LayerPicker(session, is_label_map, empty=tr("no labels"))
        self.probability = probability_picker(session, self.labels, tr("none: distance counts"))
        self.connectivity = connectivity_combo()
        self.classes = WantedTable()
        self.unread = UnreadClasses(session, known)
        self._lay_out()
        self.labels.layer_chosen.connect(lambda _: self.list_classes())
        known.changed.connect(self.list_classes)
        self.list_classes()

    def make_run(self) -> Run[Proposal]:
        """Return the run that reads what is chosen and looks for the repair.

        Raises
        ------
        InvalidConfig
            If there is no label map, if its classes are not known, or if no numbers can be read.
        """
        layer = self.labels.layer
        if layer is None:
            raise InvalidConfig("there is no label map to repair; segment or open one first")
        self._known.require(layer)
        sure = self.probability.layer
        return propose_run(
            still(self._session.volume_of(layer, read=False)),
            self.classes.wanted,
            None if sure is None else self._session.volume_of(sure, read=False),
            connectivity=self.connectivity.currentData(),
        )

    def names(self) -> dict[int, str]:
        """Return the names of the classes."""
        return class_names(self.labels.layer)

    def list_classes(self) -> None:
        """List the classes of the label map as it is now."""
        layer = self.labels.layer
        sizes = self._known.of(layer)
        self.classes.show_classes(sizes or {}, self.names())
        self.classes.setVisible(sizes is not None)
        self.unread.setVisible(sizes is None)
        if sizes is None:
            self.unread.show_layer(layer)
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
        layout.addWidget(self.unread)
