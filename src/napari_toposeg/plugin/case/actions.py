"""What the Case tab does, as functions that a notebook can call on a viewer."""

from pathlib import Path
from typing import Any

from napari.components import ViewerModel

from napari_toposeg.io import WINDOWS, read_volume
from napari_toposeg.plugin.canvas.layers import KEY, add_volume, kind_of
from napari_toposeg.plugin.canvas.sources import note_source
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
