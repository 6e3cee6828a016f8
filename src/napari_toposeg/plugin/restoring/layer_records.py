"""Layer records: a layer as plain values and arrays, and the layer again.

The one idea: taking a record costs the window nothing, since arrays are only pointed to; they are
written, and files read, in a thread. Kept are layers of four kinds; others belong to their makers
and are left alone.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Points, Shapes

from napari_toposeg.plugin.canvas.layers import KEY
from napari_toposeg.plugin.canvas.sources import SOURCE, Source, source_metadata, source_of
from napari_toposeg.plugin.restoring.plain import colormap_of, plain, plain_colormap

PLACING = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
LOOK = ("name", "opacity", "blending", "visible", "projection_mode")
OF_KIND: dict[str, tuple[str, ...]] = {
    "image": (
        *("contrast_limits", "gamma", "rendering", "interpolation2d", "interpolation3d"),
        *("iso_threshold", "attenuation", "depiction", "rgb"),
    ),
    "labels": ("rendering", "iso_gradient_mode", "depiction", "features"),
    "points": (
        *("symbol", "size", "border_width", "border_width_is_relative", "border_color"),
        *("face_color", "features", "text", "shown", "shading", "antialiasing", "ndim"),
    ),
    "shapes": (
        *("shape_type", "z_index", "edge_width", "edge_color", "face_color", "features"),
        *("text", "ndim"),
    ),
}
"""What makes a layer of each kind, besides its data and its colormap."""
AFTERWARDS: dict[str, tuple[str, ...]] = {
    "image": ("contrast_limits_range",),
    "labels": (
        *("contour", "selected_label", "n_edit_dimensions", "brush_size", "preserve_labels"),
        *("show_selected_label", "editable"),
    ),
}
"""What is set once the layer is there."""


@dataclass(frozen=True)
class LayerRecord:
    """A layer, as it is kept.

    Parameters
    ----------
    kind
        ``"image"``, ``"labels"``, ``"points"`` or ``"shapes"``.
    attributes
        What napari makes the layer of; plain values once `plain_record` made them so.
    afterwards
        What is set once it is there.
    metadata
        What this package knows of it.
    arrays
        Its data: one array, for shapes one for each.
    source
        The file that the data were read from; `sure_record` tells whether they still are its own,
        and are not kept then.
    """

    kind: str
    attributes: dict[str, Any]
    afterwards: dict[str, Any]
    metadata: dict[str, Any]
    arrays: tuple[Any, ...]
    source: Source | None = None
    colormap: dict[str, Any] | None = field(default=None)

    @property
    def name(self) -> str:
        """The layer's name."""
        return str(self.attributes["name"])


def record_of(layer: Layer) -> LayerRecord | None:
    """Return the record of a layer; None if it is of a kind that is left alone."""
    if type(layer) not in (Image, Labels, Points, Shapes) or getattr(layer, "multiscale", False):
        return None
    data, state, kind = layer.as_layer_data_tuple()
    attributes = {name: state[name] for name in (*LOOK, *PLACING, *OF_KIND[kind])}
    attributes["units"] = [str(unit) for unit in layer.units]
    if "features" in attributes:
        attributes["features"] = {key: c.to_numpy() for key, c in state["features"].items()}
    return LayerRecord(
        kind,
        attributes,
        {name: getattr(layer, name) for name in AFTERWARDS.get(kind, ())},
        plain_part(layer.metadata),
        tuple(data) if kind == "shapes" else (data,),
        # Labels are painted: what the file holds is not what the layer holds. And a file that
        # another plugin read is no scan to us.
        source_of(layer) if kind == "image" and KEY in layer.metadata else None,
        plain_colormap(state.get("colormap")),
    )


def plain_record(record: LayerRecord) -> LayerRecord:
    """Return a record whose attributes are plain values: colours of points take their time.

    Raises
    ------
    TypeError
        If one has no plain form.
    """
    return replace(record, attributes=plain(record.attributes), afterwards=plain(record.afterwards))


def sure_record(record: LayerRecord) -> LayerRecord:
    """Return a record that names a file only if the layer still holds what was read from it.

    All voxels are looked at, unless they are not in memory: this is no work for the main thread.
    """
    if record.source is None or record.source.gave(record.arrays[0]):
        return record
    return replace(record, source=None)


def plain_part(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what this package wrote into a layer's metadata, without its source."""
    kept = {}
    for key, value in metadata.items():
        if str(key).startswith(KEY) and key != SOURCE:
            try:
                kept[str(key)] = plain(value)
            except TypeError:
                continue
    return kept


def add_record(viewer: ViewerModel, record: LayerRecord) -> Any:
    """Add the layer of a record, its arrays being read, and return it."""
    attributes: dict[str, Any] = dict(record.attributes) | {"metadata": dict(record.metadata)}
    if (source := record.source) is not None:
        attributes["metadata"] |= source_metadata(
            source.path, series=source.series, frame=source.frame, checksum=source.checksum
        )
    if record.colormap is not None:
        attributes["colormap"] = colormap_of(record.colormap)
    layer = add_as(viewer, record, attributes)
    for name, value in record.afterwards.items():
        setattr(layer, name, value)
    return layer


def add_as(viewer: ViewerModel, record: LayerRecord, attributes: dict[str, Any]) -> Any:
    """Add a layer of a record's kind."""
    match record.kind:
        case "image":
            return viewer.add_image(record.arrays[0], **attributes)
        case "labels":
            return viewer.add_labels(record.arrays[0], **attributes)
        case "points":
            colours = {key: np.array(attributes.pop(key)) for key in ("face_color", "border_color")}
            some = {key: value for key, value in colours.items() if len(value)}
            return viewer.add_points(record.arrays[0], **attributes, **some)
        case _:
            return viewer.add_shapes(list(record.arrays), **attributes)
