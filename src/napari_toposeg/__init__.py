"""Topology-aware masked-autoencoder pretraining and segmentation of CT and MRI in napari."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_toposeg.io import read_volume, write_volume
    from napari_toposeg.volume import Volume

__version__ = "0.1.0"
__all__ = ["Volume", "__version__", "read_volume", "write_volume"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for, so that the import itself stays cheap."""
    match name:
        case "read_volume" | "write_volume":
            from napari_toposeg import io

            return getattr(io, name)
        case "Volume":
            from napari_toposeg.volume import Volume

            return Volume
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
