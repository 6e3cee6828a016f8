"""napari's reader: any path that the package reads, by drag and drop or File > Open."""

from collections.abc import Callable, Sequence
from pathlib import Path

from napari.settings import get_settings
from napari.utils.notifications import show_error

from napari_toposeg.errors import ToposegError
from napari_toposeg.io import list_cases
from napari_toposeg.plugin.canvas.layers import LayerData, kind_of, volume_to_layer_data
from napari_toposeg.plugin.settings import PLUGIN
from napari_toposeg.volume import Volume

Paths = str | Sequence[str]

# What napari takes for "read, and nothing to show".
NOTHING: list[LayerData] = [(None,)]  # type: ignore[list-item]

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
    from napari_toposeg.plugin.widgets.choose import ask_with_dialog

    cases = list_cases(path)
    if len(cases) == 1:
        return next(iter(cases.values()))
    row = ask_with_dialog(path.name, tuple(cases))
    return None if row is None else tuple(cases.values())[row]


def read_layers(path: Paths) -> list[LayerData]:
    """Read each path; where one holds several volumes the user chooses."""
    paths = [path] if isinstance(path, str) else list(path)
    try:
        volumes = [read_chosen(Path(one)) for one in paths]
    except ToposegError as error:
        # napari says only that a plugin failed; the reason would be buried in the traceback.
        show_error(str(error))
        raise
    layers: list[LayerData] = [
        volume_to_layer_data(volume, kind_of(volume)) for volume in volumes if volume is not None
    ]
    return layers or NOTHING


def read_chosen(path: Path) -> Volume | None:
    """Read the volume at a path, asking which where there are several; None if the user left."""
    from napari_toposeg.plugin.widgets.choose import read_asking

    case = choose_case(path)
    return None if case is None else read_asking(case)


def opens_dropped_files() -> bool:
    """Tell whether napari's preferences give all our kinds of files to this reader."""
    preferred = get_settings().plugins.extension2reader
    return all(preferred.get(f"*{ending}") == PLUGIN for ending in ENDINGS)


def open_dropped_files(here: bool) -> None:
    """Set napari's preferences: dropped files are read here, or napari asks each time."""
    plugins = get_settings().plugins
    kept = {
        pattern: reader
        for pattern, reader in plugins.extension2reader.items()
        if reader != PLUGIN or pattern[1:] not in ENDINGS
    }
    plugins.extension2reader = kept | ({f"*{e}": PLUGIN for e in ENDINGS} if here else {})
