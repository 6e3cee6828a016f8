"""How quickly the real window answers: while it trains, on a click, when a job is cancelled.

The one idea: the window is driven as a person drives it, by its buttons and mouse, and what is
timed is what a person waits for: until the button's result is in the viewer and drawn.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import napari
import numpy as np
import psutil
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from scipy import ndimage

from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.marks import DEFECTS, layer_with
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.settings import PLUGIN
from napari_toposeg.volume import Volume

HEADER = ("what", "measured", "at most", "met")
TICK_MS = 10
REPEATS = 15
RUNS = 10
ENDLESS = 100_000
"""Steps of a training that is cancelled."""


def lines(*, quick: bool = False) -> Iterator[Sequence[str]]:
    """Yield the rows of the table, each measured in a window of its own."""
    for measure in (diagram, jump, overlay, training, cancel, memory):
        window = Window()
        try:
            yield from measure(window, quick=quick)
        finally:
            window.close()


class Window:
    """A viewer with the dock, as a person has it at 1280 x 800."""

    def __init__(self) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1280, 800)
        _, self.dock = self.viewer.window.add_plugin_dock_widget(PLUGIN)
        self.live(seconds=0.5)

    def live(self, until: Callable[[], bool] = lambda: False, seconds: float = 600.0) -> float:
        """Let the window work until something is so, or for a time; return the seconds."""
        start = time.perf_counter()
        while not until() and time.perf_counter() - start < seconds:
            QApplication.processEvents()
            time.sleep(0.001)
        return time.perf_counter() - start

    def idle(self) -> bool:
        """Tell whether no job runs."""
        return not self.dock.session.busy

    def drawn(self) -> None:
        """Draw the canvas now: what was changed is then on the screen."""
        self.viewer.screenshot(canvas_only=True, flash=False)

    def close(self) -> None:
        """Close the window and let Qt delete it."""
        self.viewer.close()
        self.live(seconds=0.3)
        gc.collect()


def row(what: str, seconds: float, most: float) -> Sequence[str]:
    """Write one line of the table, in milliseconds."""
    return (
        what,
        f"{1000 * seconds:.0f} ms",
        f"{1000 * most:.0f} ms",
        "yes" if seconds <= most else "**no**",
    )


def smooth(edge: int, seed: int = 0) -> Volume:
    """Return smoothed noise: thousands of features, of all lengths."""
    noise = np.random.default_rng(seed).normal(size=(edge,) * 3).astype(np.float32)
    return Volume(ndimage.gaussian_filter(noise, 2.0), np.diag([-1.0, -1, 1, 1]), name="smooth")


def diagram(window: Window, *, quick: bool) -> Iterator[Sequence[str]]:
    """Measure from *Compute the diagram* to the points drawn, of 96^3."""
    add_volume(window.viewer, smooth(96), "image")
    window.dock.show_tab("Topology")
    panel = window.dock.topology.diagram
    times = []
    for _ in range(3 if quick else REPEATS):
        window.live(seconds=0.2)
        start = time.perf_counter()
        panel.button.click()
        window.live(window.idle)
        panel.view.repaint()
        times.append(time.perf_counter() - start)
    count = len(panel.found.diagram)
    # The first one compiles, or reads what was compiled, once on a machine.
    what = f"diagram of 96 x 96 x 96 ({count:,} features), pressed to drawn, median"
    yield row(what, float(np.median(times[1:])), 0.5)


def jump(window: Window, *, quick: bool) -> Iterator[Sequence[str]]:
    """Measure from a click on a point to the slice of its voxel drawn, in a 512 x 512 x 60 scan."""
    voxels = np.zeros((60, 512, 512), np.float32)
    small = smooth(96).voxels[:60]
    voxels[:, :96, :96] = small
    volume = Volume(voxels, np.diag([-1.0, -1, 2, 1]), name="scan")
    add_volume(window.viewer, volume, "image")
    window.dock.show_tab("Topology")
    panel = window.dock.topology.diagram
    panel.form.extent.setCurrentIndex(panel.form.extent.findData("whole"))
    panel.button.click()
    window.live(window.idle)
    window.drawn()
    finite = np.flatnonzero(panel.found.diagram.death_voxel >= 0)
    chosen = np.random.default_rng(0).choice(finite, 4 if quick else 30, replace=False)
    times = []
    for each in chosen:
        window.live(seconds=0.2)
        start = time.perf_counter()
        panel.view.picked.emit(int(each))
        QApplication.processEvents()
        window.drawn()
        times.append(time.perf_counter() - start)
    yield row("click on a point to its slice drawn, median", float(np.median(times)), 0.15)
    yield row("the same, 95 %", float(np.quantile(times, 0.95)), 0.15)


def overlay(window: Window, *, quick: bool) -> Iterator[Sequence[str]]:
    """Measure from *Compare* to the overlay drawn, of two masks of 256^3."""
    grey = smooth(128 if quick else 256)
    other = smooth(grey.shape[0], seed=1).voxels
    for name, voxels in (("prediction", grey.voxels + 0.3 * other), ("truth", grey.voxels)):
        mask = Volume((voxels > 0.02).astype(np.uint8), grey.affine, modality="label", name=name)
        add_volume(window.viewer, mask, "labels")
    window.dock.show_tab("Topology")
    pages, panel = window.dock.topology.pages, window.dock.topology.comparison
    pages.setCurrentWidget(panel)
    panel.form.against.setCurrentIndex(panel.form.against.findData("truth"))
    panel.prediction.choose(window.viewer.layers["prediction"])
    panel.truth.choose(window.viewer.layers["truth"])
    times = []
    for _ in range(3):
        window.live(seconds=0.5)
        start = time.perf_counter()
        panel.button.click()
        window.live(window.idle)
        window.drawn()
        times.append(time.perf_counter() - start)
    assert layer_with(window.viewer, DEFECTS) is not None
    size = " x ".join(map(str, grey.shape))
    what = f"overlay of errors of {size} ({len(panel.defects):,} parts), pressed to drawn, median"
    yield row(what, float(np.median(times)), 5.0)


def annotate(window: Window) -> Any:
    """Open a phantom and paint eight of its slices; return its annotation layer."""
    phantom = vessel_tree(seed=7)
    add_volume(window.viewer, phantom.image, "image")
    window.dock.show_tab("Fine-tune")
    panel = window.dock.finetune.annotate
    layer = panel.make_layer()
    mask = phantom.truth.voxels
    for index in np.linspace(4, len(mask) - 5, 8).astype(int):
        layer.data[index] = np.where(mask[index] > 0, 1, BACKGROUND)
    layer.refresh()
    panel.read()
    return layer


def train(window: Window, steps: int) -> Any:
    """Start a training from the model that the page offers first; return the page."""
    window.dock.finetune.pages.setCurrentIndex(1)
    panel = window.dock.finetune.train
    window.live(seconds=0.3)
    panel.steps.setValue(steps)
    # What follows a training is not part of it.
    panel.after.at_end.setChecked(False)
    panel.start_button.click()
    return panel


def live_until_trained(window: Window) -> None:
    """Let an endless training get as far as its third step; what comes before has other counts."""
    bar = window.dock.strip.progress
    window.live(lambda: bar.maximum() == ENDLESS and bar.value() > 2)


def training(window: Window, *, quick: bool) -> Iterator[Sequence[str]]:
    """Measure the tick of the Qt loop while a network trains and the slices are scrubbed."""
    annotate(window)
    train(window, ENDLESS)
    live_until_trained(window)
    ticks: list[float] = []
    depth = window.dock.session.image_layer.data.shape[0]

    def tick() -> None:
        ticks.append(time.perf_counter())
        if len(ticks) % 5 == 0:
            window.viewer.dims.set_current_step(0, len(ticks) // 5 % depth)

    timer = QTimer()
    timer.setInterval(TICK_MS)
    timer.timeout.connect(tick)
    timer.start()
    window.live(seconds=10 if quick else 60)
    timer.stop()
    lengths = np.diff(ticks)
    yield row("tick of the Qt loop while it trains, median", float(np.median(lengths)), 0.06)
    yield row("the same, 95 %", float(np.quantile(lengths, 0.95)), 0.1)
    window.dock.strip.cancel_job()
    window.live(window.idle)


def cancel(window: Window, *, quick: bool) -> Iterator[Sequence[str]]:
    """Measure from *Cancel* to the end of a training, its best model kept, at chance moments."""
    annotate(window)
    chance, times = np.random.default_rng(0), []
    for _ in range(2 if quick else 9):
        train(window, ENDLESS)
        live_until_trained(window)
        window.live(seconds=float(chance.uniform(1, 4)))
        start = time.perf_counter()
        window.dock.strip.cancel_job()
        window.live(window.idle)
        times.append(time.perf_counter() - start)
    yield row("Cancel to the end of the training, median", float(np.median(times)), 1.0)
    yield row("the same, longest of nine", max(times), 1.0)


def memory(window: Window, *, quick: bool) -> Iterator[Sequence[str]]:
    """Measure the memory of the process after each of ten trainings."""
    annotate(window)
    process, held = psutil.Process(), []
    for _ in range(4 if quick else RUNS):
        train(window, 20)
        window.live(window.idle)
        window.live(seconds=1)
        gc.collect()
        held.append(process.memory_info().rss / 2**20)
    # The first two fill pools that are used again.
    growth = float(np.polyfit(range(len(held) - 2), held[2:], 1)[0])
    told = ", ".join(f"{each:.0f}" for each in held)
    yield (
        f"memory after each of {len(held)} trainings: {told} MiB; slope a run from the third on",
        f"{growth:.1f} MiB",
        "1 MiB",
        "yes" if growth < 1 else "**no**",
    )
