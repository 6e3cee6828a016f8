"""napari's reader: any path that the package reads, by drag and drop or File > Open."""

from collections.abc import Callable, Sequence
from pathlib import Path

from napari.settings import get_settings
from napari.utils.notifications import show_error

from napari_toposeg.errors import ToposegError
from napari_toposeg.io import list_cases
from napari_toposeg.plugin.canvas.layers import LayerData, kind_of, volume_to_layer_data
from napari_toposeg.plugin.canvas.sources import Source, source_metadata
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
        found = [read_chosen_source(Path(one)) for one in paths]
    except ToposegError as error:
        # napari says only that a plugin failed; the reason would be buried in the traceback.
        show_error(str(error))
        raise
    layers: list[LayerData] = [
        with_source(volume_to_layer_data(volume, kind_of(volume)), source)
        for volume, source in filter(None, found)
    ]
    return layers or NOTHING


def with_source(data: LayerData, source: Source) -> LayerData:
    """Return a layer's data that remember the file they are from."""
    voxels, attributes, kind = data
    known = source_metadata(source.path, series=source.series, frame=source.frame)
    return voxels, attributes | {"metadata": attributes["metadata"] | known}, kind


def read_chosen(path: Path) -> Volume | None:
    """Read the volume at a path, asking which where there are several; None if the user left."""
    found = read_chosen_source(path)
    return None if found is None else found[0]


def read_chosen_source(path: Path) -> tuple[Volume, Source] | None:
    """Read as `read_chosen` does, and return with the volume what was chosen."""
    from napari_toposeg.plugin.widgets.choose import read_with_source

    case = choose_case(path)
    return None if case is None else read_with_source(case)


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
