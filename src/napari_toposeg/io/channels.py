"""Channels: the volumes of a case that were taken of one patient on one grid, such as MR sequences.

The one idea: only what says that it holds channels is read so; a 4D file holds frames otherwise.
"""

from pathlib import Path

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.io.layouts import CaseFiles
from napari_toposeg.io.reading import list_choices, read_volume
from napari_toposeg.volume import Volume


def read_channels(case: CaseFiles) -> tuple[Volume, ...]:
    """Read all channels of a case, of most cases one.

    Raises
    ------
    ShapeMismatch
        If they differ in shape.
    """
    volumes = [
        read_volume(path, frame=frame, modality=case.modality)
        for path in case.images
        for frame in frames_of(case, path)
    ]
    shapes = {volume.shape for volume in volumes}
    if len(shapes) > 1:
        raise ShapeMismatch(
            f"the channels of case {case.name!r} have the shapes {sorted(shapes)}; resample them "
            "to one grid first"
        )
    return tuple(volumes)


def count_channels(case: CaseFiles) -> int:
    """Return how many channels a case has, from the headers of its files."""
    return sum(len(frames_of(case, path)) for path in case.images)


def frames_of(case: CaseFiles, path: Path) -> tuple[int | None, ...]:
    """Return the frames of a file that are channels; None is all that a file of one volume has."""
    frames = len(list_choices(path)) if case.framed and path.is_file() else 0
    return tuple(range(frames)) if frames > 1 else (None,)
