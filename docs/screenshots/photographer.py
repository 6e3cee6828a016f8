"""Photographer: the real window with the dock, driven by its buttons, and its pictures."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_toposeg.plugin.settings import PLUGIN

WIDTH, HEIGHT = 1280, 800
THEMES = ("light", "dark")
COLOURS = 256
"""Colours of a picture: enough for a window of greys and a few marks, and small files."""


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

    def __init__(self, output: Path, wanted: Sequence[str], themes: Sequence[str]) -> None:
        self.output, self.wanted, self.themes = output, tuple(wanted), tuple(themes)
        output.mkdir(parents=True, exist_ok=True)
        self.viewer: Any = None

    def begin(self) -> None:
        """Open a new window with the dock, in place of the one before."""
        self.close()
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(WIDTH, HEIGHT)
        _, self.dock = self.viewer.window.add_plugin_dock_widget(PLUGIN)
        settle()
        # The first steps stand above every tab until they are closed.
        if not self.dock.guide.isHidden():
            self.dock.toggle_guide()

    def wants(self, *names: str) -> bool:
        """Tell whether any of some pictures is wanted."""
        return bool(set(names) & set(self.wanted))

    def take(self, name: str) -> None:
        """Save a picture of the whole window in each theme, if it is wanted."""
        if name not in self.wanted:
            return
        for theme in self.themes:
            self.viewer.theme = theme
            settle()
            path = self.output / f"{name}-{theme}.png"
            pixels = self.viewer.window.screenshot(canvas_only=False, flash=False)
            picture = Image.fromarray(pixels).convert("RGB")
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
            print(path, flush=True)

    def press(self, button: Any, *, seconds: float = 600) -> None:
        """Press a button and wait for the job that it starts, and for one that follows it."""
        button.click()
        for _ in range(2):
            settle(seconds=0.5)
            if not settle(lambda: not self.dock.session.busy, seconds):
                raise TimeoutError(f"{button.text()} took more than {seconds:.0f} s")

    def open(self, scan: Path) -> Any:
        """Open a scan by the Case tab, in a new window; return its layer."""
        self.begin()
        self.dock.case.open_path(scan)
        settle(lambda: bool(len(self.viewer.layers)) and not self.dock.session.busy, 600)
        settle()
        return self.dock.session.image_layer

    def go(self, tab: str, page: int | None = None) -> Any:
        """Bring a tab to the front, and one of its pages; return the tab."""
        self.dock.show_tab(tab)
        shown = self.dock.tabs.currentWidget().widget()
        if page is not None:
            shown.pages.setCurrentIndex(page)
        settle(seconds=0.3)
        return shown

    def close(self) -> None:
        """Close the window, if one is open."""
        if self.viewer is not None:
            self.viewer.close()
            settle()


def paint(layer: Any, truth: np.ndarray, slices: Iterable[int], background: int) -> None:
    """Paint slices of an annotation completely, by a truth."""
    for index in slices:
        layer.data[index] = np.where(truth[index] > 0, truth[index], background)
    layer.refresh()
