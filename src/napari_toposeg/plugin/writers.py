"""napari's writers: a layer to NIfTI or NRRD, on its own grid and in its file's orientation."""

from pathlib import Path
from typing import Any

from napari_toposeg.io import write_volume
from napari_toposeg.plugin.canvas.layers import data_to_volume
from napari_toposeg.plugin.canvas.lazy import in_memory


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one image layer; return the path written."""
    return [
        str(write_volume(in_memory(data_to_volume(data, attributes, labels=False)), Path(path)))
    ]


def write_labels(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one labels layer; return the path written."""
    return [str(write_volume(in_memory(data_to_volume(data, attributes, labels=True)), Path(path)))]
