"""Sources: which file a layer was read from, or which model made it, remembered in the layer.

The one idea: only a layer whose voxels are those of the file has a source; what is computed of it
has none. But napari copies the source into duplicates and projections, so it has a checksum of
what was read, which tells whether the layer still holds that. The path serves to read the scan
again and to link a DICOM segmentation to its series; it is never written into an export.
"""

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_toposeg.plugin.canvas.lazy import is_lazy

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
    checksum
        Of the voxels that were read; None where it is unknown.
    """

    path: Path
    series: str | None = None
    frame: int | None = None
    checksum: str | None = field(default=None, compare=False)

    def gave(self, voxels: Any) -> bool:
        """Tell whether voxels are those that were read; False where that is unknown."""
        return self.checksum is not None and checksum_of(voxels) == self.checksum


def source_metadata(
    path: str | Path,
    *,
    series: str | None = None,
    frame: int | None = None,
    checksum: str | None = None,
) -> dict[str, Any]:
    """Return the metadata that a layer read from a file has beside its own."""
    absolute = Path(path).expanduser().absolute()
    facts = {"path": str(absolute), "series": series, "frame": frame, "checksum": checksum}
    return {SOURCE: facts}


def checksum_of(voxels: Any) -> str | None:
    """Return what tells voxels from others; None for those that are not in memory."""
    if is_lazy(voxels):
        return None
    found = zlib.crc32(f"{voxels.shape} {voxels.dtype.str}".encode())
    # By slices: voxels that do not lie in order are never copied as a whole.
    for piece in voxels:
        numbers = np.ascontiguousarray(piece).reshape(-1).view(np.uint8).data
        found = zlib.crc32(numbers, found)
    return f"{found:08x}"


def note_source(
    layer: Layer, path: str | Path, *, series: str | None = None, frame: int | None = None
) -> None:
    """Remember in a layer which file its voxels are from."""
    checksum = checksum_of(layer.data)
    source = source_metadata(path, series=series, frame=frame, checksum=checksum)
    layer.metadata = dict(layer.metadata) | source


def source_of(layer: Layer) -> Source | None:
    """Return the file that a layer was read from; None where it was computed or is unknown."""
    known = layer.metadata.get(SOURCE)
    if known is not None:
        return Source(Path(known["path"]), known["series"], known["frame"], known.get("checksum"))
    path = layer.source.path
    return None if path is None else Source(Path(path))


def note_model(layer: Layer, model: str) -> None:
    """Remember in a layer which model made it."""
    layer.metadata = dict(layer.metadata) | {MODEL: model}


def model_of(layer: Layer) -> str:
    """Return the name of the model that made a layer, empty where there was none."""
    return str(layer.metadata.get(MODEL, ""))
