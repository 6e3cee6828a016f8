"""Conventions of the grid, stated once: connectivity, padding, sub- and superlevel.

The one idea: a binary image is a space only once its connectivity is chosen, and foreground and
background need *different* ones. A foreground of 26-connected voxels (8 in 2D) goes with a
6-connected background (4 in 2D), and the converse. Outside of the array everything is background.

Persistence names the same choice by how voxels make a cubical complex, growing over the threshold:

- ``"T"``, voxels are top cells (closed cubes that share faces, edges and corners): 26 (8)
  connected;
- ``"V"``, voxels are vertices (joined only along axes): 6 (4) connected.

Sublevel sets ``{f <= t}`` grow with rising t and are the convention of the literature; superlevel
sets ``{f >= t}`` grow with falling t and are what a bright object means.
"""

from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch

Construction = Literal["T", "V"]
Connectivity = Literal[4, 6, 8, 26]
Mask = NDArray[np.bool_]


def foreground_connectivity(ndim: int, connectivity: int | None) -> Connectivity:
    """Return the foreground's connectivity, by default 26 in 3D and 8 in 2D.

    Raises
    ------
    InvalidConfig
        If the connectivity is not one of 6 and 26 (3D) or 4 and 8 (2D).
    """
    full, faces = (26, 6) if ndim == 3 else (8, 4)
    if connectivity is None:
        connectivity = full
    if connectivity not in (full, faces):
        raise InvalidConfig(
            f"connectivity {connectivity!r} does not fit {ndim}D; "
            f"choose {full} (the default) or {faces}"
        )
    return cast(Connectivity, connectivity)


def background_connectivity(foreground: Connectivity) -> Connectivity:
    """Return the connectivity that the background takes beside this foreground."""
    pairs: dict[Connectivity, Connectivity] = {26: 6, 6: 26, 8: 4, 4: 8}
    return pairs[foreground]


def neighbourhood(connectivity: Connectivity) -> Mask:
    """Return the structuring element, 3 voxels wide, of a connectivity."""
    ndim = 3 if connectivity in (6, 26) else 2
    reach = 1 if connectivity in (4, 6) else ndim
    structure: Mask = ndimage.generate_binary_structure(ndim, reach)
    return structure


def as_array(array: ArrayLike) -> NDArray[Any]:
    """Return what can be an image as an array.

    Raises
    ------
    InvalidVolume
        If it is not 2D or 3D, is empty, or holds other than real numbers; or if it is a masked
        array, whose hidden voxels would count like any other.
    """
    if np.ma.isMaskedArray(array):
        raise InvalidVolume(
            "a masked array's hidden voxels have no place in a topology; fill them with the value "
            "of what they should count as first (array.filled(...))"
        )
    array = np.asarray(array)
    require_grid(array)
    return array


def require_grid(array: NDArray[Any]) -> None:
    """Raise InvalidVolume unless the array is 2D or 3D, not empty, and of real numbers."""
    if array.ndim not in (2, 3) or array.size == 0:
        raise InvalidVolume(
            f"topology is computed on 2D (y, x) or 3D (z, y, x) arrays of at least one voxel, "
            f"got shape {array.shape}; take one slice or one volume of it"
        )
    if array.dtype.kind not in "buif":
        raise InvalidVolume(
            f"voxels must be real numbers, got {array.dtype}; "
            "convert colour or complex values first"
        )


def require_finite(array: NDArray[Any]) -> None:
    """Raise InvalidVolume if a voxel is NaN or infinite."""
    # What is finite in extended precision need not be so in the diagram's.
    with np.errstate(over="ignore"):
        values = array.astype(np.float64) if array.dtype.itemsize > 8 else array
    faulty = array.size - np.count_nonzero(np.isfinite(values))
    if faulty:
        raise InvalidVolume(
            f"{faulty} of {array.size} voxels are NaN or infinite and have no place in a "
            "filtration; replace them by a finite value first"
        )


def as_mask(array: NDArray[Any]) -> Mask:
    """Return the array as a contiguous mask, its foreground being all that is not 0.

    Raises
    ------
    InvalidVolume
        If the array is not 2D or 3D, is empty, or holds NaN.
    """
    array = as_array(array)
    if array.dtype.kind == "b":
        return np.ascontiguousarray(array)
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise InvalidVolume("a mask has no NaN voxels; threshold the map first")
    return np.ascontiguousarray(array != 0)


def extent(mask: Mask) -> tuple[slice, ...]:
    """Return the smallest box that holds the foreground; one voxel where there is none."""
    box = ndimage.find_objects(mask.view(np.uint8))
    return box[0] if box else (slice(0, 1),) * mask.ndim


def require_same_shape(prediction: NDArray[Any], truth: NDArray[Any]) -> None:
    """Raise ShapeMismatch if two arrays do not share a grid."""
    if prediction.shape != truth.shape:
        raise ShapeMismatch(
            f"prediction {prediction.shape} and truth {truth.shape} differ; "
            "resample the prediction to the truth's grid first"
        )
