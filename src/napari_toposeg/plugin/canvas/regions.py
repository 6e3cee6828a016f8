"""Regions of interest: boxes of voxels, seen in the view, about the current point, or drawn.

The one idea: a region is slices along z, y and x of a layer. Cut out, it becomes a layer with its
true place, so that all that follows works on what is seen and nothing is cut off in secret.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.plugin.canvas.marks import CLEAR, REGION, ROLE, layer_with, place_of
from napari_toposeg.plugin.translation import tr
from napari_toposeg.volume import Volume

Region = tuple[slice, slice, slice]


def view_region(viewer: ViewerModel, layer: Any) -> Region:
    """Return what the 2D view shows of a layer, through all slices; in 3D the whole layer."""
    slices = [slice(0, length) for length in layer.data.shape]
    # Of a pyramid the corners are voxels of the level that is drawn.
    factors = np.asarray(layer.downsample_factors)[layer.data_level]
    corners = np.asarray(layer.corner_pixels)
    if viewer.dims.ndisplay == 2:
        for axis in viewer.dims.displayed:
            first, last = corners[:, axis]
            # Before the first drawing the corners are all zero.
            if last > first:
                low, high = int(first * factors[axis]), int((last + 1) * factors[axis])
                slices[axis] = slice(max(low, 0), min(high, layer.data.shape[axis]))
    return slices[0], slices[1], slices[2]


def box_region(viewer: ViewerModel, layer: Any, edge: float) -> Region:
    """Return a cube about the current slice and the middle of the view, cut to the layer.

    Parameters
    ----------
    edge
        Length of its edges in mm.

    Raises
    ------
    InvalidVolume
        If the cube lies outside of the layer.
    """
    middle = np.array(viewer.dims.point[-3:], dtype=float)
    if viewer.dims.ndisplay == 2:
        middle[list(viewer.dims.displayed)] = viewer.scene.camera.center[-2:]
    scale = np.asarray(layer.scale)
    centre = (middle - np.asarray(layer.translate)) / scale
    lengths = np.maximum(np.rint(edge / scale), 1)
    first = np.ceil(centre - lengths / 2)
    low = np.clip(first, 0, layer.data.shape).astype(int)
    high = np.clip(first + lengths, 0, layer.data.shape).astype(int)
    if (high <= low).any():
        raise InvalidVolume(
            "the middle of the view lies outside of the image; move the view onto it first"
        )
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return z, y, x


def draw_region(viewer: ViewerModel, layer: Any) -> Any:
    """Return the Shapes layer in which rectangles bound a region, ready for the next rectangle."""
    shapes = layer_with(viewer, REGION)
    if shapes is None:
        shapes = viewer.add_shapes(
            ndim=3,
            name=tr("region"),
            edge_color="#F0E442",
            face_color=CLEAR,
            edge_width=max(0.5, 0.004 * max(layer.data.shape)),
            metadata={ROLE: REGION},
            **place_of(layer),
        )
    shapes.visible = True
    viewer.layers.selection.active = shapes
    shapes.mode = "add_rectangle"
    return shapes


def drawn_region(viewer: ViewerModel, layer: Any, around: int) -> Region:
    """Return the box about all that is drawn in the region's layer, cut to another layer.

    Parameters
    ----------
    around
        Slices on either side of the only one that is drawn on; rectangles on two slices or more
        bound the region themselves.

    Raises
    ------
    InvalidVolume
        If nothing is drawn, or it lies outside of the layer.
    """
    shapes = layer_with(viewer, REGION)
    if shapes is None or not len(shapes.data):
        raise InvalidVolume(
            tr("no region is drawn; press Draw and draw a rectangle over the layer first")
        )
    corners = np.concatenate([np.asarray(shape)[:, -3:] for shape in shapes.data])
    places = np.array([layer.world_to_data(shapes.data_to_world(corner)) for corner in corners])
    low, high = places.min(axis=0), places.max(axis=0)
    flat = high - low < 1
    low, high = low - flat * around, high + flat * around
    first = np.clip(np.rint(low), 0, layer.data.shape).astype(int)
    last = np.clip(np.rint(high) + 1, 0, layer.data.shape).astype(int)
    if (last <= first).any():
        raise InvalidVolume(tr("the region lies outside of the layer; draw it over the layer"))
    z, y, x = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return z, y, x


def crop_volume(volume: Volume, region: Region) -> Volume:
    """Return a part of a volume, at its place in the patient."""
    z, y, x = (axis.start for axis in region)
    shift = np.eye(4)
    shift[:3, 3] = x, y, z
    return replace(volume, voxels=volume.voxels[region], affine=volume.affine @ shift)
