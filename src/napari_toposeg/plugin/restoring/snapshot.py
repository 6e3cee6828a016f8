"""Snapshot: what is open in a viewer, taken on the main thread in a moment.

The one idea: a snapshot points to the arrays of the layers and copies none of them.
"""

from dataclasses import dataclass, field
from typing import Any

from napari.components import ViewerModel

from napari_toposeg.plugin.restoring.layer_records import LayerRecord, record_of


@dataclass(frozen=True)
class Snapshot:
    """What is open.

    Parameters
    ----------
    records
        The layers, first one at the bottom.
    left_alone
        Names of layers that are not kept.
    view
        Slices, camera and grid of the viewer, as plain values.
    active, chosen
        Numbers of the record of the active layer and of the image that the tabs work on.
    inputs
        What stands in the forms of the dock, by name.
    """

    records: tuple[LayerRecord, ...]
    left_alone: tuple[str, ...] = ()
    view: dict[str, Any] = field(default_factory=dict)
    active: int | None = None
    chosen: int | None = None
    inputs: dict[str, Any] = field(default_factory=dict)


def take_snapshot(
    viewer: ViewerModel, *, chosen: Any = None, inputs: dict[str, Any] | None = None
) -> Snapshot:
    """Return what is open in a viewer.

    Parameters
    ----------
    chosen
        The image that the tabs of the dock work on.
    inputs
        What stands in the dock's forms.
    """
    records, kept, alone = [], [], []
    for layer in viewer.layers:
        record = record_of(layer)
        if record is None:
            alone.append(layer.name)
        else:
            records.append(record)
            kept.append(layer)
    active = viewer.layers.selection.active
    # Equal, not the same: napari gives a plugin its layers behind proxies.
    return Snapshot(
        tuple(records),
        tuple(alone),
        view_of(viewer),
        next((n for n, layer in enumerate(kept) if layer == active), None),
        next((n for n, layer in enumerate(kept) if layer == chosen), None),
        inputs or {},
    )


def view_of(viewer: ViewerModel) -> dict[str, Any]:
    """Return which slices a viewer shows, and from where."""
    dims, camera, grid = viewer.dims, viewer.scene.camera, viewer.canvas.grid
    return {
        "ndisplay": int(dims.ndisplay),
        "order": [int(axis) for axis in dims.order],
        "point": [float(place) for place in dims.point],
        "camera": {
            "center": [float(place) for place in camera.center],
            "zoom": float(camera.zoom),
            "angles": [float(angle) for angle in camera.angles],
            "perspective": float(camera.perspective),
        },
        "grid": {
            "enabled": bool(grid.enabled),
            "stride": int(grid.stride),
            "shape": [int(count) for count in grid.shape],
            "spacing": float(grid.spacing),
        },
    }


def show_view(viewer: ViewerModel, view: dict[str, Any]) -> None:
    """Show a viewer as `view_of` saw it; what does not fit its layers is passed over."""
    if len(view.get("order", ())) == viewer.dims.ndim:
        viewer.dims.order = tuple(view["order"])
        viewer.dims.ndisplay = view["ndisplay"]
        viewer.dims.set_point(range(viewer.dims.ndim), view["point"])
    for name, value in view.get("grid", {}).items():
        setattr(viewer.canvas.grid, name, tuple(value) if isinstance(value, list) else value)
    for name, value in view.get("camera", {}).items():
        setattr(viewer.scene.camera, name, tuple(value) if isinstance(value, list) else value)
