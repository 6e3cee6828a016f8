"""DiagramLink: from the rows of the diagram to the voxels of the viewer, and back.

The one idea: a row leads into the layer that it is of, as long as that layer is in the viewer.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_toposeg.plugin.canvas.marks import (
    LEVEL,
    PAIR,
    SELECTED,
    jump_to,
    layer_with,
    raised,
    voxel_at,
)
from napari_toposeg.plugin.topology.diagram.feature_layer import FeatureDrawer
from napari_toposeg.plugin.topology.diagram.features import Features, Rows
from napari_toposeg.plugin.topology.diagram.marks import mark_features, mark_pair, show_level


class DiagramLink:
    """Shows features in the layers that they were found in.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self.drawer = FeatureDrawer(viewer)
        self.features: Features | None = None
        self.layers: tuple[Any, ...] = ()

    def follow(self, features: Features, layers: tuple[Any, ...]) -> None:
        """Link features to the layers of their parts; take away what was shown of others."""
        self.drawer.clear()
        self.show_level(None)
        for role in (PAIR, SELECTED):
            self._empty(role)
        self.features, self.layers = features, layers

    def layer_of(self, row: int) -> Any:
        """Return the layer that a feature is of, None where it is gone."""
        if self.features is None:
            return None
        layer = self.layers[self.features.origin(row)[0]]
        return layer if layer in self._viewer.layers else None

    def mark(self, row: int) -> None:
        """Mark the birth and the death voxel of a feature."""
        layer = self.layer_of(row)
        if layer is not None and self.features is not None:
            part, own = self.features.origin(row)
            raised(self._viewer, mark_pair(self._viewer, layer, self.features.parts[part], own))

    def go_to(self, row: int, *, death: bool) -> None:
        """Show the slice of a feature's birth voxel, or of its death voxel."""
        layer = self.layer_of(row)
        if layer is None or self.features is None:
            return
        if len(self.layers) == 2 and not self._viewer.canvas.grid.enabled:
            # One of the two lies over the other.
            for each in self.layers:
                each.visible = each is layer
        jump_to(self._viewer, layer, (self.features.deaths if death else self.features.births)[row])

    def select(self, rows: Rows) -> None:
        """Mark the voxels of many features at once; none takes the marks away."""
        layer = self.layer_of(int(rows[0])) if len(rows) else None
        if layer is None or self.features is None:
            self._empty(SELECTED)
        else:
            raised(self._viewer, mark_features(self._viewer, layer, self.features, rows))

    def draw(self, rows: Rows) -> None:
        """Draw features as soon as they are found; none takes the drawing away."""
        layer = self.layer_of(int(rows[0])) if len(rows) else None
        if layer is None or self.features is None:
            self.drawer.clear()
        else:
            self.drawer.draw(layer, self.features, rows)

    def show_level(self, level: float | None) -> None:
        """Lay the voxels at a threshold over the first layer, or take them away."""
        layer = self.layers[0] if self.layers else None
        if level is None or self.features is None or layer not in self._viewer.layers:
            shown = layer_with(self._viewer, LEVEL)
            if shown is not None:
                self._viewer.layers.remove(shown)
            return
        excerpt = self.features.parts[0].excerpt
        show_level(self._viewer, layer, excerpt, level, superlevel=self.features.superlevel)

    def nearest(self, world: Sequence[float], among: Rows) -> int | None:
        """Return the feature with a birth or death voxel nearest to a place of the viewer."""
        if self.features is None or not self.layers:
            return None
        layer = self.layers[0]
        voxel = np.asarray(voxel_at(self._viewer, layer, world), float)
        return self.features.nearest(voxel, np.abs(np.asarray(layer.scale)), among)

    def _empty(self, role: str) -> None:
        points = layer_with(self._viewer, role)
        if points is not None:
            points.data = np.empty((0, points.ndim))


def on_plain_click(call: Callable[[tuple[float, ...]], None]) -> Callable[..., Iterator[None]]:
    """Return a mouse callback that tells where a viewer was clicked, in world coordinates.

    Clicks with keys or other buttons, in 3D, into a layer that is being painted, and drags are
    left alone.
    """

    def clicked(viewer: ViewerModel, event: Any) -> Iterator[None]:
        active = viewer.layers.selection.active
        plain = event.button == 1 and not event.modifiers and viewer.dims.ndisplay == 2
        if not plain or getattr(active, "mode", "pan_zoom") != "pan_zoom":
            return
        place = tuple(event.position)
        yield
        dragged = False
        while event.type == "mouse_move":
            dragged = True
            yield
        if not dragged:
            call(place)

    return clicked
