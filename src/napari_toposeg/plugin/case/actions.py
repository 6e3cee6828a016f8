"""What the Case tab does, as functions that a notebook can call on a viewer."""

from pathlib import Path
from typing import Any

from napari.components import ViewerModel

from napari_toposeg.io import WINDOWS, read_volume
from napari_toposeg.plugin import samples
from napari_toposeg.plugin.canvas.layers import (
    KEY,
    add_layer_data,
    add_volume,
    kind_of,
    layer_to_volume,
)
from napari_toposeg.plugin.canvas.regions import Region
from napari_toposeg.plugin.canvas.sources import note_source
from napari_toposeg.plugin.case.cutting import cut_run
from napari_toposeg.progress import finish
from napari_toposeg.volume import Modality


def open_case(
    viewer: ViewerModel,
    path: str | Path,
    *,
    frame: int | None = None,
    series: str | None = None,
    modality: Modality | None = None,
) -> Any:
    """Read a file or a DICOM folder and add it as a layer: Labels for a label map, else Image.

    Raises
    ------
    ToposegError
        As `napari_toposeg.read_volume`.
    """
    volume = read_volume(path, frame=frame, series=series, modality=modality)
    layer = add_volume(viewer, volume, kind_of(volume))
    note_source(layer, path, series=series, frame=frame)
    return layer


def open_sample(viewer: ViewerModel, name: str) -> list[Any]:
    """Add the layers of one of the samples of `napari_toposeg.plugin.samples`, and return them.

    Raises
    ------
    ToposegError
        If there is no such sample.
    """
    return [add_layer_data(viewer, data) for data in samples.open_sample(name)]


def make_phantom(viewer: ViewerModel, kind: str = "vessel_tree", **settings: Any) -> list[Any]:
    """Add a phantom of known topology and its truth as labels, and return the two layers.

    Parameters
    ----------
    kind, settings
        Fields of a `napari_toposeg.plugin.samples.PhantomWish`: trees, edge, voxel, noise, seed.

    Raises
    ------
    InvalidConfig
        If there is no such kind, or the grid is too coarse or too small for it.
    """
    layers = finish(samples.phantom_run(samples.PhantomWish(kind, **settings)))
    return [add_layer_data(viewer, data) for data in layers]


def cut_out(viewer: ViewerModel, layer: Any, region: Region) -> Any:
    """Add a part of a layer as a layer of its own, at its place in the patient, and return it.

    Parameters
    ----------
    region
        Slices along ``(z, y, x)``, as of `canvas.regions`.
    """
    run = cut_run(
        layer_to_volume(layer, read=False),
        region,
        name=f"{layer.name} region",
        contrast_limits=tuple(layer.contrast_limits),
    )
    return add_layer_data(viewer, finish(run))


def set_window(layer: Any, name: str) -> None:
    """Show a CT layer in one of the windows of `napari_toposeg.io.WINDOWS`."""
    low, high = WINDOWS[name]
    least, most = layer.contrast_limits_range
    layer.contrast_limits_range = (min(low, least), max(high, most))
    layer.contrast_limits = (low, high)


def set_modality(layer: Any, modality: Modality) -> None:
    """Correct what a layer's grey values are said to be."""
    known = dict(layer.metadata.get(KEY, {}))
    layer.metadata = dict(layer.metadata) | {KEY: known | {"modality": modality}}
