"""FilterBar: which errors are listed: of a class, with some words, of a least size."""

from collections.abc import Mapping

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_toposeg.plugin.topology.errors.comparison import Comparison
from napari_toposeg.plugin.topology.errors.defects_view import Filter, name_of
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.pickers import narrow

MOST_VOXELS = 1_000_000_000
PAUSE_MS = 200
"""A person who types is waited for so long."""
EVERY = -1


class FilterBar(QWidget):
    """A class, words, a least size, and whether errors without effect are listed too."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._build()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self.changed)
        self.words.textChanged.connect(lambda _: self._pause.start())
        self.least.valueChanged.connect(lambda _: self._pause.start())
        self.label.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.harmless.toggled.connect(lambda _: self.changed.emit())

    def filter(self, kinds: frozenset[str]) -> Filter:
        """Return what is to be listed, of these kinds."""
        label = self.label.currentData()
        return Filter(
            kinds=kinds,
            label=None if label in (None, EVERY) else int(label),
            words=self.words.text(),
            least=self.least.value(),
            # Every edit of a repair is needed, also one that does nothing alone.
            quiet=self.harmless.isChecked() or not self.harmless.isEnabled(),
        )

    def fit(self, result: Comparison, names: Mapping[int, str]) -> None:
        """Offer the classes that have errors."""
        labels = [] if result.defects is None else sorted(set(result.defects.label.tolist()))
        before = self.label.currentData()
        self.label.blockSignals(True)
        self.label.clear()
        self.label.addItem(tr("every class"), EVERY)
        for label in labels:
            self.label.addItem(name_of(label, names), label)
        self.label.setCurrentIndex(max(0, self.label.findData(before)))
        self.label.setVisible(len(labels) > 1)
        self.label.blockSignals(False)
        self.harmless.setEnabled(result.against != "wanted")

    def _build(self) -> None:
        self.label = QComboBox()
        self.label.setToolTip(tr("List only the errors of one class"))
        narrow(self.label)
        self.label.hide()
        self.words = QLineEdit()
        self.words.setPlaceholderText(tr("filter, such as: loop"))
        self.words.setToolTip(tr("List only errors with these words in their kind or class"))
        self.words.setClearButtonEnabled(True)
        self.least = QSpinBox()
        self.least.setRange(1, MOST_VOXELS)
        self.least.setPrefix("≥ ")
        self.least.setToolTip(tr("List only errors of at least so many voxels"))
        self.least.setAccessibleName(tr("Least size"))
        self.words.setAccessibleName(tr("Words"))
        self.harmless = QCheckBox(tr("&Harmless too"))
        self.harmless.setToolTip(
            tr(
                "List also errors that alone change no number: outlines that are a little off, and "
                "what others make up for"
            )
        )
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(in_line(self.words, self.least))
        layout.addLayout(in_line(self.harmless, self.label))


def in_line(first: QWidget, second: QWidget) -> QHBoxLayout:
    """Return two widgets side by side."""
    line = QHBoxLayout()
    line.setSpacing(4)
    line.addWidget(first, 1)
    line.addWidget(second, 1)
    return line
