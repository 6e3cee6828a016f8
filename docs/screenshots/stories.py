"""The stories of docs/start-to-end.md: one chest CT, from its DICOM folder to a repaired mask."""

from pathlib import Path

import numpy as np
from photographer import Photographer, paint, settle

from napari_toposeg import read_volume
from napari_toposeg.plugin.canvas.marks import FEATURE, layer_with
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND

PICTURES = (
    "story-open",
    "story-inspect",
    "story-annotate",
    "story-finetune",
    "story-repair",
    "story-compare",
)
SLICES = (6, 17, 25, 34, 41, 52, 60, 70)
STEPS = 600


def take_all(at: Photographer, folder: Path) -> None:
    """Go through the story once, and take the pictures that are wanted on the way."""
    if not at.wants(*PICTURES):
        return
    at.open(folder / "ct-64_dicom")
    look(at)
    inspect(at)
    annotate(at, truth_of(folder / "lm-64.nrrd"))
    compare(at)
    repair(at)


def truth_of(path: Path) -> np.ndarray:
    """Return the airway (1) and the vessels (2), which stand in the upper byte of the label map."""
    part = read_volume(path).voxels.astype(np.int64) >> 8
    return np.select([part == 2, part == 3], [1, 2], 0).astype(np.uint8)


def look(at: Photographer) -> None:
    """Show the scan in three linked views."""
    button = at.go("Case").views_button
    button.click()
    settle(seconds=2)
    at.take("story-open")
    button.click()
    settle()


def inspect(at: Photographer) -> None:
    """Show the most persistent loop of the scan."""
    panel = at.go("Topology", 0).diagram
    at.press(panel.button)
    diagram = panel.found.diagram
    loops = np.flatnonzero((diagram.dimension == 1) & (diagram.death_voxel >= 0))
    panel.go_to(int(loops[np.argmax(diagram.persistence[loops])]))
    settle(lambda: layer_with(at.viewer, FEATURE) is not None, 20)
    at.take("story-inspect")
    panel.draw.setChecked(False)


def annotate(at: Photographer, truth: np.ndarray) -> None:
    """Paint eight slices, and train on them."""
    pages = at.go("Fine-tune", 0)
    pages.annotate.name_classes(["airway", "vessel"])
    layer = pages.annotate.make_layer()
    paint(layer, truth, SLICES, BACKGROUND)
    pages.annotate.read()
    at.viewer.reset_view()
    at.viewer.dims.set_current_step(0, SLICES[3])
    at.take("story-annotate")
    at.go("Fine-tune", 1)
    train = pages.train
    train.model.choose("topomae-ct-unet")
    train.steps.setValue(STEPS)
    train.name.setText("airway-vessel")
    at.press(train.start_button, seconds=1200)
    settle(seconds=2)
    at.take("story-finetune")
    layer.visible = False


def compare(at: Photographer) -> None:
    """Hold the new model's labels against the shipped one's."""
    tab = at.go("Segment", 1)
    tab.duel.models.tick("vessels-ct", "airway-vessel")
    at.press(tab.duel.button)
    at.take("story-compare")


def repair(at: Photographer) -> None:
    """Ask for one airway without loops, and preview what that takes."""
    at.go("Segment", 0).model.choose("airway-vessel")
    at.press(at.dock.segment.run_button)
    labels = at.viewer.layers[-1]
    panel = at.go("Topology", 2).repair
    panel.form.labels.choose(labels)
    # The vessels of a chest CT are many pieces, cut by its borders: they stay as they are.
    for line in range(1, panel.form.classes.rowCount()):
        panel.form.classes.item(line, 2).setText("")
    at.press(panel.button, seconds=600)
    panel.step(True)
    at.take("story-repair")
