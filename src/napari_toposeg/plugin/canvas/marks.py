"""Marks: layers that the dock puts into the viewer, and how it leads to a voxel.

The one idea: each mark is one layer that is filled anew, known by its role in its metadata and not
by its name, which a user may change. All of it works on any viewer, without the dock.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.colormaps.standardize_color import transform_color
from numpy.typing import ArrayLike, NDArray

ROLE = "napari_toposeg_role"
PAIR, DEFECTS, HERE, ANNOTATION = "pair", "defects", "current defect", "annotation"
EDITS, FEATURE = "proposed edits", "feature"
SELECTED, REGION, LEVEL = "selected features", "region", "level set"
GRID = "patch grid"
CLEAR = "#00000000"
OVERLAYS = {DEFECTS: "topological errors", EDITS: "proposed edits"}
"""Names of the overlays, by role."""


def role_of(layer: Layer) -> str | None:
    """Return what a layer was made for by this plugin, None for other layers."""
    role = layer.metadata.get(ROLE)
    return None if role is None else str(role)


def layer_with(viewer: ViewerModel, role: str) -> Any:
    """Return the layer of a role, None where there is none."""
    return next((layer for layer in viewer.layers if role_of(layer) == role), None)


def voxel_at(viewer: ViewerModel, layer: Layer, world: Sequence[float]) -> tuple[int, int, int]:
    """Return the voxel of a layer at a place of the viewer, the nearest one if it lies outside."""
    place = np.rint(layer.world_to_data(world[viewer.dims.ndim - layer.ndim :]))
    z, y, x = np.clip(place, 0, np.array(layer.data.shape) - 1).astype(int)
    return int(z), int(y), int(x)


def slice_axis(viewer: ViewerModel) -> int:
    """Return the axis ``(z, y, x)`` across which the slice in view lies; z in 3D."""
    return int(viewer.dims.order[-3]) - (viewer.dims.ndim - 3) if viewer.dims.ndisplay == 2 else 0


def jump_to(viewer: ViewerModel, layer: Layer, voxel: Sequence[float]) -> None:
    """Show the slice of a voxel, with the voxel in the middle of the view.

    Parameters
    ----------
    viewer
        Viewer to move.
    layer
        Layer that the voxel belongs to.
    voxel
        Index ``(z, y, x)``.
    """
    world = np.asarray(layer.data_to_world(voxel), dtype=float)
    first = viewer.dims.ndim - layer.ndim
    viewer.dims.set_point(range(first, viewer.dims.ndim), world)
    shown = [axis - first for axis in viewer.dims.displayed]
    centre = world[[axis for axis in shown if axis >= 0]]
    viewer.scene.camera.center = tuple(np.concatenate([np.zeros(3), centre])[-3:])


def mark_here(viewer: ViewerModel, layer: Layer, voxel: Sequence[int], text: str, name: str) -> Any:
    """Ring one voxel of a layer, with a word beside it, and return the Points layer."""
    points = points_on(viewer, layer, HERE, name)
    points.name = name
    points.data = np.array([voxel], float)
    points.features = {"kind": [text]}
    points.face_color = CLEAR
    write_on(points, "{kind}", "#FFFFFF")
    return points


def show_codes(
    viewer: ViewerModel,
    layer: Layer,
    role: str,
    codes: NDArray[np.uint8],
    colours: dict[str, str],
    what: str,
) -> Any:
    """Fill the overlay of a role, code 1 being the first kind, and return its Labels layer."""
    overlay = layer_with(viewer, role)
    if overlay is None or overlay.data.shape != codes.shape:
        if overlay is not None:
            viewer.layers.remove(overlay)
        active = viewer.layers.selection.active
        overlay = viewer.add_labels(
            codes, name=OVERLAYS[role], opacity=0.8, metadata={ROLE: role}, **place_of(layer)
        )
        if role == EDITS:
            # Ctrl+Z shall undo in the layer that is repaired.
            viewer.layers.selection.active = active
    else:
        overlay.data = codes
        lay(overlay, layer.scale, layer.translate)
    overlay.colormap = DirectLabelColormap(
        color_dict={None: CLEAR, 0: CLEAR} | dict(enumerate(colours.values(), start=1))
    )
    overlay.features = {"index": range(len(colours) + 1), what: ["none", *colours]}
    overlay.editable = False
    overlay.visible = True
    return overlay


def points_on(viewer: ViewerModel, layer: Layer, role: str, name: str) -> Any:
    """Return the Points layer of a role, made if there is none, on the grid of a layer."""
    points = layer_with(viewer, role)
    if points is not None:
        lay(points, layer.scale, layer.translate)
        return points
    active = viewer.layers.selection.active
    points = viewer.add_points(
        np.empty((0, 3)),
        name=name,
        size=max(2.0, 0.03 * max(layer.data.shape)),
        border_width=0.15,
        projection_mode="rescale_spherical",
        metadata={ROLE: role},
        **place_of(layer),
    )
    # The layer that a person works on stays the active one.
    viewer.layers.selection.active = active
    return points


def write_on(points: Any, text: str, colour: str) -> None:
    """Give marks their colour and the text beside them, a template of their features."""
    if not np.allclose(points.border_color, transform_color(colour)):
        points.border_color = colour
    if getattr(points.text.string, "format", None) != text:
        points.text = {"string": text, "color": colour, "size": 11, "anchor": "upper_left"}
    elif not np.allclose(points.text.color.constant, transform_color(colour)):
        points.text.color = colour
    points.selected_data = set()
    show(points)


def lay(mark: Layer, scale: ArrayLike, translate: ArrayLike) -> None:
    """Put a mark where it belongs. napari draws it anew at each change, so only changes are set."""
    if not np.array_equal(mark.scale, np.asarray(scale)):
        mark.scale = scale
    if not np.array_equal(mark.translate, np.asarray(translate)):
        mark.translate = translate


def show(mark: Layer) -> None:
    """Make a mark visible, which draws it anew if it is not."""
    if not mark.visible:
        mark.visible = True


def raised(viewer: ViewerModel, layer: Layer) -> None:
    """Lay marks over all images: one of them may have come later."""
    place = viewer.layers.index(layer)
    if any(isinstance(each, Image) and each.visible for each in viewer.layers[place + 1 :]):
        viewer.layers.move(place, len(viewer.layers))


def place_of(layer: Layer) -> dict[str, Any]:
    """Return what puts a new layer on the grid of another."""
    return {
        "scale": layer.scale,
        "translate": layer.translate,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }
