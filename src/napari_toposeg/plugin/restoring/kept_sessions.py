"""Kept sessions: the folders in which windows keep what is open in them.

The one idea: each window writes to a folder of its own, which is marked as its own while it lives.
A folder whose window is gone, in peace or by a crash, can be gone on with. No Qt here.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import platformdirs
import psutil

from napari_toposeg.config import write_atomically
from napari_toposeg.errors import UnreadableFile
from napari_toposeg.plugin.restoring.session_folder import PAGE, read_page

MOST = 5
"""Sessions of closed windows that are kept; the oldest go first."""
OWNER, DISMISSED = "owner.json", "dismissed"


@dataclass(frozen=True)
class KeptSession:
    """A session that can be gone on with.

    Parameters
    ----------
    folder
        Where it lies.
    saved
        When it was written last, in this place's time.
    layers
        Number of its layers.
    """

    folder: Path
    saved: datetime
    layers: int


def sessions_folder() -> Path:
    """Return the folder of kept sessions; ``NAPARI_TOPOSEG_SESSIONS`` moves it."""
    chosen = os.environ.get("NAPARI_TOPOSEG_SESSIONS")
    if chosen:
        return Path(chosen)
    return Path(platformdirs.user_data_dir("napari-toposeg")) / "sessions"


def new_folder() -> Path:
    """Return the name of a folder for a window, not made yet."""
    return sessions_folder() / f"auto-{uuid4().hex[:12]}"


def claim(folder: Path) -> None:
    """Mark a folder as that of a window of this process, and offer it again after that."""
    mark = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    write_atomically(folder / OWNER, json.dumps(mark).encode())
    (folder / DISMISSED).unlink(missing_ok=True)


def release(folder: Path) -> None:
    """Tell that the window of a folder is gone."""
    # A folder that never could be made has no mark either.
    with suppress(OSError):
        (folder / OWNER).unlink()


def is_owned(folder: Path) -> bool:
    """Tell whether the window of a folder still is open."""
    try:
        mark = json.loads((folder / OWNER).read_bytes())
        # Another process may have the number of one that died.
        return bool(psutil.Process(mark["pid"]).create_time() == mark["started"])
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False


def dismiss(folder: Path) -> None:
    """Offer a session no more; it can still be opened."""
    (folder / DISMISSED).touch()


def last_session() -> KeptSession | None:
    """Return the newest session that is nobody's and was not dismissed; None if there is none."""
    for folder in newest_first(sessions_folder()):
        if is_owned(folder) or (folder / DISMISSED).exists():
            continue
        try:
            page = read_page(folder)
        except UnreadableFile:
            continue
        if page.layers:
            return KeptSession(folder, page.saved.astimezone(), len(page.layers))
    return None


def drop_oldest(root: Path | None = None) -> None:
    """Delete all but the newest sessions of closed windows."""
    closed = [folder for folder in newest_first(root or sessions_folder()) if not is_owned(folder)]
    for folder in closed[MOST:]:
        shutil.rmtree(folder, ignore_errors=True)


def newest_first(root: Path) -> list[Path]:
    """Return the folders that windows kept, the one written last first."""
    pages = root.glob(f"auto-*/{PAGE}") if root.is_dir() else ()
    return [page.parent for page in sorted(pages, key=lambda each: -each.stat().st_mtime_ns)]
