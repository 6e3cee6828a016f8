"""ModelsPanel: several models on the same hidden voxels, in one table."""

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.hiding import Pattern
from napari_toposeg.plugin.reconstruct import actions
from napari_toposeg.plugin.reconstruct.contest import COLUMNS, Contest, contest_note, contest_rows
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
from napari_toposeg.plugin.widgets.model_list import FIRST, ModelList
from napari_toposeg.volume import Volume


class ModelsPanel(QWidget):
    """Compares models that rebuild.

    Parameters
    ----------
    session
        The dock's session.
    pattern
        Returns what the Rebuild page says is to be hidden of a layer.
    pattern_name
        Returns what that is called.
    """

    def __init__(
        self,
        session: Session,
        pattern: Callable[[Any], Pattern],
        pattern_name: Callable[[], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._pattern, self._pattern_name = pattern, pattern_name
        self.result: Contest | None = None
        self._build()
        self.models.ticked_changed.connect(self.refresh)
        session.image_layer_changed.connect(lambda _: self.refresh())
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        self.refresh()

    def run(self) -> None:
        """Rebuild the chosen image with each ticked model in the background."""
        names = self.models.ticked
        if len(names) < FIRST:
            raise InvalidConfig(tr("tick at least two models to compare"))
        layer = self._session.require_image()
        volume = self._session.volume_of(layer, read=False)
        settings = read_settings()
        make_run = partial(
            actions.compare_models_run,
            volume,
            names,
            pattern=self._pattern(layer),
            device=settings.device,
            threads=settings.worker_threads,
        )
        contrast = tuple(layer.contrast_limits)
        self._session.start(
            make_run,
            title=tr("Comparing models"),
            on_result=partial(self._show, volume, contrast),
        )

    def refresh(self) -> None:
        """Show whether the button can be pressed."""
        text = tr("{pattern}, as on the page Rebuild")
        self.hidden.setText(text.format(pattern=self._pattern_name()))
        there = self._session.image_layer is not None and not self._session.busy
        self.button.setEnabled(there and len(self.models.ticked) >= FIRST)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Follow what was chosen on the other page."""
        super().showEvent(event)
        self.refresh()

    def _show(self, volume: Volume, contrast: Any, contest: Contest) -> None:
        self.result = contest
        self.table.fill(contest_rows(contest))
        self.note.setText(contest_note(contest))
        if self.layers.isChecked():
            actions.show_contest(self._session.viewer, volume, contest, contrast)

    def _build(self) -> None:
        page = page_layout(self)
        form = section(page, tr("Models on the same hidden voxels"))
        page.addStretch(1)
        self.models = ModelList(self._session, "reconstruct")
        row(
            form,
            tr("&Models"),
            self.models,
            tr("Tick two or more; the page Rebuild says what is hidden, on the first's lattice"),
        )
        self.hidden = value(tr("What is hidden from all of them"))
        row(form, tr("Hidden"), self.hidden, self.hidden.toolTip())
        self.layers = QCheckBox(tr("Add their reconstructions as &layers"))
        self.layers.setToolTip(tr("One layer for each model, hidden at first"))
        form.addRow(self.layers)
        self.button = button(
            tr("Compare models"),
            tr("Rebuild the chosen image with each of them, in the background"),
            lambda: self._session.attempt(self.run),
        )
        form.addRow(self.button)
        self.table = NumberTable(
            [tr(text) for text in COLUMNS],
            tr(
                "Mean squared error on voxels hidden from all of them; the same divided by the "
                "error of the visible mean and of interpolation (below 1 is better); the share of "
                "the scan's features that is kept. A star marks the best"
            ),
        )
        # Five columns, the first with names, in a dock of 320 pixels.
        self.table.setStyleSheet(NARROW)
        form.addRow(self.table)
        self.note = value(tr("What the models are judged on"))
        form.addRow(self.note)
        form.addRow(research_note())
