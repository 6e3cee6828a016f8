"""Volume <-> napari layer, with the geometry kept both ways.

napari draws axis-aligned grids: a layer gets the spacing as scale and is placed so that its centre
lies where the volume's centre lies in the patient (axes S, P, L in mm). The true affine, oblique
part included, rides in ``layer.metadata["napari_toposeg"]`` and is taken from there when the layer
is saved or used, unless someone has since given the layer another scale or place. No patient field
is in it.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.plugin.canvas.contrast import contrast_limits, from_zero
from napari_toposeg.plugin.canvas.lazy import finest, in_memory, is_lazy
from napari_toposeg.plugin.canvas.marks import LEVEL, role_of
from napari_toposeg.plugin.canvas.placing import (
    millimetres,
    placement,
    still_places,
    upright_affine,
)
from napari_toposeg.volume import Modality, Volume

KEY = "napari_toposeg"
AXES = ("z", "y", "x")
UNITS = ("mm", "mm", "mm")

Kind = Literal["image", "labels", "probability", "residual"]
LayerData = tuple[Any, dict[str, Any], str]


def layer_metadata(volume: Volume) -> dict[str, Any]:
    """Return what a layer remembers of its volume, as plain values."""
    return {
        KEY: {
            "affine": volume.affine.tolist(),
            "orientation": volume.orientation,
            "modality": volume.modality,
            "name": volume.name,
            "notes": list(volume.notes),
        }
    }


def volume_to_layer_data(volume: Volume, kind: Kind = "image") -> LayerData:
    """Return ``(voxels, attributes, layer type)`` as napari's readers give it."""
    attributes: dict[str, Any] = {
        "name": volume.name,
        "scale": volume.spacing,
        "translate": placement(volume.affine, volume.shape),
        "units": UNITS,
        "axis_labels": AXES,
        "metadata": layer_metadata(volume),
    }
    match kind:
        case "labels":
            return label_voxels(volume.voxels), attributes | {"opacity": 0.5}, "labels"
        case "probability":
            look = {"colormap": "magma", "contrast_limits": (0, 1), "opacity": 0.6}
            return volume.voxels, attributes | look | {"blending": "additive"}, "image"
        case "residual":
            look = {"colormap": "inferno", "contrast_limits": from_zero(volume.voxels)}
            return volume.voxels, attributes | look, "image"
        case "image":
            look = {"colormap": "gray", "contrast_limits": contrast_limits(volume)}
            voxels = (
                volume.voxels.astype(np.uint8) if volume.voxels.dtype == bool else volume.voxels
            )
            return voxels, attributes | look, "image"


def kind_of(volume: Volume) -> Kind:
    """Return how a volume from a file is shown: as labels, as a probability or as a scan."""
    match volume.modality:
        case "label":
            return "labels"
        case "probability":
            return "probability"
        case _:
            return "image"


def add_volume(viewer: ViewerModel, volume: Volume, kind: Kind, **changes: Any) -> Any:
    """Add a volume as a layer and return the layer; keywords win over the layer's attributes."""
    voxels, attributes, layer_type = volume_to_layer_data(volume, kind)
    return add_layer_data(viewer, (voxels, attributes | changes, layer_type))


def add_layer_data(viewer: ViewerModel, data: LayerData) -> Any:
    """Add what `volume_to_layer_data` gave, and return the layer."""
    voxels, attributes, layer_type = data
    add = viewer.add_labels if layer_type == "labels" else viewer.add_image
    return add(voxels, **attributes)


def modality_of(layer: Any) -> Modality:
    """Return what a layer's numbers are, as far as it is known."""
    known: Modality = layer.metadata.get(KEY, {}).get("modality", "unknown")
    return known


def layer_to_volume(layer: Layer, like: Layer | None = None, *, read: bool = True) -> Volume:
    """Return a layer's voxels with the geometry they came with.

    Parameters
    ----------
    layer
        An Image or Labels layer of three axes.
    like
        A layer whose affine a layer without one of its own takes, if both lie on the same grid:
        labels painted over an oblique scan are as oblique as the scan.
    read
        Read voxels that are not in memory (dask, zarr); without it they are left where they are,
        for a run that begins with `canvas.lazy.load_run`.

    Raises
    ------
    InvalidVolume
        If the layer is not one 3D scalar array, or was rotated or sheared in the viewer.
    """
    attributes = layer_attributes(layer)
    if like is not None and KEY not in attributes["metadata"] and same_grid(layer, like):
        known = like.metadata.get(KEY, {})
        attributes["metadata"] = {KEY: known | {"modality": "unknown", "notes": []}}
    volume = data_to_volume(finest(layer), attributes, labels=isinstance(layer, Labels))
    return in_memory(volume) if read else volume


def layer_attributes(layer: Layer) -> dict[str, Any]:
    """Return the attributes of a layer that place it, by the names that napari's writers get."""
    return {
        "name": layer.name,
        "scale": np.asarray(layer.scale),
        "translate": np.asarray(layer.translate),
        "rotate": np.asarray(layer.rotate),
        "shear": np.asarray(layer.shear),
        "affine": np.asarray(layer.affine),
        "units": tuple(layer.units),
        "rgb": bool(getattr(layer, "rgb", False)),
        "metadata": dict(layer.metadata),
    }


def data_to_volume(data: Any, attributes: Mapping[str, Any], *, labels: bool) -> Volume:
    """Build a Volume from a layer's array and attributes, as napari's writers get them.

    An array that is not in memory (dask, zarr) stays where it is: see `canvas.lazy.load_run`.
    """
    voxels = data if is_lazy(data) else np.asarray(data)
    require_plain(voxels, attributes)
    factors = np.array([millimetres(unit) for unit in attributes.get("units") or UNITS])
    scale = np.asarray(attributes.get("scale", np.ones(3)), dtype=float) * factors
    translate = np.asarray(attributes.get("translate", np.zeros(3)), dtype=float) * factors
    known = attributes.get("metadata", {}).get(KEY, {})
    affine = upright_affine(scale, translate)
    if "affine" in known and still_places(
        np.array(known["affine"]), voxels.shape, scale, translate
    ):
        affine = np.array(known["affine"], dtype=float)
    modality: Modality = "label" if labels else known.get("modality", "unknown")
    return Volume(
        voxels,
        affine,
        modality=modality,
        orientation=known.get("orientation", "LPS"),
        name=attributes.get("name") or known.get("name", "volume"),
        notes=tuple(known.get("notes", ())),
    )


def require_plain(voxels: NDArray[Any], attributes: Mapping[str, Any]) -> None:
    """Raise InvalidVolume unless a layer holds one 3D scalar array along the viewer's axes."""
    if attributes.get("rgb") or voxels.ndim != 3:
        what = "colours" if attributes.get("rgb") else f"{voxels.ndim} axes"
        raise InvalidVolume(
            f"the layer {attributes.get('name', '')!r} has {what}, shape {voxels.shape}; "
            "choose a layer with one 3D volume of grey values or labels"
        )
    turned = (
        not np.allclose(attributes.get("rotate", np.eye(3)), np.eye(3))
        or not np.allclose(attributes.get("shear", 0.0), 0.0)
        or not np.allclose(np.asarray(attributes.get("affine", np.eye(4))), np.eye(4))
    )
    if turned:
        raise InvalidVolume(
            f"the layer {attributes.get('name', '')!r} was rotated, sheared or given an affine in "
            "the viewer, which a volume's grid cannot hold; reset the layer's transform first"
        )


def same_grid(a: Layer, b: Layer) -> bool:
    """Tell whether two layers have the same shape, scale and place."""
    return (
        tuple(a.data.shape) == tuple(b.data.shape)
        and np.allclose(a.scale, b.scale)
        and np.allclose(a.translate, b.translate, atol=1e-3)
    )


def label_voxels(voxels: NDArray[Any]) -> NDArray[Any]:
    """Return whole-numbered voxels in a type that a Labels layer takes.

    Raises
    ------
    InvalidVolume
        If a value is not whole, or does not fit in 64 bits.
    """
    if voxels.dtype.kind in "ui":
        return voxels
    if voxels.dtype == bool:
        return voxels.astype(np.uint8)
    whole = np.rint(voxels)
    if not np.array_equal(whole, voxels):
        raise InvalidVolume(
            "labels must be whole numbers, got fractions; open the volume as an image instead"
        )
    # As Python's numbers: numpy would round the largest int64 up before it compares.
    least, most = float(whole.min(initial=0)), float(whole.max(initial=0))
    for kind in (np.int32, np.int64):
        if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max:
            labels: NDArray[Any] = whole.astype(kind)
            return labels
    raise InvalidVolume(
        f"labels must fit in 64 bits, got {least:g} to {most:g}; "
        "open the volume as an image instead"
    )


def is_image(layer: object) -> bool:
    """Tell whether a layer can be a scan: an Image of three axes, not in colours, no overlay."""
    plain = isinstance(layer, Image) and layer.ndim == 3 and not layer.rgb
    return plain and role_of(layer) != LEVEL


def class_names(layer: Any) -> dict[int, str]:
    """Return the names of classes that a layer's features give, by label."""
    features = None if layer is None else layer.features
    if features is None or "class" not in features:
        return {}
    labels = features["index"] if "index" in features else range(len(features))
    return {int(label): str(name) for label, name in zip(labels, features["class"], strict=True)}
