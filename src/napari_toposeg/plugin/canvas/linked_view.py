"""A second view of a viewer's layers, through the same point, across another axis.

The one idea: napari 0.9 draws one canvas a viewer, and its public way to two is a `ViewerModel` of
one's own. This one holds mirrors of the viewer's layers and follows its point; a click in it leads
the viewer there. No Qt here.
"""

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from napari_toposeg.plugin.canvas.marks import place_of
from napari_toposeg.plugin.canvas.mirrors import Mirror, can_be_mirrored
from napari_toposeg.plugin.canvas.planes import Plane, set_plane

CROSS = "cross"
YELLOW = "#F0E442"


class LinkedView:
    """A plane of what a viewer shows, in a viewer model of its own.

    Parameters
    ----------
    main
        The viewer that is followed; only its public names are used.
    plane
        Which slices are shown.
    """

    def __init__(self, main: ViewerModel, plane: Plane) -> None:
        self.main, self.plane = main, plane
        self.model = ViewerModel(title=plane)
        self._mirrors: list[Mirror] = []
        self._following = False
        self._cross: Any = None
        self._fill()
        main.layers.events.inserted.connect(self._on_layers)
        main.layers.events.removed.connect(self._on_layers)
        main.layers.events.reordered.connect(self._on_layers)
        main.dims.events.point.connect(self.follow)
        self.model.dims.events.point.connect(self._lead)
        self.model.mouse_drag_callbacks.append(self._on_press)

    def close(self) -> None:
        """Stop following the viewer, and let go of its layers."""
        events = self.main.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.disconnect(self._on_layers)
        self.main.dims.events.point.disconnect(self.follow)
        self.model.dims.events.point.disconnect(self._lead)
        self._empty()

    def follow(self, _: object = None) -> None:
        """Show the slice through the viewer's point, and the point as a cross."""
        # While the last layers go, the viewer has fewer axes for a moment.
        if self._following or not self._mirrors or self.main.dims.ndim < 3:
            return
        self._following = True
        self.model.dims.set_point(range(3), self.main.dims.point[-3:])
        self._following = False
        self._draw_cross()

    def refresh(self) -> None:
        """Draw the layers whose voxels changed."""
        for mirror in self._mirrors:
            mirror.refresh()

    def go_to(self, world: Any) -> None:
        """Lead the viewer to a place ``(z, y, x)`` in mm, in the middle of its view."""
        main = self.main
        axes = range(main.dims.ndim - 3, main.dims.ndim)
        main.dims.set_point(axes, [float(place) for place in world])
        shown = [axis - axes[0] for axis in main.dims.displayed if axis >= axes[0]]
        centre = np.asarray(world, float)[shown]
        main.scene.camera.center = tuple(np.concatenate([np.zeros(3), centre])[-3:])

    def _lead(self, _: object = None) -> None:
        """Lead the viewer across this plane's axis: its slider was moved."""
        if not self._following and self._mirrors:
            self._following = True
            axes = range(self.main.dims.ndim - 3, self.main.dims.ndim)
            self.main.dims.set_point(axes, self.model.dims.point)
            self._following = False
            self._draw_cross()

    def _on_press(self, _: object, event: Any) -> Any:
        """Lead the viewer to what is clicked; a drag moves this view as ever."""
        start = tuple(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.subtract(event.pos, start)).max() < 4:
            self.go_to(event.position)

    def _on_layers(self, _: object = None) -> None:
        there = [layer for layer in self.main.layers if can_be_mirrored(layer)]
        if there != [mirror.layer for mirror in self._mirrors]:
            self._empty()
            self._fill()

    def _empty(self) -> None:
        for mirror in self._mirrors:
            mirror.close()
        self._mirrors.clear()
        self._cross = None
        self.model.layers.clear()

    def _fill(self) -> None:
        layers: list[Layer] = [layer for layer in self.main.layers if can_be_mirrored(layer)]
        self._mirrors = [Mirror(layer) for layer in layers]
        self._following = True
        self.model.layers.extend(mirror.copy for mirror in self._mirrors)
        self._following = False
        if self._mirrors:
            set_plane(self.model, self.plane)
            self.follow()

    def _draw_cross(self) -> None:
        """Draw the viewer's point: two lines along the axes of this view."""
        grid = self._mirrors[0].copy
        low, high = grid.extent.data
        point = np.asarray(grid.world_to_data(self.model.dims.point))
        lines = []
        for axis in self.model.dims.displayed:
            start, along = point.copy(), np.zeros(3)
            start[axis], along[axis] = low[axis], high[axis] - low[axis]
            lines.append((start, along))
        if self._cross is None:
            # On the grid of a layer: the slider's steps stay those of its slices.
            self._cross = self.model.add_vectors(
                np.array(lines),
                name=CROSS,
                edge_color=YELLOW,
                edge_width=0.01 * float(np.max(high - low)),
                opacity=0.7,
                vector_style="line",
                **place_of(grid),
            )
        else:
            self._cross.data = np.array(lines)
