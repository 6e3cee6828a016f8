"""Doing a first step: the tab comes to the front, what does it is pressed, and is framed."""

from typing import Any

from napari.layers import Labels

from napari_toposeg.plugin.canvas.layers import class_names, same_grid
from napari_toposeg.plugin.canvas.marks import ANNOTATION, layer_with, role_of
from napari_toposeg.plugin.guide.frame import Frame
from napari_toposeg.plugin.guide.steps import Do, Facts

SAMPLE = "vessels"


def facts_of(dock: Any) -> Facts:
    """Return what there is in the viewer and in a dock; not whether a model was made."""
    viewer = dock.session.viewer
    return Facts(
        scan=bool(dock.session.image_layers()),
        segmented=segmentation_in(viewer) is not None,
        compared=dock.topology.comparison.result is not None,
        annotated=layer_with(viewer, ANNOTATION) is not None,
    )


def segmentation_in(viewer: Any) -> Any:
    """Return the newest label map whose classes have names, as a network gives them; or None."""
    found = (
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Labels) and role_of(layer) is None and class_names(layer)
    )
    return next(found, None)


def do_step(dock: Any, does: Do) -> None:
    """Do a step of the guide in a dock, and show where it happens."""
    match does:
        case "sample":
            dock.show_tab("Case")
            _frame(dock.case.sample_button)
            dock.session.attempt(lambda: dock.case.open_sample(SAMPLE))
        case "segment":
            dock.show_tab("Segment")
            _frame(dock.segment.run_button)
            dock.segment.run_button.click()
        case "errors":
            _compare(dock)
        case "paint":
            dock.show_tab("Fine-tune")
            dock.finetune.pages.setCurrentWidget(dock.finetune.annotate)
            dock.session.attempt(dock.finetune.annotate.make_layer)
            _frame(dock.finetune.annotate)
        case "train":
            dock.show_tab("Fine-tune")
            dock.finetune.pages.setCurrentWidget(dock.finetune.train)
            _frame(dock.finetune.train.start_button)
            dock.finetune.train.start_button.click()


def _compare(dock: Any) -> None:
    panel = dock.topology.comparison
    dock.show_tab("Topology")
    dock.topology.pages.setCurrentWidget(panel)
    made = segmentation_in(dock.session.viewer)
    panel.prediction.choose(made)
    for layer in dock.session.viewer.layers:
        plain = isinstance(layer, Labels) and layer != made and role_of(layer) is None
        if plain and panel.truth.layer is None and same_grid(layer, made):
            panel.truth.choose(layer)
    _frame(panel.button)
    panel.button.click()


def _frame(widget: Any) -> None:
    if widget.isVisible():
        Frame(widget)
