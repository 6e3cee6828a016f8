"""AfterView: a scan before and after a training, and the model taken out of the program."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QVBoxLayout, QWidget

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.regions import Region
from napari_toposeg.plugin.finetune.annotate.annotations import Annotation
from napari_toposeg.plugin.finetune.train import before_after
from napari_toposeg.plugin.finetune.train.exporting import export_with_card
from napari_toposeg.plugin.finetune.train.model_layers import BEFORE, flip, part_in_view, show_sides
from napari_toposeg.plugin.keys import bind, with_key
from napari_toposeg.plugin.memory import give_back_memory
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import (
    NumberTable,
    button,
    research_note,
    row,
    section,
    value,
)
from napari_toposeg.plugin.widgets.pickers import ModelPicker, narrow

if TYPE_CHECKING:
    from napari_toposeg.plugin.finetune.train.before_after import BeforeAfter

VIEW, WHOLE = "view", "whole"


class Trained(NamedTuple):
    """What a training was of: its scan's layer, what was painted, the split, and its seed.

    The seed chose what is judged of large slices.
    """

    scan: Any
    labels: NDArray[Any]
    annotation: Annotation
    seed: int


class AfterView(QWidget):
    """Segments a part of the scan with two models, flips between them, and says how they differ."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._trained: Trained | None = None
        self.found: BeforeAfter | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("Before and after"))
        self.before = ModelPicker(session, "segment")
        self.after = ModelPicker(session, "segment")
        self.extent = QComboBox()
        narrow(self.extent)
        self.extent.addItem(tr("around the middle of the view"), VIEW)
        self.extent.addItem(tr("the whole scan"), WHOLE)
        self.at_end = QCheckBox(tr("Compare when a training &ends"))
        self.at_end.setChecked(True)
        self.at_end.setToolTip(tr("Around the middle of the view, which takes some seconds"))
        row(form, tr("&Before"), self.before, tr("Model that the new one is compared with"))
        row(form, tr("Af&ter"), self.after, tr("The new model"))
        row(form, tr("&Where"), self.extent, tr("The part of the scan that both models label"))
        form.addRow(self.at_end)
        self.compare_button = button(
            tr("Compare"),
            tr("Label the part with both models, and judge both on the slices kept"),
            lambda: session.attempt(self.compare),
        )
        self.flip_button = button(
            tr("Flip before / after"),
            with_key(tr("Show the labels of the one model or of the other"), "flip"),
            self.flip,
        )
        self.table = NumberTable(
            ("", tr("before"), tr("after")),
            tr(
                "Dice and 2D Betti error (8-connected) on the slices kept for validation; b0, b1, "
                "b2 of the part that is drawn, foreground 26-connected"
            ),
        )
        self.note = value(tr("Where the numbers come from"))
        self.export_button = button(
            tr("Export model…"),
            tr("Write the model after, with its card, to a file for another machine"),
            self._ask_export,
        )
        for each in (
            self.compare_button,
            self.flip_button,
            self.table,
            self.note,
            research_note(),
            self.export_button,
        ):
            form.addRow(each)
        bind(self, "flip", self.flip)
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        session.layers_changed.connect(self.refresh)
        session.image_layer_changed.connect(lambda _: self.refresh())
        self._show_rows(None)
        self.refresh()

    def take(self, before: str, after: str, trained: Trained) -> None:
        """Take the models of a training that ended, and what it was trained on.

        Parameters
        ----------
        before
            The model it started from; another one stays chosen where that does not segment.
        """
        self.before.choose(before)
        self.after.choose(after)
        self._trained = trained

    def compare(self, layer: Any = None) -> None:
        """Segment with both models in the background.

        Parameters
        ----------
        layer
            The scan; without it the chosen one. On that of the training both are judged, too.

        Raises
        ------
        ToposegError
            If no image or no model is chosen.
        """
        layer = layer or self._session.require_image()
        image = self._session.volume_of(layer, read=False)
        models = self.before.require(), self.after.require()
        if models[0] == models[1]:
            raise InvalidConfig(
                f"before and after are both {models[0]}; choose another model to compare it with"
            )
        settings = read_settings()
        trained = self._trained if self._is_of_training(layer) else None
        self._session.start(
            partial(
                before_after.compare_run,
                image,
                models,
                self._region(layer),
                labels=trained and trained.labels,
                annotation=trained and trained.annotation,
                seed=trained.seed if trained else 0,
                device=settings.device,
                threads=settings.worker_threads,
            ),
            title=tr("Before and after"),
            on_result=partial(self._show, layer),
            after=give_back_memory,
        )

    def compare_if_possible(self) -> None:
        """Compare on the scan of the training that ended, if that can be done now; else nothing."""
        models = self.before.model, self.after.model
        scan = None if self._trained is None else self._trained.scan
        there = scan in self._session.viewer.layers and None not in models
        if there and models[0] != models[1] and not self._session.busy:
            self._session.attempt(partial(self.compare, scan))

    def flip(self) -> None:
        """Show the other of the two."""
        shown = flip(self._session.viewer)
        if shown is not None:
            self._session.say(tr("before") if shown == BEFORE else tr("after"))

    def export(self, path: str | Path) -> None:
        """Write the model after and its card, and say how it is used elsewhere."""
        name = self.after.require()
        written = export_with_card(name, path)
        self._session.say(
            tr(
                "Written: {file}, and its card. On the command line: napari-toposeg predict "
                "--model {name} ..."
            ).format(file=written.name, name=name)
        )

    def refresh(self) -> None:
        """Show what can be pressed."""
        there = self._session.image_layer is not None
        self.compare_button.setEnabled(there and not self._session.busy)
        self.flip_button.setEnabled(self.found is not None)

    def _region(self, layer: Any) -> Region:
        if self.extent.currentData() == WHOLE:
            z, y, x = (slice(0, size) for size in layer.data.shape)
            return z, y, x
        card = self.after.card
        return part_in_view(self._session.viewer, layer, card.crop, card.spacing)

    def _is_of_training(self, layer: Any) -> bool:
        return self._trained is not None and layer == self._trained.scan

    def _show(self, layer: Any, found: "BeforeAfter") -> None:
        self.found = found
        self._show_rows(found)
        self.note.setText(self._source_of(layer, found))
        if any(each == layer for each in self._session.viewer.layers):
            show_sides(self._session.viewer, layer, found)
        self.refresh()

    def _source_of(self, layer: Any, found: "BeforeAfter") -> str:
        if found.after.dice:
            size = " x ".join(str(part.stop - part.start) for part in found.region)
            text = tr("Dice and 2D Betti error: slices kept for validation. b0, b1, b2: {part}.")
            return text.format(part=size + tr(" voxels"))
        if self._trained is not None and not self._is_of_training(layer):
            return tr("The slices kept are of another scan: only Betti numbers are compared.")
        return tr("No slice was kept for validation: only Betti numbers are compared.")

    def _show_rows(self, found: "BeforeAfter | None") -> None:
        self.table.setVisible(found is not None)
        self.note.setVisible(found is not None)
        if found is not None:
            self.table.fill(before_after.rows(found))

    def _ask_export(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, tr("Export the model"), f"{self.after.model}.safetensors", "*.safetensors"
        )
        if path:
            self._session.attempt(lambda: self.export(path))
