"""Session folder: a snapshot on the disk, ``session.json`` and a folder of arrays.

The one idea: arrays first, then the page that names them, at once; so whenever the program dies,
the folder holds the last session whole. A scan from a file is kept as its path and a fingerprint
of its grey values, as long as these are the file's; anything computed or painted as its array. No
Qt here.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_toposeg.config import write_atomically
from napari_toposeg.errors import UnreadableFile, UnwritableFile
from napari_toposeg.plugin.canvas.sources import Source
from napari_toposeg.plugin.restoring.arrays import drop_others, keep_array
from napari_toposeg.plugin.restoring.layer_records import LayerRecord, plain_record, sure_record
from napari_toposeg.plugin.restoring.snapshot import Snapshot

FORMAT = 1
PAGE, ARRAYS = "session.json", "arrays"
MOST_BYTES = 2 * 2**30
"""A larger array is not kept; a scan from a file needs none."""
SAMPLE = 4096
"""Grey values, spread over a scan, that its fingerprint takes in."""


class KeptSource(BaseModel):
    """The file that a layer was read from."""

    path: str
    series: str | None = None
    frame: int | None = None


class KeptLayer(BaseModel):
    """A layer as the page holds it; see `LayerRecord`."""

    kind: Literal["image", "labels", "points", "shapes"]
    attributes: dict[str, Any]
    afterwards: dict[str, Any]
    metadata: dict[str, Any]
    arrays: tuple[str, ...]
    colormap: dict[str, Any] | None = None
    source: KeptSource | None = None
    fingerprint: str | None = None


class SessionPage(BaseModel):
    """What ``session.json`` holds.

    Parameters
    ----------
    saved
        When, with the time zone.
    left_out
        What is open and not kept, and why, for a person.
    """

    model_config = ConfigDict(extra="ignore")

    format: int
    saved: datetime
    made_by: str
    layers: tuple[KeptLayer, ...]
    left_out: tuple[str, ...] = ()
    view: dict[str, Any] = {}
    active: int | None = None
    chosen: int | None = None
    inputs: dict[str, Any] = {}


def write_session(folder: Path, snapshot: Snapshot) -> SessionPage:
    """Write a snapshot into a folder, in place of the session that it holds.

    Raises
    ------
    UnwritableFile
        If the folder cannot be written to.
    """
    kept: list[KeptLayer] = []
    number_of: dict[int, int] = {}
    left_out = [f"{name}: a layer of this kind is not kept" for name in snapshot.left_alone]
    try:
        for number, record in enumerate(snapshot.records):
            try:
                record = sure_record(plain_record(record))
                reason = refusal(record)
            except TypeError as error:
                reason = f"one of its attributes cannot be kept: {error}"
            if reason:
                left_out.append(f"{record.name}: {reason}")
                continue
            number_of[number] = len(kept)
            kept.append(keep_layer(folder / ARRAYS, record))
        page = SessionPage(
            format=FORMAT,
            saved=datetime.now(UTC),
            made_by=f"napari-toposeg {version('napari-toposeg')}",
            layers=tuple(kept),
            left_out=tuple(left_out),
            view=snapshot.view,
            active=None if snapshot.active is None else number_of.get(snapshot.active),
            chosen=None if snapshot.chosen is None else number_of.get(snapshot.chosen),
            inputs=snapshot.inputs,
        )
        write_atomically(folder / PAGE, page.model_dump_json(indent=1).encode())
        drop_others(folder / ARRAYS, (name for layer in kept for name in layer.arrays))
    except OSError as error:
        raise UnwritableFile(
            f"the session cannot be written to {folder} ({error.strerror or error}); "
            "check its permissions and the free space"
        ) from error
    return page


def read_page(folder: str | Path) -> SessionPage:
    """Return what the page of a session says.

    Raises
    ------
    UnreadableFile
        If the folder holds no session, a damaged one, or one of a later version.
    """
    path = Path(folder) / PAGE
    try:
        found = json.loads(path.read_bytes())
        if isinstance(found, dict) and found.get("format", 0) > FORMAT:
            raise UnreadableFile(f"{folder} was saved by a later version; update napari-toposeg")
        return SessionPage.model_validate(found)
    except OSError as error:
        raise UnreadableFile(
            f"{folder} holds no session ({PAGE}); choose a folder that 'Save session' made"
        ) from error
    except (ValueError, TypeError, ValidationError) as error:
        raise UnreadableFile(f"{path} is damaged; choose another session") from error


def refusal(record: LayerRecord) -> str:
    """Say why a layer cannot be kept; empty where it can."""
    if record.source is not None:
        return ""
    for array in record.arrays:
        if not isinstance(array, np.ndarray):
            return "its voxels are not in memory; open it again where it lies"
        size = int(np.prod(array.shape)) * np.dtype(array.dtype).itemsize
        if size > MOST_BYTES:
            return f"{size / 2**30:.1f} GB are more than {MOST_BYTES / 2**30:.0f} GB; save it"
        if np.dtype(array.dtype).kind not in "buif":
            return f"its data are of the kind {array.dtype}"
    return ""


def keep_layer(folder: Path, record: LayerRecord) -> KeptLayer:
    """Write the arrays of a layer and return what the page says of it."""
    facts = dict(vars(replace(record, arrays=())))
    source = record.source
    if source is None:
        facts["arrays"] = tuple(keep_array(folder, array) for array in record.arrays)
        return KeptLayer.model_validate(facts)
    facts["source"] = KeptSource(path=str(source.path), series=source.series, frame=source.frame)
    return KeptLayer.model_validate(facts | {"fingerprint": fingerprint(record.arrays[0])})


def record_from(
    kept: KeptLayer, arrays: Sequence[Any], source: Source | None = None
) -> LayerRecord:
    """Return the record of a kept layer with the arrays that were read for it, and where from."""
    return LayerRecord(
        kept.kind,
        kept.attributes,
        kept.afterwards,
        kept.metadata,
        tuple(arrays),
        source,
        kept.colormap,
    )


def fingerprint(voxels: Any) -> str | None:
    """Return what tells a scan's voxels from others'; None for those that are not in memory."""
    if not isinstance(voxels, np.ndarray):
        return None
    sample = voxels.reshape(-1)[:: max(1, voxels.size // SAMPLE)].astype(np.float64)
    facts = f"{voxels.shape} {sample.tolist()}"
    return hashlib.blake2b(facts.encode(), digest_size=12).hexdigest()
