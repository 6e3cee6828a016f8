"""DICOM series: a folder of slices, or one file, to a Volume.

The one idea: headers first, pixels last. All headers are read and grouped into series, one series
and frame is chosen, its geometry is checked, and only then are its pixels read. Nothing that names
the patient leaves this module.
"""

import os
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from napari_toposeg.errors import ChoiceNeeded, InvalidVolume, UnreadableFile
from napari_toposeg.io.dicom_pixels import in_threads, read_pixels
from napari_toposeg.io.formats import (
    DICOM,
    ending_of,
    has_dicom_preamble,
    holds_segments,
    stem_of,
)
from napari_toposeg.io.frames import choose_frame, frame_choices, frame_notes
from napari_toposeg.io.slices import (
    Slice,
    arrange,
    patient_words,
    read_slice,
    same_stack,
    stack_geometry,
)
from napari_toposeg.progress import Report, to_nobody
from napari_toposeg.volume import Modality, Volume, from_file_order

MOST_FILES = 50_000
"""A folder with more files than this is not one study."""

HEADERS = 0.3
"""Share of the time that headers take, the rest being for pixels."""


def read_dicom(
    path: Path,
    series: str | None = None,
    frame: int | None = None,
    report: Report = to_nobody,
) -> Volume:
    """Read one series of a folder, or one file.

    Parameters
    ----------
    path
        A folder, searched with its subfolders, or a DICOM file.
    series
        One of `series_choices`, or the number that it begins with.
    frame
        Which volume, where each position has several slices, from 0.
    report
        Told the share that is read.

    Raises
    ------
    UnreadableFile
        If there is no DICOM scan, or a file is damaged.
    InvalidVolume
        If slices are missing, have no position, or hold colours.
    ChoiceNeeded
        If there are several series or frames and none is named.
    """
    stacks, left_out = find_series(path, lambda share: report(HEADERS * share))
    chosen = choose_series(path, stacks, series)
    if chosen[0].colour:
        raise InvalidVolume(
            f"{path} holds colours (RGB), not grey values; convert it to one number a voxel first"
        )
    frames = arrange(chosen)
    number = choose_frame(path, len(frames), frame)
    slices = frames[number]
    affine, notes = stack_geometry(slices)
    stored = read_pixels(slices, affine, lambda share: report(HEADERS + (1 - HEADERS) * share))
    if slices[0].size[2] > 1:
        notes += ("multi-frame DICOM: its frames are taken as evenly spaced slices",)
    elif len(slices) == 1:
        notes += ("one DICOM slice; open its folder to read the whole series",)
    return from_file_order(
        stored,
        affine,
        modality=modality_of(slices[0]),
        name=case_name(path, slices[0].path),
        notes=frame_notes(len(frames), number) + notes + left_out,
    )


def dicom_choices(path: Path, series: str | None = None) -> tuple[str, ...]:
    """Return the series of a folder to choose from or, where that is settled, the frames."""
    stacks, _ = find_series(path)
    if len(stacks) > 1 and series is None:
        return series_choices(stacks)
    return frame_choices(len(arrange(choose_series(path, stacks, series))))


def dicom_files(path: Path) -> list[Path]:
    """Return the DICOM files at a path, subfolders included, in order of name.

    Raises
    ------
    UnreadableFile
        If there are too many files to be one study.
    """
    if path.is_file():
        return [path]
    every = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    files = list(islice(every, MOST_FILES + 1))
    if len(files) > MOST_FILES:
        raise UnreadableFile(
            f"{path} holds more than {MOST_FILES} files; give the folder of one study"
        )
    return sorted(file for file in files if is_dicom(file))


def is_dicom(file: Path) -> bool:
    """Tell whether a file is a DICOM object by its ending or its first bytes."""
    if file.name[0] == "." or file.name.upper() == "DICOMDIR":
        return False
    return ending_of(file) in DICOM or (not ending_of(file) and has_dicom_preamble(file))


def find_series(
    path: Path, report: Report = to_nobody
) -> tuple[list[list[Slice]], tuple[str, ...]]:
    """Group the slices at a path into series, and note what was left out.

    Raises
    ------
    UnreadableFile
        If there is no DICOM scan, or a file is damaged.
    """
    files = dicom_files(path)
    found = []
    for one in in_threads(scan_in, files):
        found.append(one)
        report(len(found) / len(files))
    scans = unique([one for one in found if one is not None])
    if not scans:
        held = f"{len(files)} DICOM files, none of them a scan" if files else "no DICOM file"
        raise UnreadableFile(f"{path} holds {held}; give a folder of slices, or a volume file")
    stacks: list[list[Slice]] = []
    for scan in scans:
        stack = next((stack for stack in stacks if same_stack(stack[0], scan)), None)
        if stack is None:
            stacks.append([scan])
        else:
            stack.append(scan)
    stacks.sort(key=lambda stack: (int(stack[0].series_number or 0), stack[0].series))
    grey = [stack for stack in stacks if not stack[0].colour]
    return grey or stacks, left_out_notes(found, scans, grey, stacks)


def scan_in(file: Path) -> Slice | None:
    """Read the header of a scan's file; None of another object."""
    # Segmentations lie beside scans; by themselves, `dicom_seg` reads them.
    return None if holds_segments(file) else read_slice(file)


def unique(slices: Sequence[Slice]) -> list[Slice]:
    """Drop second copies of a file; the same instance at the same place is the same slice."""
    first: dict[Any, Slice] = {}
    for one in slices:
        place = None if one.position is None else tuple(one.position)
        first.setdefault((one.instance or one.path, one.series, one.order, place), one)
    return list(first.values())


def left_out_notes(
    found: Sequence[Slice | None],
    scans: Sequence[Slice],
    grey: Sequence[Sequence[Slice]],
    stacks: Sequence[Sequence[Slice]],
) -> tuple[str, ...]:
    """Say how many files of the folder are in no volume."""
    others = sum(one is None for one in found)
    copies = len(found) - others - len(scans)
    colours = len(stacks) - len(grey) if grey else 0
    counts = (
        (others, "DICOM files that are no scan"),
        (copies, "second copies of slices"),
        (colours, "series of colour pictures"),
    )
    return tuple(f"left out: {count} {what}" for count, what in counts if count)


def series_choices(stacks: Sequence[Sequence[Slice]]) -> tuple[str, ...]:
    """Describe each series without a word that a person typed: those can hold names."""
    return tuple(f"{index}: {describe(stack)}" for index, stack in enumerate(stacks, start=1))


def describe(stack: Sequence[Slice]) -> str:
    """Return modality, series number, count, matrix and pixel size of a series."""
    columns, rows, frames = stack[0].size
    x, y = stack[0].spacing
    number = f"series {stack[0].series_number}, " if stack[0].series_number else ""
    count = len(stack) * frames
    return (
        f"{stack[0].modality or 'unknown modality'}, {number}{count} slice{'s' * (count > 1)} "
        f"of {columns} x {rows}, {x:.2f} x {y:.2f} mm"
    )


def choose_series(path: Path, stacks: Sequence[list[Slice]], series: str | None) -> list[Slice]:
    """Return the slices of the series that was named, or of the only one.

    Raises
    ------
    ChoiceNeeded
        If there are several and none, or one that is not there, was named.
    """
    choices = series_choices(stacks)
    if series is None and len(stacks) == 1:
        return stacks[0]
    wanted = "" if series is None else str(series).partition(":")[0].strip()
    for index, (stack, choice) in enumerate(zip(stacks, choices, strict=True), start=1):
        if series in (choice, stack[0].series) or wanted == str(index):
            return stack
    asked = "none was named" if series is None else f"none of them is {series!r}"
    raise ChoiceNeeded(
        f"{path} holds {len(stacks)} series and {asked}; "
        f"pass series='1' to series='{len(stacks)}', or move the files of one to a folder of its "
        f"own: {'; '.join(choices)}",
        choices,
    )


def modality_of(one: Slice) -> Modality:
    """Return what the header says of the numbers."""
    match one.modality:
        case "CT":
            return "CT"
        case "MR":
            return "MR"
        case "PT":
            return "PT"
        case "SEG":
            return "label"
        case _:
            return "unknown"


def case_name(path: Path, slice_path: Path) -> str:
    """Return the name of a folder or file, or ``"dicom"`` where that name holds the patient's."""
    # Absolute and not resolved: a link is called by its own name.
    name = stem_of(path) if path.is_file() else Path(os.path.abspath(path)).name  # noqa: PTH100
    words = set(re.split(r"[^\w]+|_", name.lower()))
    secrets = patient_words(slice_path)
    told = any(word in words or (len(word) > 3 and word in name.lower()) for word in secrets)
    return "dicom" if told else name
