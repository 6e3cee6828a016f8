"""HideForm: the fields that say what is hidden; only those of the chosen pattern are shown."""

from typing import Any

from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_toposeg.plugin.canvas.regions import draw_region
from napari_toposeg.plugin.reconstruct.wished import FIELDS, KINDS, NAMES, Wish
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import button, row
from napari_toposeg.plugin.widgets.pickers import narrow

AXES = (mark("z, through the slices"), mark("y"), mark("x"))


class HideForm:
    """Adds its fields to a form; `wish` is what stands in them.

    Parameters
    ----------
    session
        The dock's session.
    form
        The form that the fields become rows of.
    """

    def __init__(self, session: Session, form: QFormLayout) -> None:
        self._session = session
        self._form = form
        self.pattern = QComboBox()
        narrow(self.pattern)
        for kind in KINDS:
            self.pattern.addItem(tr(NAMES[kind]), kind)
        self._make_numbers()
        self.draw: QPushButton = button(
            tr("Draw a region"),
            tr("Draw rectangles on the scan: what lies in them is hidden, in whole cubes"),
            lambda: session.attempt(self.start_drawing),
        )
        self._add_rows()
        self.pattern.currentIndexChanged.connect(lambda _: self.show_fields())
        session.settings_changed.connect(self.take_settings)
        self.take_settings()
        self.show_fields()

    @property
    def wish(self) -> Wish:
        """What the form says."""
        return Wish(
            kind=self.pattern.currentData(),
            ratio=self.mask_ratio.value() / 100,
            seed=self.seed.value(),
            edge=self.edge.value(),
            axis=self.axis.currentData(),
            every=self.every.value(),
            around=self.around.value(),
            box=self.box.value(),
        )

    def start_drawing(self) -> Any:
        """Add the layer in which a region is drawn, ready for a rectangle."""
        return draw_region(self._session.viewer, self._session.require_image())

    def take_settings(self) -> None:
        """Begin with the values of the Preferences."""
        settings = read_settings()
        self.mask_ratio.setValue(round(settings.mask_ratio * 100))
        self.seed.setValue(settings.seed)

    def show_fields(self) -> None:
        """Show the fields that the chosen pattern depends on."""
        kind = self.pattern.currentData()
        for name, field in self._fields().items():
            self._form.setRowVisible(field, name in FIELDS[kind])
        self._form.setRowVisible(self.draw, kind == "region")

    def _fields(self) -> dict[str, QWidget]:
        return {
            "mask_ratio": self.mask_ratio,
            "edge": self.edge,
            "seed": self.seed,
            "axis": self.axis,
            "every": self.every,
            "around": self.around,
            "box": self.box,
        }

    def _make_numbers(self) -> None:
        self.mask_ratio = whole(5, 95, 60, " %")
        self.edge = whole(2, 12, 2)
        self.seed = whole(0, 2**31 - 1, 0)
        self.every = whole(2, 12, 2)
        self.around = whole(0, 500, 5)
        self.axis = QComboBox()
        narrow(self.axis)
        for number, name in enumerate(AXES):
            self.axis.addItem(tr(name), number)
        self.box = QDoubleSpinBox()
        self.box.setRange(1, 500)
        self.box.setDecimals(0)
        self.box.setValue(40)
        self.box.setSuffix(tr(" mm"))

    def _add_rows(self) -> None:
        form = self._form
        row(form, tr("&Pattern"), self.pattern, tr("What the network does not see"))
        row(
            form,
            tr("Hi&dden"),
            self.mask_ratio,
            tr("Share of the patches that the network does not see"),
        )
        row(form, tr("Cu&be edge"), self.edge, tr("Edge of a hidden cube, in patches"))
        row(form, tr("S&eed"), self.seed, tr("The same seed hides the same; another, others"))
        row(form, tr("Acro&ss"), self.axis, tr("Axis of the scan across which the slabs lie"))
        row(
            form,
            tr("One of"),
            self.every,
            tr("One slab of so many is hidden; a slab is one patch thick"),
        )
        row(
            form,
            tr("Slices beside"),
            self.around,
            tr("Slices hidden on either side, if the region is drawn on one slice only"),
        )
        row(form, tr("Box ed&ge"), self.box, tr("A cube about the middle of the view"))
        form.addRow(self.draw)


def whole(low: int, high: int, start: int, suffix: str = "") -> QSpinBox:
    """Return a field for whole numbers."""
    field = QSpinBox()
    field.setRange(low, high)
    field.setValue(start)
    field.setSuffix(suffix)
    return field
