"""Side by side: a few layers in napari's grid, linked, and the others out of sight meanwhile.

The one idea: one switch. What it changes, which layers are visible, napari's grid and the links, it
puts back when it is switched off. Slices and the camera are shared by napari's grid itself.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.experimental import link_layers, unlink_layers

ALIKE = ("contrast_limits", "gamma")
"""Linked among the layers that show one quantity."""

ALL = ("opacity", "interpolation2d")
"""Linked among all that are shown."""


class SideBySide:
    """Shows layers of one viewer side by side.

    Parameters
    ----------
    viewer
        Any viewer.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._visible: list[tuple[Any, bool]] = []
        self._before: dict[str, Any] = {}
        self._links: list[tuple[list[Any], tuple[str, ...]]] = []
        self.on = False

    def show(self, alike: Sequence[Any], others: Sequence[Any] = ()) -> None:
        """Show only these layers, each in a field of its own, and link them.

        Parameters
        ----------
        alike
            Layers of one quantity: their contrast limits go together.
        others
            Further ones, such as a residual, which keep contrast limits of their own.
        """
        self.end()
        shown = [layer for layer in (*alike, *others) if layer in self._viewer.layers]
        if not shown:
            return
        grid = self._viewer.canvas.grid
        self._before = {name: getattr(grid, name) for name in ("enabled", "stride", "shape")}
        self._visible = [(layer, bool(layer.visible)) for layer in self._viewer.layers]
        for layer, _ in self._visible:
            layer.visible = any(layer == each for each in shown)
        self._link([layer for layer in alike if layer in self._viewer.layers], ALIKE)
        self._link(shown, ALL)
        self.on = True
        grid.stride, grid.shape = 1, (-1, -1)
        grid.enabled = True
        self._fit(1 / columns(len(shown)))

    def end(self) -> None:
        """Put back what was changed; layers that are gone stay gone."""
        if not self.on:
            return
        self.on = False
        grid = self._viewer.canvas.grid
        still = bool(grid.enabled)
        shown = sum(bool(layer.visible) for layer in self._viewer.layers)
        for layers, names in self._links:
            unlink_layers(layers, names)
        for layer, visible in self._visible:
            if layer in self._viewer.layers:
                layer.visible = visible
        grid.stride, grid.shape = self._before["stride"], self._before["shape"]
        if still:
            grid.enabled = self._before["enabled"]
            self._fit(columns(max(shown, 1)))
        self._links, self._visible = [], []

    def _link(self, layers: list[Any], names: tuple[str, ...]) -> None:
        if len(layers) > 1:
            link_layers(layers, names)
            self._links.append((layers, names))

    def _fit(self, factor: float) -> None:
        """Keep the same part of the scan in view: a field is smaller than the whole canvas."""
        self._viewer.scene.camera.zoom *= factor


def columns(count: int) -> int:
    """Return how many fields napari's grid puts beside each other."""
    return int(np.ceil(np.sqrt(count)))
