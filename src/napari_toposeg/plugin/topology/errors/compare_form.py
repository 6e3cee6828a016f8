"""CompareForm: what is judged, and what it is held against.

The one idea: three ways to know what is right, a truth, another label map of which nobody knows,
and the Betti numbers that are wanted; the form shows only what the chosen one needs.
"""

from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.comparison import Against, Comparison
from napari_toposeg.plugin.topology.errors.counting import MOST_CLASSES
from napari_toposeg.plugin.topology.errors.label_classes import LabelClasses, UnreadClasses
from napari_toposeg.plugin.topology.errors.label_inputs import (
    FittingPicker,
    connectivity_combo,
    is_label_map,
    probability_picker,
)
from napari_toposeg.plugin.topology.errors.reading import Labels, compare_run, still
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import row
from napari_toposeg.plugin.widgets.pickers import LayerPicker, narrow
from napari_toposeg.plugin.widgets.wanted_table import WantedTable
from napari_toposeg.progress import Run
from napari_toposeg.volume import Volume

EACH, TOGETHER = "each", "together"
Choice = str | int


class CompareForm(QWidget):
    """The inputs of the Errors page.

    Parameters
    ----------
    session
        The dock's session.
    known
        What knows the classes of label maps.
    """

    changed = Signal()
    """Something else is judged, or held against."""

    def __init__(
        self, session: Session, known: LabelClasses, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._known = session, known
        self._sizes: dict[int, int] | None = {}
        self._build(session)
        self._lay_out()
        self.prediction.layer_chosen.connect(self._list_classes)
        known.changed.connect(self._list_classes)
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

    def held_against(self) -> Volume | None:
        """Return the other label map as it is now, None without one; lazy ones are not read."""
        if self.way not in ("truth", "reference"):
            return None
        return still(self._session.volume_of(self.truth.layer, read=False))

    def make_run(self, other: Volume | None) -> Run[tuple[Comparison, Labels]]:
        """Return the run that reads what is chosen and compares it.

        It returns the comparison, and the label map that it judges.

        Parameters
        ----------
        other
            What `held_against` returns.

        Raises
        ------
        InvalidConfig
            If there is no label map, or the wanted numbers cannot be read.
        """
        layer, way, choice = self.prediction.layer, self.way, self.choice
        if layer is None:
            raise InvalidConfig("there is no label map to judge; segment or open one first")
        if way == "wanted":
            self._known.require(layer)
        sure = self.probability.layer
        read = partial(self._session.volume_of, read=False)
        return compare_run(
            still(read(layer)),
            other,
            None if sure is None else read(sure),
            wanted=self.wanted.wanted if way == "wanted" else {},
            connectivity=self.connectivity.currentData(),
            names=self.names(),
            value=None if choice in (EACH, TOGETHER) else int(choice),
            together=choice == TOGETHER,
            against=way,
        )

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
        self.unread = UnreadClasses(session, self._known)
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
        form.addRow(self.unread)
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
        sizes = self._sizes = self._known.of(layer)
        self.value.clear()
        if sizes is None or 1 < len(sizes) <= MOST_CLASSES:
            self.value.addItem(tr("each class"), EACH)
            self.value.addItem(tr("all together"), TOGETHER)
            names = class_names(layer)
            for each in sizes or ():
                self.value.addItem(names.get(each, tr("label {n}").format(n=each)), each)
        else:
            self.value.addItem(tr("all together") if sizes else "–", EACH)
        if sizes is None:
            self.unread.show_layer(layer)
        self._show_fitting()

    def _show_fitting(self) -> None:
        wanted, known = self.against.currentData() == "wanted", self._sizes is not None
        self._form.setRowVisible(self.wanted, wanted and known)
        self._form.setRowVisible(self.unread, not known)
        self._form.setRowVisible(self.truth, not wanted)
        self._form.setRowVisible(self.value, not wanted and self.value.count() > 1)
        if wanted:
            self.wanted.show_classes(self._sizes or {}, class_names(self.prediction.layer))
        self.changed.emit()
