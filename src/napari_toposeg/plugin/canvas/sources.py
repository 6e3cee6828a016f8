"""Sources: which file a layer was read from, or which model made it, remembered in the layer.

The one idea: only a layer whose voxels are those of the file has a source; what is computed of it
has none. The path serves to read the scan again and to link a DICOM segmentation to its series;
it is never written into an export.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.layers import Layer

SOURCE, MODEL = "napari_toposeg_source", "napari_toposeg_model"


@dataclass(frozen=True)
class Source:
    """Where a layer's voxels come from.

    Parameters
    ----------
    path
        File, or folder of DICOM slices.
    series, frame
        What was chosen of it, as in `napari_toposeg.read_volume`.
    """

    path: Path
    series: str | None = None
    frame: int | None = None


def source_metadata(
    path: str | Path, *, series: str | None = None, frame: int | None = None
) -> dict[str, Any]:
    """Return the metadata that a layer read from a file has beside its own."""
    absolute = Path(path).expanduser().absolute()
    return {SOURCE: {"path": str(absolute), "series": series, "frame": frame}}


def note_source(
    layer: Layer, path: str | Path, *, series: str | None = None, frame: int | None = None
) -> None:
    """Remember in a layer which file its voxels are from."""
    layer.metadata = dict(layer.metadata) | source_metadata(path, series=series, frame=frame)


def source_of(layer: Layer) -> Source | None:
    """Return the file that a layer was read from; None where it was computed or is unknown."""
    known = layer.metadata.get(SOURCE)
    if known is not None:
        return Source(Path(known["path"]), known["series"], known["frame"])
    path = layer.source.path
    return None if path is None else Source(Path(path))


def note_model(layer: Layer, model: str) -> None:
    """Remember in a layer which model made it."""
    layer.metadata = dict(layer.metadata) | {MODEL: model}


def model_of(layer: Layer) -> str:
    """Return the name of the model that made a layer, empty where there was none."""
    return str(layer.metadata.get(MODEL, ""))
