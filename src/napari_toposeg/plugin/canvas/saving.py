"""Layers to files."""

from functools import partial
from pathlib import Path

from napari.layers import Layer

from napari_toposeg.io import write_volume
from napari_toposeg.plugin.canvas.layers import layer_to_volume
from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.volume import Volume


def save_layer(layer: Layer, path: str | Path, *, like: Layer | None = None) -> Path:
    """Write a layer on its own grid, in the orientation of the file that it came from.

    Parameters
    ----------
    like
        A scan whose geometry labels take that have none of their own: see `layer_to_volume`.
    """
    return write_volume(layer_to_volume(layer, like=like), Path(path))


def save_run(volume: Volume, path: str | Path) -> Run[Path]:
    """Write a volume in the background; closing the run leaves what was there before."""
    volume = yield from load_run(volume)
    message = tr("Writing {name}").format(name=Path(path).name)
    work = partial(write_volume, volume, Path(path))
    return (yield from follow(lambda report: work(report=report), message))
