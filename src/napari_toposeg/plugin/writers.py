"""napari's writers: a layer to NIfTI or NRRD, on its own grid and in its file's orientation.

The one idea: napari waits for a writer, so it works behind a dialog with its progress and Cancel;
of what was cancelled nothing is left, and what was there before stays.
"""

from functools import partial
from pathlib import Path
from typing import Any

from napari_toposeg.plugin.canvas.layers import data_to_volume
from napari_toposeg.plugin.canvas.saving import save_run
from napari_toposeg.plugin.translation import tr
from napari_toposeg.volume import Volume


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one image layer; return the path written, none where that was cancelled."""
    return write_in_dialog(data_to_volume(data, attributes, labels=False), Path(path))


def write_labels(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one labels layer; return the path written, none where that was cancelled."""
    return write_in_dialog(data_to_volume(data, attributes, labels=True), Path(path))


def write_in_dialog(volume: Volume, path: Path) -> list[str]:
    """Write a volume, which is read first if it is not in memory."""
    from napari_toposeg.plugin.widgets.progress_dialog import finish_in_dialog

    title = tr("Writing {name}").format(name=path.name)
    written = finish_in_dialog(partial(save_run, volume, path), title)
    return [] if written is None else [str(written)]
