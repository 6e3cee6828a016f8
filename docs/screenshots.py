"""Take the pictures of the dock in docs/: the real window on a real scan, tab by tab.

    python docs/screenshots.py SCAN --output docs/images

Needs a display (or Xvfb: ``xvfb-run -s "-screen 0 1280x800x24" python docs/screenshots.py ...``).
It drives the buttons that a person would press, and waits for what they start.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_toposeg.plugin.actions import suggest_threshold
from napari_toposeg.plugin.canvas.marks import FEATURE, PAIR, layer_with, role_of
from napari_toposeg.plugin.settings import PLUGIN

WIDTH, HEIGHT = 1280, 800
PICTURES = ("case", "reconstruct", "segment", "topology", "repair", "annotate", "finetune")


def settle(until: Callable[[], bool] = lambda: False, seconds: float = 0.7) -> bool:
    """Let the window live until something is so, or for a time; tell whether it came to be so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        if until():
            return True
        time.sleep(0.01)
    return until()


class Photographer:
    """A viewer with the dock, the pictures that are wanted, and where they go."""

    def __init__(self, output: Path, wanted: Sequence[str]) -> None:
        self.output, self.wanted = output, tuple(wanted)
        output.mkdir(parents=True, exist_ok=True)
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(WIDTH, HEIGHT)
        _, self.dock = self.viewer.window.add_plugin_dock_widget(PLUGIN)
        settle()

    def take(self, name: str) -> None:
        """Save a picture of the whole window, if it is wanted."""
        if name not in self.wanted:
            return
        settle()
        path = self.output / f"{name}.png"
        self.viewer.window.screenshot(str(path), canvas_only=False, flash=False)
        print(path)

    def press(self, button: Any, *, seconds: float) -> None:
        """Press a button and wait for the job that it starts."""
        button.click()
        settle(seconds=0.2)
        if not settle(lambda: not self.dock.session.busy, seconds):
            raise TimeoutError(f"{button.text()} took more than {seconds:.0f} s")

    def case(self, scan: Path) -> None:
        """Open the scan."""
        self.dock.case.open_path(scan)
        settle(lambda: not self.dock.session.busy, 600)
        self.dock.show_tab("Case")
        self.take("case")

    def reconstruct(self, model: str | None) -> None:
        """Rebuild the scan; show the three layers side by side."""
        tab = self.dock.reconstruct
        self.dock.show_tab("Reconstruct")
        _choose(tab.model, model)
        self.press(tab.run_button, seconds=300)
        for layer in self.viewer.layers:
            layer.visible = True
        tab.side_by_side.setChecked(True)
        self.viewer.reset_view()
        self.take("reconstruct")
        tab.side_by_side.setChecked(False)
        for layer in list(self.viewer.layers)[1:]:
            layer.visible = False

    def segment(self, model: str | None) -> None:
        """Segment the scan."""
        tab = self.dock.segment
        self.dock.show_tab("Segment")
        _choose(tab.model, model)
        self.press(tab.run_button, seconds=600)
        self.viewer.reset_view()
        self.take("segment")

    def topology(self) -> None:
        """Compute the diagram and go to its most persistent loop."""
        panel = self.dock.topology.diagram
        self.dock.show_tab("Topology")
        self.press(panel.button, seconds=120)
        diagram = panel.found.diagram
        loops = np.flatnonzero((diagram.dimension == 1) & (diagram.death_voxel >= 0))
        if len(loops):
            panel.go_to(int(loops[np.argmax(diagram.persistence[loops])]))
            settle(lambda: layer_with(self.viewer, FEATURE) is not None, 20)
        self.take("topology")

    def repair(self) -> None:
        """Propose one solid piece of each class of the segmentation, and go to the first edit."""
        panel, diagram = self.dock.topology.repair, self.dock.topology.diagram
        diagram.draw.setChecked(False)
        for layer in self.viewer.layers:
            if role_of(layer) == PAIR:
                layer.visible = False
        self.dock.show_tab("Topology")
        self.dock.topology.pages.setCurrentWidget(panel)
        self.press(panel.button, seconds=600)
        panel.list.step(True)
        self.take("repair")
        panel.forget()

    def finetune(self, model: str | None, slices: int, steps: int) -> None:
        """Annotate some slices by a threshold, train on them, take a picture on the way."""
        self.dock.show_tab("Fine-tune")
        annotate, train = self.dock.finetune.annotate, self.dock.finetune.train
        annotate.name_classes(["bright"])
        layer = annotate.make_layer()
        voxels = np.asarray(self.dock.session.image_layer.data)
        threshold = suggest_threshold(voxels)
        for index in np.linspace(0, len(voxels) - 1, slices + 2).astype(int)[1:-1]:
            layer.data[index] = np.where(voxels[index] > threshold, 1, 255)
        layer.refresh()
        annotate.read()
        self.viewer.reset_view()
        self.viewer.dims.set_current_step(0, int(index))
        self.take("annotate")
        self.dock.finetune.pages.setCurrentIndex(1)
        _choose(train.model, model)
        train.steps.setValue(steps)
        train.start_button.click()
        settle(lambda: self.dock.strip.progress.value() >= steps // 2, 600)
        self.take("finetune")
        settle(lambda: not self.dock.session.busy, 600)


def _choose(picker: Any, model: str | None) -> None:
    settle(seconds=0.2)
    if model is not None:
        picker.choose(model)


def main() -> None:
    """Open the window and take one picture a tab."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", type=Path, help="a file, or a folder of DICOM slices")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--reconstruct-with", help="name of a model; default: the first")
    parser.add_argument("--segment-with", help="name of a model; default: the first")
    parser.add_argument("--finetune-from", help="name of a model; default: the first")
    parser.add_argument(
        "--only", nargs="+", choices=PICTURES, help="pictures to take; default: all"
    )
    parser.add_argument("--slices", type=int, default=4, help="slices to annotate")
    parser.add_argument("--steps", type=int, default=60, help="training steps")
    given = parser.parse_args()
    photographer = Photographer(given.output, given.only or PICTURES)
    wanted = set(photographer.wanted)
    photographer.case(given.scan)
    if "reconstruct" in wanted:
        photographer.reconstruct(given.reconstruct_with)
    if wanted & {"segment", "repair"}:
        photographer.segment(given.segment_with)
    if "topology" in wanted:
        photographer.topology()
    if "repair" in wanted:
        photographer.repair()
    if wanted & {"annotate", "finetune"}:
        photographer.finetune(given.finetune_from, given.slices, given.steps)
    photographer.viewer.close()


if __name__ == "__main__":
    main()
