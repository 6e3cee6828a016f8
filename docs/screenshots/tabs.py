"""One picture of each tab, and of the pages that are worth one."""

from pathlib import Path

import numpy as np
from photographer import Photographer, paint, settle

from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.marks import FEATURE, layer_with
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.reconstruct.actions import suggest_threshold

PICTURES = (
    "case",
    "reconstruct",
    "models",
    "segment",
    "topology",
    "barcode",
    "errors",
    "repair",
    "annotate",
    "finetune",
)


def take_all(at: Photographer, scan: Path) -> None:
    """Take the pictures that are wanted, of a scan; errors and repair of a phantom."""
    if at.wants("case", "reconstruct", "models", "segment", "topology", "barcode"):
        at.open(scan)
    if at.wants("case"):
        case(at)
    if at.wants("reconstruct", "models"):
        reconstruct(at)
    if at.wants("segment"):
        segment(at)
    if at.wants("topology", "barcode"):
        topology(at)
    if at.wants("errors", "repair"):
        errors_and_repair(at)
    if at.wants("annotate", "finetune"):
        at.open(scan)
        finetune(at)


def case(at: Photographer) -> None:
    """Show how the scan lies."""
    at.go("Case")
    at.take("case")


def reconstruct(at: Photographer) -> None:
    """Rebuild the scan; show the three layers side by side, and the models beside each other."""
    tab = at.go("Reconstruct", 0)
    at.press(tab.run_button)
    tab.side_by_side.setChecked(True)
    settle(seconds=1)
    at.take("reconstruct")
    tab.side_by_side.setChecked(False)
    if at.wants("models"):
        at.go("Reconstruct", 1)
        at.press(tab.models.button)
        at.take("models")
    for layer in list(at.viewer.layers)[1:]:
        layer.visible = False


def segment(at: Photographer) -> None:
    """Segment the scan."""
    at.press(at.go("Segment", 0).run_button)
    at.viewer.reset_view()
    at.take("segment")
    for layer in list(at.viewer.layers)[1:]:
        layer.visible = False


def topology(at: Photographer) -> None:
    """Compute the diagram and go to its most persistent loop; show its bars."""
    panel = at.go("Topology", 0).diagram
    at.press(panel.button)
    diagram = panel.found.diagram
    loops = np.flatnonzero((diagram.dimension == 1) & (diagram.death_voxel >= 0))
    panel.go_to(int(loops[np.argmax(diagram.persistence[loops])]))
    settle(lambda: layer_with(at.viewer, FEATURE) is not None, 20)
    at.take("topology")
    panel.view.show_view("barcode")
    at.take("barcode")
    panel.view.show_view("diagram")


def errors_and_repair(at: Photographer) -> None:
    """Compare the segmentation of a phantom with its truth, and repair it."""
    at.begin()
    phantom = vessel_tree(seed=7)
    add_volume(at.viewer, phantom.image, "image")
    at.press(at.go("Segment", 0).run_button)
    labels = at.viewer.layers[-1]
    truth = add_volume(at.viewer, phantom.truth, "labels", name="truth", visible=False)
    at.viewer.layers.selection.active = labels
    page = at.go("Topology", 1).comparison
    page.form.prediction.choose(labels)
    page.form.truth.choose(truth)
    at.press(page.button)
    page.step(True)
    at.take("errors")
    repair = at.go("Topology", 2).repair
    repair.form.labels.choose(labels)
    at.press(repair.button)
    repair.step(True)
    at.take("repair")
    repair.forget()


def finetune(at: Photographer) -> None:
    """Annotate some slices by a threshold, train on them, take a picture on the way."""
    pages = at.go("Fine-tune", 0)
    annotate, train = pages.annotate, pages.train
    annotate.name_classes(["bright"])
    layer = annotate.make_layer()
    voxels = np.asarray(at.dock.session.image_layer.data)
    bright = (voxels > suggest_threshold(voxels)).astype(np.uint8)
    slices = np.linspace(0, len(voxels) - 1, 6).astype(int)[1:-1]
    paint(layer, bright, slices, BACKGROUND)
    annotate.read()
    at.viewer.reset_view()
    at.viewer.dims.set_current_step(0, int(slices[-1]))
    at.take("annotate")
    at.go("Fine-tune", 1)
    train.steps.setValue(60)
    train.start_button.click()
    settle(lambda: len(train.progress.curves.dice) >= 5, 600)
    at.take("finetune")
    settle(lambda: not at.dock.session.busy, 600)
