"""Kept annotations: what was painted, written while it is painted, and found again after a crash.

The one idea: an annotation is kept under the fingerprint of its scan, its grid and grey values, so
that it comes back to the scan that it was painted on and to no other, wherever the file lies and
whatever its name; nothing in the kept file or its name is of the patient. No Qt here.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from napari_toposeg.config import write_atomically
from napari_toposeg.errors import UnreadableFile
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.plugin.canvas.lazy import glance
from napari_toposeg.plugin.finetune.annotate.classes import (
    Classes,
    PaintedClass,
    as_classes,
    from_plain,
    to_plain,
)
from napari_toposeg.volume import Volume

SAMPLE = 4096
"""Grey values, spread over the scan, that its fingerprint takes in."""
MOST = 50
"""Annotations that are kept; the oldest go first."""
ENDING = ".nii.gz"


@dataclass(frozen=True)
class Kept:
    """An annotation that was kept.

    Parameters
    ----------
    path
        Its file.
    known
        The classes 1, 2, ...: their names, colours and wanted topology.
    painted
        When it was written last.
    """

    path: Path
    known: Classes
    painted: datetime

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ..."""
        return tuple(each.name for each in self.known)


def kept_folder() -> Path:
    """Return the folder of kept annotations; ``NAPARI_TOPOSEG_ANNOTATIONS`` moves it."""
    chosen = os.environ.get("NAPARI_TOPOSEG_ANNOTATIONS")
    if chosen:
        return Path(chosen)
    return Path(platformdirs.user_data_dir("napari-toposeg")) / "annotations"


def fingerprint(scan: Volume) -> str:
    """Return what tells a scan from others: of its grid and of some of its grey values."""
    flat = glance(scan.voxels).reshape(-1)
    sample = flat[:: max(1, flat.size // SAMPLE)].astype(np.float64)
    facts = (scan.shape, np.round(scan.affine, 3).tolist(), sample.tolist())
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def keep(scan: Volume, labels: NDArray[np.integer], classes: Sequence[str | PaintedClass]) -> Path:
    """Write an annotation on its scan's grid, whole or not at all, and return its file.

    Parameters
    ----------
    scan
        What it was painted on.
    labels
        ``(z, y, x)``: 0 unlabelled, 1..K classes, 255 background.
    classes
        The classes 1, 2, ..., or only their names.

    Raises
    ------
    UnwritableFile
        If the folder cannot be written to.
    """
    path = path_of(scan)
    annotation = replace(scan, voxels=labels, modality="label", name="annotation", notes=())
    written = write_volume(annotation, path)
    write_atomically(names_of(path), json.dumps(to_plain(as_classes(classes))).encode())
    for old in sorted(path.parent.glob(f"*{ENDING}"), key=lambda each: each.stat().st_mtime)[
        :-MOST
    ]:
        remove(old)
    return written


def find_kept(scan: Volume) -> Kept | None:
    """Return the annotation that was kept of a scan, None if there is none."""
    path = path_of(scan)
    if not path.is_file():
        return None
    try:
        known = from_plain(json.loads(names_of(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        known = ()
    return Kept(path, known, datetime.fromtimestamp(path.stat().st_mtime).astimezone())


def read_kept(kept: Kept) -> NDArray[np.uint8]:
    """Return the voxels of a kept annotation, ``(z, y, x)``.

    Raises
    ------
    UnreadableFile
        If the file is damaged.
    """
    return read_volume(kept.path, modality="label").voxels.astype(np.uint8)


def set_aside(scan: Volume, painted: datetime | None = None) -> Path | None:
    """Rename what was kept of a scan, so that another annotation of it does not replace it.

    Parameters
    ----------
    painted
        Time that its new name tells; without it that of the file.

    Returns
    -------
    Path or None
        Its new name, in the same folder; None where nothing was kept.
    """
    path = path_of(scan)
    if not path.is_file():
        return None
    painted = painted or datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    stem = f"{path.name.removesuffix(ENDING)}-{painted:%Y%m%d-%H%M%S-%f}"
    aside = path.with_name(f"{stem}{ENDING}")
    if names_of(path).is_file():
        names_of(path).replace(names_of(aside))
    return path.replace(aside)


def spare(scan: Volume, labels: NDArray[np.integer], painted: datetime | None = None) -> None:
    """Set aside what was kept of a scan, unless the labels that will replace it hold all of it."""
    kept = find_kept(scan)
    if kept is None:
        return
    with suppress(UnreadableFile):
        before = read_kept(kept)
        if before.shape == labels.shape and not np.any((before != 0) & (before != labels)):
            return
    set_aside(scan, painted)


def path_of(scan: Volume) -> Path:
    """Return the file in which the annotation of a scan is kept."""
    return kept_folder() / f"{fingerprint(scan)}{ENDING}"


def names_of(path: Path) -> Path:
    """Return the file of the classes."""
    return path.with_name(path.name.removesuffix(ENDING) + ".json")


def remove(path: Path) -> None:
    """Delete a kept annotation and its classes."""
    path.unlink(missing_ok=True)
    names_of(path).unlink(missing_ok=True)
