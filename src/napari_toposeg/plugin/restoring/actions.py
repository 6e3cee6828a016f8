"""Sessions, as functions that a notebook can call on a viewer."""

from pathlib import Path
from typing import Any

from napari.components import ViewerModel

from napari_toposeg.errors import UnwritableFile
from napari_toposeg.plugin.restoring.layer_records import add_record
from napari_toposeg.plugin.restoring.reading import Restored, read_session
from napari_toposeg.plugin.restoring.session_folder import PAGE, SessionPage, write_session
from napari_toposeg.plugin.restoring.snapshot import Snapshot, show_view, take_snapshot
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.progress import Run, finish


def save_session(viewer: ViewerModel, folder: str | Path) -> tuple[str, ...]:
    """Write the layers and the view of a viewer into a folder, and wait.

    Scans that were read from a file are kept as its path; all else as arrays in the folder, which
    therefore may hold what is the patient's.

    Returns
    -------
    tuple
        What is open and was left out, and why.

    Raises
    ------
    UnwritableFile
        If the folder cannot be written to, or holds something else.
    """
    return finish(save_run(take_snapshot(viewer), folder)).left_out


def save_run(snapshot: Snapshot, folder: str | Path) -> Run[SessionPage]:
    """Write a snapshot in the background."""
    folder = Path(folder).expanduser()
    if folder.is_file():
        raise UnwritableFile(
            f"{folder} is a file and a session is a folder; give the name of a new folder"
        )
    if folder.exists() and not (folder / PAGE).is_file() and any(folder.iterdir()):
        raise UnwritableFile(
            f"{folder} holds other files; give a new or empty folder, or one of a session"
        )
    return (yield from wait_for(lambda: write_session(folder, snapshot), tr("Saving"), seconds=5))


def open_session(viewer: ViewerModel, folder: str | Path) -> tuple[str, ...]:
    """Add the layers of a saved session to a viewer, and show what it showed.

    Returns
    -------
    tuple
        What did not come back, or came back changed, and why.

    Raises
    ------
    UnreadableFile
        If the folder holds no session.
    """
    _, told = show_session(viewer, finish(read_session(Path(folder).expanduser())))
    return told


def show_session(viewer: ViewerModel, restored: Restored) -> tuple[list[Any], tuple[str, ...]]:
    """Add the layers of a session that was read.

    Returns
    -------
    list
        The layer of each record, None where there is none.
    tuple
        What did not come back, or came back changed, and why.
    """
    told = list(restored.told)
    layers: list[Any] = []
    for record in restored.records:
        try:
            layers.append(None if record is None else add_record(viewer, record))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            layers.append(None)
            told.append(f"{record and record.name}: its attributes are damaged ({error})")
    if any(layer is not None for layer in layers):
        viewer.layers.selection.active = numbered(layers, restored.page.active)
        show_view(viewer, restored.page.view)
    return layers, tuple(told)


def numbered(layers: list[Any], number: int | None) -> Any:
    """Return the layer of a number that a page names, None where there is none."""
    return layers[number] if number is not None and 0 <= number < len(layers) else None
