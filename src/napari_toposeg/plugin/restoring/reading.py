"""Reading a session back: in the background, layer by layer, whatever of it there still is.

The one idea: what is missing is said and the rest comes back. No Qt here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_toposeg.errors import ChoiceNeeded, ToposegError, UnreadableFile
from napari_toposeg.io import read_volume
from napari_toposeg.io.frames import frame_choices
from napari_toposeg.plugin.canvas.layers import KEY, volume_to_layer_data
from napari_toposeg.plugin.canvas.sources import Source, checksum_of
from napari_toposeg.plugin.restoring.arrays import read_array
from napari_toposeg.plugin.restoring.layer_records import LayerRecord
from napari_toposeg.plugin.restoring.session_folder import (
    ARRAYS,
    KeptLayer,
    SessionPage,
    fingerprint,
    read_page,
    record_from,
)
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.progress import Run, Step
from napari_toposeg.volume import Volume

MOST_TRIED = 20
"""Series and frames of a file that are looked at for the one that was open."""


@dataclass(frozen=True)
class Restored:
    """A session that was read.

    Parameters
    ----------
    records
        Of each layer in turn; None where it could not be read.
    told
        What did not come back, or came back changed, for a person.
    """

    page: SessionPage
    records: tuple[LayerRecord | None, ...]
    told: tuple[str, ...]


def read_session(folder: str | Path) -> Run[Restored]:
    """Read a session; the Steps count its layers.

    Raises
    ------
    UnreadableFile
        If the folder holds no session.
    """
    folder = Path(folder)
    page = read_page(folder)
    records: list[LayerRecord | None] = []
    told: list[str] = list(page.left_out)
    for number, kept in enumerate(page.layers, start=1):
        name = str(kept.attributes.get("name", ""))
        yield Step(number, len(page.layers), message=tr("Opening {name}").format(name=name))
        try:
            record, changed = yield from read_layer(folder / ARRAYS, kept)
        except ToposegError as error:
            records.append(None)
            told.append(f"{name}: {error}")
            continue
        records.append(record)
        told += [f"{name}: {changed}"] if changed else []
    return Restored(page, tuple(records), tuple(told))


def read_layer(folder: Path, kept: KeptLayer) -> Run[tuple[LayerRecord, str]]:
    """Read what a layer holds, and say what of it has changed."""
    if kept.source is None:
        return record_from(kept, [read_array(folder, name) for name in kept.arrays]), ""
    source = Source(Path(kept.source.path), kept.source.series, kept.source.frame)
    return (
        yield from wait_for(
            lambda: read_scan(kept, source),
            tr("Reading {name}").format(name=source.path.name),
            seconds=3,
        )
    )


def read_scan(kept: KeptLayer, source: Source) -> tuple[LayerRecord, str]:
    """Read a scan again from its file.

    Raises
    ------
    UnreadableFile
        If it is gone, or holds another grid now.
    """
    if not source.path.exists():
        raise UnreadableFile(f"{source.path} is not there any more; open it where it lies now")
    first: Any = None
    for volume in volumes_in(source):
        voxels, attributes, _ = volume_to_layer_data(volume, "image")
        same = fingerprint(voxels) in (kept.fingerprint, None) and on_grid(attributes, kept)
        if same or first is None:
            first = voxels, attributes
        if same:
            break
    voxels, attributes = first
    if not same and not on_grid(attributes, kept):
        raise UnreadableFile(f"{source.path} holds another scan now; open it by itself")
    changed = "" if same else f"{source.path.name} was changed since the session was saved"
    return record_from(kept, [voxels], replace(source, checksum=checksum_of(voxels))), changed


def volumes_in(source: Source) -> Iterator[Volume]:
    """Read the volume that was chosen of a file or, where that is unknown, one after the other."""
    try:
        yield read_volume(source.path, series=source.series, frame=source.frame)
    except ChoiceNeeded as needed:
        of_frames = needed.choices == frame_choices(len(needed.choices))
        # A choice that did not help must not be tried for ever.
        if (source.frame if of_frames else source.series) is not None:
            raise
        for number, choice in enumerate(needed.choices[:MOST_TRIED]):
            series = source.series if of_frames else choice
            yield from volumes_in(Source(source.path, series, number if of_frames else None))


def on_grid(attributes: dict[str, Any], kept: KeptLayer) -> bool:
    """Tell whether what was read lies where the layer's voxels lay."""
    before, now = (facts.get(KEY, {}) for facts in (kept.metadata, attributes["metadata"]))
    return np.allclose(before.get("affine", np.eye(4)), now["affine"], atol=1e-3)
