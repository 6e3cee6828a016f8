"""DuelPanel: two segmentation models on the chosen image."""

from functools import partial
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.segment import actions
from napari_toposeg.plugin.segment.duel import COLUMNS, Duel, duel_note, duel_texts
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.column_table import NARROW
from napari_toposeg.plugin.widgets.forms import (
    NumberTable,
    button,
    page_layout,
    research_note,
    row,
    section,
    value,
)
from napari_toposeg.plugin.widgets.model_list import ModelList
from napari_toposeg.volume import Volume

TWO = 2


class DuelPanel(QWidget):
    """Compares two models, and leads to the errors of one against the other.

    Parameters
    ----------
    session
        The dock's session.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.result: Duel | None = None
        self._layers: list[Any] = []
        self._build()
        self.models.ticked_changed.connect(self.refresh)
        session.image_layer_changed.connect(lambda _: self.refresh())
        session.layers_changed.connect(self.refresh)
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        self.refresh()

    def run(self) -> None:
        """Segment the chosen image with both ticked models in the background."""
        names = self.models.ticked
        if len(names) != TWO:
            raise InvalidConfig(tr("tick two models to compare"))
        volume = self._session.volume_of(self._session.require_image(), read=False)
        settings = read_settings()
        make_run = partial(
            actions.compare_segmentations_run,
            volume,
            (names[0], names[1]),
            device=settings.device,
            overlap=settings.overlap,
            threads=settings.worker_threads,
        )
        self._session.start(
            make_run, title=tr("Comparing models"), on_result=partial(self._show, volume)
        )

    def show_errors(self) -> None:
        """Ask for the errors of the first segmentation against the second."""
        if self._both_there():
            self._session.errors_wanted.emit(*self._layers)

    def refresh(self) -> None:
        """Show what can be pressed."""
        free = not self._session.busy
        there = self._session.image_layer is not None
        self.button.setEnabled(free and there and len(self.models.ticked) == TWO)
        self.errors_button.setEnabled(free and self._both_there())

    def _both_there(self) -> bool:
        viewer = self._session.viewer
        return bool(self._layers) and all(layer in viewer.layers for layer in self._layers)

    def _show(self, volume: Volume, duel: Duel) -> None:
        self.result = duel
        self._layers = actions.show_duel(self._session.viewer, volume, duel)
        self.table.fill(duel_texts(duel))
        self.note.setText(duel_note(duel))
        self.refresh()

    def _build(self) -> None:
        page = page_layout(self)
        form = section(page, tr("Two models on this scan"))
        page.addStretch(1)
        self.models = ModelList(self._session, "segment")
        row(form, tr("&Models"), self.models, tr("Tick two models that segment"))
        self.button = button(
            tr("Compare models"),
            tr("Segment the chosen image with both, in the background; overlap as in Preferences"),
            lambda: self._session.attempt(self.run),
        )
        form.addRow(self.button)
        self.table = NumberTable(
            [tr(text) for text in COLUMNS],
            tr(
                "Dice between the two, and the Betti numbers of the first | the second; classes "
                "are paired by their names"
            ),
        )
        self.table.setStyleSheet(NARROW)
        form.addRow(self.table)
        self.note = value(tr("Which model is which, and the volumes"))
        form.addRow(self.note)
        form.addRow(research_note())
        self.errors_button = button(
            tr("Errors of one against the other"),
            tr("See in the Topology tab where they differ in topology, the second taken as truth"),
            lambda: self._session.attempt(self.show_errors),
        )
        form.addRow(self.errors_button)
