"""Layers to files."""

from pathlib import Path

from napari.layers import Layer

from napari_toposeg.io import write_volume
from napari_toposeg.plugin.canvas.layers import layer_to_volume


def save_layer(layer: Layer, path: str | Path, *, like: Layer | None = None) -> Path:
    """Write a layer on its own grid, in the orientation of the file that it came from."""
    return write_volume(layer_to_volume(layer, like=like), Path(path))
