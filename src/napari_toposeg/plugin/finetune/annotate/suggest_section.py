"""SuggestSection: a list of the slices that are worth painting next, each with its reason.

The one idea: a suggestion is a place to go: a click leads there and marks the voxels in doubt.
"""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QVBoxLayout, QWidget

from napari_toposeg.plugin.canvas.layers import is_image, modality_of
from napari_toposeg.plugin.canvas.marks import slice_axis
from napari_toposeg.plugin.finetune.annotate.annotations import Annotation
from napari_toposeg.plugin.finetune.annotate.suggesting import (
    go_to_suggestion,
    predicted_suggest_run,
    ranking_run,
    show_probability,
)
from napari_toposeg.plugin.finetune.annotate.suggestions import Suggestion, explain
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.folding import Folding
from napari_toposeg.plugin.widgets.forms import button, row, value
from napari_toposeg.plugin.widgets.pickers import LayerPicker, ModelPicker
from napari_toposeg.volume import Volume

LIST_HEIGHT = 150
HOW_TO = mark(
    "Ranks slices by where the topology of a probability hangs on doubtful voxels, far from what "
    "is painted. Without a probability: by structure in the image and by gaps."
)


class SuggestSection(QWidget):
    """Looks for slices to paint in the background, and leads to them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.annotation: Annotation | None = None
        self.suggestions: tuple[Suggestion, ...] = ()
        self._offered = 1
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        title = tr("What to paint next")
        self.folding = Folding(title, tr("Suggests slices to paint, and says why"))
        layout.addWidget(self.folding)
        self._build()
        session.layers_changed.connect(self._offer_newest)
        session.job_started.connect(lambda _: self.refresh())
        session.job_ended.connect(self.refresh)
        session.image_layer_changed.connect(lambda _: self._on_image())
        self.refresh()

    def suggest(self) -> None:
        """Rank the slices across the axis of the view, in the background."""
        image, layer = self._session.require_image(), self.probability.layer
        axis, painted, spacing = self._across(image)
        known = layer is not None
        # A copy would do no more: the run reads it once.
        volume = self._session.volume_of(layer if known else image, read=False)
        self._start(lambda: ranking_run(volume, painted, axis, spacing, is_probability=known))

    def predict(self) -> None:
        """Make a probability with the chosen model first, in the background, and rank by it."""
        image, model = self._session.require_image(), self.model.require()
        axis, painted, spacing = self._across(image)
        volume = self._session.volume_of(image, read=False)
        self._session.start(
            lambda: predicted_suggest_run(volume, model, painted, axis, spacing),
            title=tr("Suggestions"),
            on_result=lambda found: self._take_predicted(found, image),
        )

    def show_suggestions(self, found: tuple[Suggestion, ...]) -> None:
        """List suggestions, the best first."""
        self.suggestions = found
        self.list.clear()
        for number, each in enumerate(found, start=1):
            item = QListWidgetItem(f"{number}.  {explain(each)}")
            item.setToolTip(tr("Go to this slice and mark its voxels in doubt"))
            self.list.addItem(item)
        self.list.setVisible(bool(found))

    def go_to(self, row: int) -> None:
        """Show a suggested slice and mark its doubtful voxels."""
        image = self._session.image_layer
        if image is not None and 0 <= row < len(self.suggestions):
            go_to_suggestion(self._session.viewer, image, self.suggestions[row])

    def next(self) -> None:
        """Go to the next suggestion of the list, around its end."""
        if self.suggestions:
            self.list.setCurrentRow((self.list.currentRow() + 1) % len(self.suggestions))

    def refresh(self) -> None:
        """Show what can be pressed."""
        ready = self._session.image_layer is not None and not self._session.busy
        for each in (self.button, self.predict_button):
            each.setEnabled(ready)

    def _start(self, run: Any) -> None:
        image = self._session.require_image()
        self._session.start(
            run, title=tr("Suggestions"), on_result=lambda found: self._take(found, image)
        )

    def _take(self, found: tuple[Suggestion, ...], image: Any) -> None:
        # Another image may have been chosen meanwhile, whose slices these are not.
        if self._session.image_layer == image:
            self.show_suggestions(found)

    def _take_predicted(self, found: tuple[tuple[Suggestion, ...], Volume], image: Any) -> None:
        suggestions, probability = found
        self.probability.choose(show_probability(self._session.viewer, probability))
        self._take(suggestions, image)

    def _across(self, image: Any) -> tuple[int, tuple[int, ...], tuple[float, ...]]:
        viewer, known = self._session.viewer, self.annotation
        axis = slice_axis(viewer)
        if viewer.dims.ndisplay == 3 and known is not None:
            axis = known.axis
        return axis, () if known is None else known.across(axis), tuple(map(float, image.scale))

    def _on_image(self) -> None:
        self.probability.refresh()
        self._offer_newest()
        self.show_suggestions(())
        self.refresh()

    def _offer_newest(self) -> None:
        """Choose a probability that came while none was chosen."""
        count = self.probability.count()
        if self.probability.layer is None and count > self._offered:
            self.probability.setCurrentIndex(count - 1)
        self._offered = count

    def _accepts(self, layer: Any) -> bool:
        image = self._session.image_layer
        return (
            is_image(layer)
            and image is not None
            and modality_of(layer) == "probability"
            and tuple(layer.data.shape) == tuple(image.data.shape)
        )

    def _build(self) -> None:
        form, attempt = self.folding.form, self._session.attempt
        how = value(tr("How slices are ranked"))
        how.setText(tr(HOW_TO))
        form.addRow(how)
        self.probability = LayerPicker(
            self._session, self._accepts, empty=tr("the image alone"), optional=True
        )
        tooltip = tr("A probability layer, as the Segment tab makes it, or the image alone")
        row(form, tr("Rank &by"), self.probability, tooltip)
        self.button = button(
            tr("Suggest slices"),
            tr("Rank the slices across the axis of the view, in the background"),
            lambda: attempt(self.suggest),
        )
        form.addRow(self.button)
        self.model = ModelPicker(self._session, "segment")
        tooltip = tr("Where there is no probability yet: the model that makes one")
        row(form, tr("or &model"), self.model, tooltip)
        self.predict_button = button(
            tr("Predict, then suggest"),
            tr("Make a probability with this model, in the background, and rank by it"),
            lambda: attempt(self.predict),
        )
        form.addRow(self.predict_button)
        self._build_list()
        form.addRow(self.list)

    def _build_list(self) -> None:
        self.list = QListWidget()
        self.list.setToolTip(tr("Click a slice to go there; Shift+S in the layer: the next one"))
        self.list.setAccessibleName(tr("Suggested slices"))
        self.list.setWordWrap(True)
        # Always there: Qt wraps the texts as if it were not, and cuts them when it comes.
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.list.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.list.setFixedHeight(LIST_HEIGHT)
        self.list.currentRowChanged.connect(self.go_to)
        self.list.itemClicked.connect(lambda _: self.go_to(self.list.currentRow()))
        self.list.setVisible(False)
