"""Regions of interest: boxes of voxels, taken from the view or around the current point.

The one idea: a region becomes a layer of its own, with its true place, so that all that follows
works on what is seen and nothing is cut off in secret.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.volume import Volume

Region = tuple[slice, slice, slice]


def view_region(viewer: ViewerModel, layer: Any) -> Region:
    """Return what the 2D view shows of a layer, through all slices; in 3D the whole layer."""
    slices = [slice(0, length) for length in layer.data.shape]
    corners = np.asarray(layer.corner_pixels)
    if viewer.dims.ndisplay == 2:
        for axis in viewer.dims.displayed:
            low, high = int(corners[0, axis]), int(corners[1, axis]) + 1
            # Before the first drawing the corners are all zero.
            if high - low > 1:
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


def crop_volume(volume: Volume, region: Region) -> Volume:
    """Return a part of a volume, at its place in the patient."""
    z, y, x = (axis.start for axis in region)
    shift = np.eye(4)
    shift[:3, 3] = x, y, z
    return replace(volume, voxels=volume.voxels[region], affine=volume.affine @ shift)
