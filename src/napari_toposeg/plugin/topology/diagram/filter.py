"""DiagramFilter: which features are shown: dimensions, persistence, and which layer has them.

The one idea: the boxes are the legend too; each says how many features of its kind are shown.
"""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from napari_toposeg.plugin.topology.diagram.features import Fate, Features, Rows
from napari_toposeg.plugin.topology.errors.kind_icons import icon_of
from napari_toposeg.plugin.topology.errors.kinds import KindStyle, Shape
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS, DimensionStyle

NOISE = 0.05
"""Persistence below this part of the range is hidden at first: mostly noise."""

FATES = (
    mark("in both (filled)"),
    mark("only in 1 (hollow)"),
    mark("only in 2 (crossed)"),
)
"""What is said of each `Fate`, with what tells it in the plots."""


class DiagramFilter(QWidget):
    """Boxes of the dimensions, a slider, and for two layers boxes of what became of features."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dimensions = [QCheckBox(short(k)) for k in range(len(DIMENSIONS))]
        for box, style in zip(self.dimensions, DIMENSIONS, strict=True):
            # Not in the words: these colours are too pale to be read on a light ground.
            box.setIcon(icon_of(_icon_style(style)))
            box.setToolTip(tr("Show {name}").format(name=tr(style.name)))
        self.fates = [QCheckBox(tr(text)) for text in FATES]
        for box, text in zip(self.fates, FATES, strict=True):
            box.setToolTip(tr("Show features that are {where}").format(where=tr(text)))
        for box in (*self.dimensions, *self.fates):
            box.setChecked(True)
            box.toggled.connect(self.changed)
        self.persistence = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.persistence.setToolTip(tr("Hide features that last shorter, in the layer's unit"))
        self.persistence.valueChanged.connect(self.changed)
        self._lay_out()

    def adapt(self, features: Features) -> None:
        """Set the slider to the range of other features, and hide what is mostly noise."""
        low, high = features.value_range
        self.blockSignals(True)
        self.persistence.setRange(0.0, high - low)
        self.persistence.setSingleStep((high - low) / 100)
        self.persistence.setValue(NOISE * (high - low))
        self.blockSignals(False)
        for box in self.fates:
            box.setVisible(features.compared)

    def rows(self, features: Features) -> Rows:
        """Return the rows that are shown, the most persistent first."""
        fates = [fate for fate in Fate if self.fates[fate].isChecked()]
        return features.shown(
            [k for k, box in enumerate(self.dimensions) if box.isChecked()],
            self.persistence.value(),
            fates if features.compared else tuple(Fate),
        )

    def count(self, features: Features, rows: Rows) -> None:
        """Write how many features of each kind are shown."""
        dimension = features.dimension[rows]
        for k, box in enumerate(self.dimensions):
            number = f" {int((dimension == k).sum()):,}" if box.isChecked() else ""
            box.setText(short(k) + number)
        counts = features.counts(rows)
        for fate, box in enumerate(self.fates):
            numbers = "  ".join(
                f"{style.glyph} {counted[fate]:,}"
                for style, counted in zip(DIMENSIONS, counts, strict=True)
            )
            box.setText(f"{tr(FATES[fate])}:  {numbers}" if box.isChecked() else tr(FATES[fate]))

    def _lay_out(self) -> None:
        boxes = QHBoxLayout()
        for box in self.dimensions:
            boxes.addWidget(box)
        boxes.addStretch(1)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(tr("&Persistence above"), self.persistence)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(boxes)
        for box in self.fates:
            layout.addWidget(box)
            box.hide()
        layout.addLayout(form)


def _icon_style(style: DimensionStyle) -> KindStyle:
    shapes: dict[str, Shape] = {"●": "disc", "▲": "triangle", "■": "square"}
    name = str(style.name)
    return KindStyle(shapes[style.glyph], "", style.colour, name, name, "")


def short(dimension: int) -> str:
    """Name a dimension by its Betti number; its symbol is the icon."""
    return f"b{dimension}"
