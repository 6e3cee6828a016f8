"""napari's reader: any path that the package reads, by drag and drop or File > Open."""

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_toposeg.errors import ToposegError
from napari_toposeg.io import list_cases
from napari_toposeg.plugin.layers import LayerData, kind_of, volume_to_layer_data

Paths = str | Sequence[str]

ENDINGS = (".nii", ".nii.gz", ".mgh", ".mgz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")


def get_reader(path: Paths) -> Callable[[Paths], list[LayerData]] | None:
    """Return the reader if each path is a medical volume or a folder that holds some."""
    paths = [path] if isinstance(path, str) else list(path)
    return read_layers if paths and all(readable(Path(one)) for one in paths) else None


def readable(path: Path) -> bool:
    """Tell by names and first bytes alone whether a path can hold volumes."""
    if path.is_dir():
        try:
            return bool(list_cases(path))
        except ToposegError:
            return False
    return path.name.lower().endswith(ENDINGS)


def choose_case(path: Path) -> Path | None:
    """Return the one case at a path, asking where a folder holds several; None if the user left."""
    from napari_toposeg.plugin.choose import ask_with_dialog

    cases = list_cases(path)
    if len(cases) == 1:
        return next(iter(cases.values()))
    row = ask_with_dialog(path.name, tuple(cases))
    return None if row is None else tuple(cases.values())[row]


def read_layers(path: Paths) -> list[LayerData]:
    """Read each path; where one holds several volumes the user chooses."""
    from napari_toposeg.plugin.choose import read_asking

    paths = [path] if isinstance(path, str) else list(path)
    chosen = [choose_case(Path(one)) for one in paths]
    volumes = [read_asking(file) for file in chosen if file is not None]
    return [
        volume_to_layer_data(volume, kind_of(volume)) for volume in volumes if volume is not None
    ]
