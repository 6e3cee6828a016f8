"""napari's reader: any path that the package reads, by drag and drop or File > Open."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from napari.settings import get_settings
from napari.utils.notifications import show_error

from napari_toposeg.errors import ToposegError
from napari_toposeg.io import list_cases
from napari_toposeg.plugin.canvas.layers import LayerData
from napari_toposeg.plugin.opening import Question, Wanted, open_run
from napari_toposeg.plugin.settings import PLUGIN
from napari_toposeg.plugin.translation import tr

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


def read_layers(path: Paths) -> list[LayerData]:
    """Read each path, with progress and Cancel; of several volumes the user chooses."""
    paths = [path] if isinstance(path, str) else list(path)
    try:
        found = [read_asking(Wanted(Path(one))) for one in paths]
    except ToposegError as error:
        # napari says only that a plugin failed; the reason would be buried in the traceback.
        show_error(str(error))
        raise
    return [layer for layer in found if layer is not None] or NOTHING


def read_asking(wanted: Wanted) -> LayerData | None:
    """Read what is wanted, asking which where there are several; None if the user left.

    A folder can hold several files, a file several frames, so there can be several questions.

    Raises
    ------
    ChoiceNeeded
        If there are several and nobody can be asked, as in a script without Qt.
    ToposegError
        As `napari_toposeg.read_volume`.
    """
    from qtpy.QtWidgets import QApplication

    from napari_toposeg.plugin.widgets.choose import ask_with_dialog
    from napari_toposeg.plugin.widgets.progress_dialog import finish_in_dialog

    title = tr("Reading {name}").format(name=wanted.path.name)
    found = finish_in_dialog(partial(open_run, wanted), title)
    if not isinstance(found, Question):
        return found
    if QApplication.instance() is None:
        raise found.needed
    row = ask_with_dialog(found.name, found.choices)
    return None if row is None else read_asking(found.answers[row])


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
