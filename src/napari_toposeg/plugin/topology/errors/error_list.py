"""ErrorList: the errors that were found, with their legend and their filter.

The one idea: filter, legend and list show one choice of errors; whoever listens shows the same.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLayout, QVBoxLayout, QWidget

from napari_toposeg.plugin.topology.errors.comparison import Comparison
from napari_toposeg.plugin.topology.errors.defects_view import DefectsView
from napari_toposeg.plugin.topology.errors.filter_bar import FilterBar
from napari_toposeg.plugin.topology.errors.found_defects import FoundDefects
from napari_toposeg.plugin.topology.errors.kind_icons import icon_of
from napari_toposeg.plugin.topology.errors.kinds import STYLES, in_order, word_of
from napari_toposeg.plugin.topology.errors.legend import Entry, Legend
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import value

LEAST_HEIGHT = 110


class ErrorList(QWidget):
    """What is wrong, filtered by kind, class, words and size.

    Parameters
    ----------
    steps
        Buttons that stand over the list.
    """

    filtered = Signal()
    """Other errors are listed than before."""

    def __init__(self, steps: QLayout, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.accepted: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._result: Comparison | None = None
        self.bar, self.legend, self.table = FilterBar(), Legend(), DefectsView()
        self.table.setMinimumHeight(LEAST_HEIGHT)
        self.summary = value(tr("How many errors are listed"))
        self.summary.setText("")
        self.bar.changed.connect(self._filter)
        self.legend.filtered.connect(lambda _: self._filter())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for widget in (self.bar, self.legend):
            layout.addWidget(widget)
        layout.addLayout(steps)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.summary)

    @property
    def shown(self) -> Any:
        """Numbers of the errors in the order listed."""
        return self.table.shown

    def show_result(self, result: Comparison) -> None:
        """List the errors of another comparison."""
        self._result = result
        self.bar.fit(result, result.names)
        self.table.set_defects(result.defects, result.names, result.against)
        self._filter()

    def _filter(self) -> None:
        result = self._result
        if result is None:
            return
        if result.defects is None:
            self.legend.show_entries([])
            self.summary.setText(tr("Nothing is held against: numbers only."))
        else:
            self._show_filtered(result, result.defects)
        self.filtered.emit()

    def _show_filtered(self, result: Comparison, defects: FoundDefects) -> None:
        self._show_legend(result, defects)
        chosen = self.bar.filter(self.legend.chosen)
        self.accepted = chosen.accepts(defects, result.names, result.against)
        self.table.show_only(self.accepted)
        listed, critical = int(self.accepted.sum()), int(defects.is_critical.sum())
        text = tr("{listed} of {all} listed; {critical} change a number alone")
        self.summary.setText(
            text.format(listed=f"{listed:,}", all=f"{len(defects):,}", critical=f"{critical:,}")
        )

    def _show_legend(self, result: Comparison, defects: FoundDefects) -> None:
        counted = self.bar.filter(frozenset()).accepts(defects, result.names, result.against)
        present, which = defects.present
        counts = np.bincount(which[counted], minlength=len(present)).tolist()
        both = zip(present.tolist(), counts, strict=True)
        count = {kind: number for kind, number in both if number}
        self.legend.show_entries(
            [
                Entry(
                    kind,
                    icon_of(STYLES[kind]),
                    tr(word_of(kind, result.against)),
                    count[kind],
                    tr(STYLES[kind].tip),
                )
                for kind in in_order(set(count))
            ]
        )
