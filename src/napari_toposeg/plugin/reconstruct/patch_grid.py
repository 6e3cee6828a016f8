"""The patch grid over a scan: where the patches of a model lie, and which of them are hidden.

The one idea: only the slice in view is drawn, as a few lines, and drawn anew when the slice
changes; so a grid costs the same on any scan. Hidden patches are hatched, so that they are told
apart without colour. No Qt here.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.marks import GRID, ROLE, layer_with, place_of, slice_axis
from napari_toposeg.plugin.translation import tr

if TYPE_CHECKING:
    from napari_toposeg.learning.hiding import Lattice

Lines = NDArray[np.float64]

LINE_COLOUR, HATCH_COLOUR = "#F0E442", "#E69F00"
LINE_SHARE = 1 / 600
"""Width of a line, as a share of the longest edge of the scan."""

HATCH = (((0.0, 0.0), (1.0, 1.0)), ((0.5, 0.0), (1.0, 0.5)), ((0.0, 0.5), (0.5, 1.0)))
"""Strokes over a hidden patch, from and to, in parts of its edges."""


def slice_lines(lattice: "Lattice", axis: int, position: float) -> tuple[Lines, int]:
    """Return the lines of one slice, and how many of them are hatches; these come last.

    Parameters
    ----------
    axis, position
        Axis ``(z, y, x)`` across which the slice lies, and its voxel along that axis.

    Returns
    -------
    lines
        Starts and directions ``(n, 2, 3)`` in voxels of the scan.
    hatches
        How many of the last lines are strokes over hidden patches.
    """
    # As far as the centres of the outermost voxels: beyond, the viewer's sliders would grow.
    edges = [np.clip(cuts, 0, cuts[-1] - 0.5) for cuts in lattice.edges]
    across = lattice.edges[axis]
    layer = int(np.clip(np.searchsorted(across, position, "right") - 1, 0, len(across) - 2))
    a, b = (other for other in range(3) if other != axis)
    hidden = np.take(lattice.hidden, layer, axis=axis)
    flat = np.concatenate([_cuts(edges[a], edges[b]), _strokes(edges[a], edges[b], hidden)])
    lines = np.zeros((len(flat), 2, 3))
    lines[:, :, [a, b]] = flat
    lines[:, 0, axis] = position
    return lines, len(HATCH) * int(hidden.sum())


def _cuts(first: NDArray[np.float64], second: NDArray[np.float64]) -> Lines:
    """Return the lines between patches, ``(n, 2, 2)``, from end to end."""
    down = np.zeros((len(second), 2, 2))
    down[:, 0, 0], down[:, 1, 0] = first[0], first[-1] - first[0]
    down[:, 0, 1] = second
    along = np.zeros((len(first), 2, 2))
    along[:, 0, 1], along[:, 1, 1] = second[0], second[-1] - second[0]
    along[:, 0, 0] = first
    return np.concatenate([down, along])


def _strokes(
    first: NDArray[np.float64], second: NDArray[np.float64], hidden: NDArray[np.bool_]
) -> Lines:
    """Return the hatches over hidden patches, ``(n, 2, 2)``."""
    rows, columns = np.nonzero(hidden)
    low = np.stack([first[rows], second[columns]], axis=1)
    size = np.stack([np.diff(first)[rows], np.diff(second)[columns]], axis=1)
    strokes = [
        np.stack([low + size * start, size * (np.array(end) - start)], axis=1)
        for start, end in HATCH
    ]
    return np.concatenate(strokes)


class PatchGrid:
    """The overlay of one viewer: a Vectors layer that follows the slice until `forget`.

    Parameters
    ----------
    viewer
        Any viewer.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Any = None
        self._lattice: Lattice | None = None
        # napari holds methods weakly, and nobody else may hold this object.
        self._follow = lambda event=None: self.draw()
        for event in self._moves():
            event.connect(self._follow)

    @property
    def shown(self) -> bool:
        """True while the overlay is in the viewer and visible."""
        return self._there() and bool(self._layer.visible)

    def show(self, layer: Any, lattice: "Lattice") -> Any:
        """Draw a lattice over a layer, in place of what was drawn, and return the overlay."""
        self.remove()
        self._lattice = lattice
        active = self._viewer.layers.selection.active
        lines, colours = self._lines(layer)
        self._layer = self._viewer.add_vectors(
            lines,
            edge_color=colours,
            name=tr("{name} patches").format(name=layer.name),
            edge_width=LINE_SHARE * float(max(layer.data.shape)),
            vector_style="line",
            opacity=0.9,
            metadata={ROLE: GRID},
            **place_of(layer),
        )
        self._layer.events.visible.connect(self._follow)
        self._viewer.layers.selection.active = active
        return self._layer

    def remove(self) -> None:
        """Take the overlay away."""
        if self._there():
            self._viewer.layers.remove(self._layer)
        self._layer = self._lattice = None

    def draw(self) -> None:
        """Draw the slice in view."""
        if self._lattice is not None and self.shown:
            lines, colours = self._lines(self._layer)
            self._layer.data = lines
            self._layer.edge_color = colours

    def forget(self) -> None:
        """Stop following the viewer; what is drawn stays."""
        for event in self._moves():
            event.disconnect(self._follow)

    def _lines(self, layer: Any) -> tuple[Lines, NDArray[np.str_]]:
        assert self._lattice is not None
        axis = slice_axis(self._viewer)
        place = layer.world_to_data(self._viewer.dims.point[-3:])
        lines, hatches = slice_lines(self._lattice, axis, float(place[axis]))
        colours = np.full(len(lines), LINE_COLOUR)
        colours[len(lines) - hatches :] = HATCH_COLOUR
        return lines, colours

    def _moves(self) -> tuple[Any, ...]:
        dims = self._viewer.dims.events
        return dims.current_step, dims.order, dims.ndisplay

    def _there(self) -> bool:
        return self._layer is not None and self._layer in self._viewer.layers


def show_patch_grid(viewer: ViewerModel, layer: Any, lattice: "Lattice") -> PatchGrid:
    """Draw the patches of a reconstruction over its scan; `remove` of what is returned undoes it.

    Parameters
    ----------
    lattice
        `Reconstruction.lattice`.
    """
    there = layer_with(viewer, GRID)
    if there is not None:
        viewer.layers.remove(there)
    grid = PatchGrid(viewer)
    grid.show(layer, lattice)
    return grid
