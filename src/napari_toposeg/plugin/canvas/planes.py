"""Planes: which of the three slices of a body the view shows, upright.

The one idea: axes are z to the head, y to the back, x to the left, so axial slices are drawn as
they are, and coronal and sagittal ones with the head up, which napari's own rolling of the axes
leaves at the bottom.
"""

from typing import Literal, get_args

from napari.components import ViewerModel

Plane = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = get_args(Plane)

_ORDER = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}


def set_plane(viewer: ViewerModel, plane: Plane) -> None:
    """Show a plane in 2D, through the same point, as large as it fits."""
    point = viewer.dims.point
    first = viewer.dims.ndim - 3
    viewer.dims.ndisplay = 2
    viewer.dims.order = (*range(first), *(first + axis for axis in _ORDER[plane]))
    viewer.scene.camera.orientation2d = ("down" if plane == "axial" else "up", "right")
    viewer.dims.set_point(range(viewer.dims.ndim), point)
    viewer.reset_view()


def plane_of(viewer: ViewerModel) -> Plane | None:
    """Return which plane the view shows; None in 3D and in another order of axes."""
    first = viewer.dims.ndim - 3
    if viewer.dims.ndisplay != 2 or first < 0:
        return None
    order = tuple(axis - first for axis in viewer.dims.order[first:])
    return next((plane for plane in PLANES if _ORDER[plane] == order), None)


def next_plane(viewer: ViewerModel) -> None:
    """Show the next of axial, coronal and sagittal."""
    shown = plane_of(viewer)
    following = 0 if shown is None else PLANES.index(shown) + 1
    set_plane(viewer, PLANES[following % len(PLANES)])
