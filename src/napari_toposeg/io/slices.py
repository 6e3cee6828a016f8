"""DICOM slices: the headers of single files, arranged into an even stack.

The one idea: where a slice lies is what its own position says, never its file name or number; the
step from slice to slice is measured, so a tilted gantry stays a shear and a gap is found.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume, UnreadableFile
from napari_toposeg.io.itk import LPS_TO_RAS, affine_of, read_header, text

SAME_PLACE = 0.01
"""Distance in mm under which two slices lie at one position."""

UNEVEN = 0.1
"""Largest distance of a slice from its even place, as a share of the step between slices."""

IMAGE_CLASSES = frozenset({"2", "4", "128", "20"})
"""CT, MR, PET and nuclear medicine: the families of DICOM storage classes that are scans."""

VALUE_TAGS = ("0028|0100", "0028|0101", "0028|0103", "0028|1052", "0028|1053")
"""Bits allocated and stored, sign, rescale intercept and slope."""


@dataclass(frozen=True, eq=False)
class Slice:
    """What one DICOM file says of itself, without its pixels and without the patient.

    ``position`` (mm) and ``directions`` (of the axes x and y, one a row) are in LPS, None where the
    file does not tell them; ``size`` counts columns, rows and frames.
    ``values`` holds what the stored numbers mean: their bits, sign, slope and intercept.
    """

    path: Path
    series: str
    instance: str
    series_number: str
    order: float
    modality: str
    size: tuple[int, int, int]
    spacing: tuple[float, float]
    position: NDArray[np.float64] | None
    directions: NDArray[np.float64] | None
    colour: bool
    values: tuple[str, ...] = ()

    @property
    def height(self) -> float | None:
        """Place along the normal of the slice, in mm; None where the file does not tell it."""
        if self.position is None or self.directions is None:
            return None
        return float(self.position @ np.cross(self.directions[0], self.directions[1]))


def read_slice(path: Path) -> Slice | None:
    """Read the header of a DICOM file; None if it is whole but no scan (a report, a contour).

    Raises
    ------
    UnreadableFile
        If the file is damaged.
    """
    try:
        reader = read_header(path, "GDCMImageIO")
    except UnreadableFile:
        if is_other_object(path):
            return None
        raise UnreadableFile(
            f"{path} is a damaged DICOM file (truncated, corrupt or of an unknown compression); "
            "export it again, or take it out of the folder if it does not belong to the scan"
        ) from None
    columns, rows, *frames = reader.GetSize()
    x, y, *_ = reader.GetSpacing()
    position, directions = numbers(reader, "0020|0032", 3), numbers(reader, "0020|0037", 6)
    order = numbers(reader, "0020|0013", 1)
    return Slice(
        path=path,
        series=text(reader, "0020|000e"),
        instance=text(reader, "0008|0018"),
        series_number=safe_number(reader),
        order=0.0 if order is None else float(order[0]),
        modality=text(reader, "0008|0060"),
        size=(columns, rows, int(np.prod(frames, dtype=int))),
        spacing=(x, y),
        position=position,
        directions=None if directions is None else directions.reshape(2, 3),
        colour=reader.GetNumberOfComponents() > 1,
        values=tuple(text(reader, tag) for tag in VALUE_TAGS),
    )


def lone_affine(path: Path) -> NDArray[np.float64]:
    """Return the affine of a file by itself, to RAS+ mm; a lone slice is as deep as it is thick."""
    reader = read_header(path, "GDCMImageIO")
    affine = affine_of(reader)
    thickness = numbers(reader, "0018|0050", 1)
    if reader.GetSize()[2:] == (1,) and thickness is not None and thickness[0] > 0:
        affine[:3, 2] *= thickness[0] / np.linalg.norm(affine[:3, 2])
    return affine


def numbers(reader: Any, tag: str, count: int) -> NDArray[np.float64] | None:
    """Return a header field of several numbers, None where it is absent or not that."""
    try:
        values = np.array([float(part) for part in text(reader, tag).split("\\")])
    except ValueError:
        return None
    return values if values.size == count and np.isfinite(values).all() else None


def safe_number(reader: Any) -> str:
    """Return the series number, unless it is one of the patient's identifiers in disguise."""
    number = text(reader, "0020|0011")
    # Patient ID, accession number, study ID: some exports write one of them in every field.
    others = {text(reader, tag) for tag in ("0010|0020", "0008|0050", "0020|0010")}
    return number if number.isdecimal() and len(number) <= 5 and number not in others else ""


def patient_words(path: Path) -> frozenset[str]:
    """Return the words by which a DICOM file names its patient, to be compared and dropped."""
    reader = read_header(path, "GDCMImageIO")
    fields = ("0010|0010", "0010|0020", "0010|1000", "0010|1001", "0008|0050", "0010|0030")
    words = (re.split(r"[^\w]+|_", text(reader, tag).lower()) for tag in fields)
    return frozenset(word for found in words for word in found if len(word) > 2)


def is_other_object(path: Path) -> bool:
    """Tell whether a file that ITK cannot read is no scan by its class, rather than damaged."""
    with path.open("rb") as file:
        found = re.search(rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(\d+)", file.read(1024))
    return found is not None and found.group(1).decode() not in IMAGE_CLASSES


def same_stack(a: Slice, b: Slice) -> bool:
    """Tell whether two slices can be of one volume: same series, size, spacing and direction."""
    if (a.series, a.size, a.colour) != (b.series, b.size, b.colour) or a.size[2] > 1:
        return False
    if a.directions is None or b.directions is None:
        return a.directions is b.directions
    return np.allclose(a.directions, b.directions, atol=1e-3) and np.allclose(a.spacing, b.spacing)


def arrange(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Sort slices by position along their normal; slices at one place are frames.

    Returns
    -------
    list
        Frames, each a list of slices in order of position; within a place, by instance number.

    Raises
    ------
    InvalidVolume
        If slices have no position, or some places have more slices than others.
    """
    if len(slices) == 1:
        return [list(slices)]
    placed = [(one.height, one) for one in slices if one.height is not None]
    if len(placed) < len(slices):
        raise InvalidVolume(
            f"the {len(slices)} slices in {slices[0].path.parent} do not all say where they lie "
            "(image position and orientation); export the series from the archive again"
        )
    placed.sort(key=lambda pair: pair[0])
    places: list[list[Slice]] = [[]]
    for number, (height, one) in enumerate(placed):
        if number and height - placed[number - 1][0] > SAME_PLACE:
            places.append([])
        places[-1].append(one)
    counts = sorted({len(place) for place in places})
    if len(counts) > 1:
        raise InvalidVolume(
            f"some positions in {slices[0].path.parent} have {counts[0]} slices and others "
            f"{counts[-1]}; slices of a frame are missing or doubled: export the series again"
        )
    frames = [sorted(place, key=lambda one: one.order) for place in places]
    return [[place[frame] for place in frames] for frame in range(counts[0])]


def stack_geometry(slices: Sequence[Slice]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the affine of sorted slices, index ``(x, y, slice)`` to RAS+ mm, with notes.

    Raises
    ------
    InvalidVolume
        If the slices are not evenly spaced on a line, as when one is missing.
    """
    first = slices[0]
    if first.directions is None or first.position is None:
        return lone_affine(first.path), ("the file does not say where it lies in the patient",)
    if len(slices) == 1:
        return lone_affine(first.path), ()
    positions = np.array([one.position for one in slices])
    step = (positions[-1] - positions[0]) / (len(slices) - 1)
    notes = require_even(positions, step, first.path.parent) + tilt_notes(first.directions, step)
    affine = np.eye(4)
    affine[:3, :2] = (first.directions * np.reshape(first.spacing, (2, 1))).T
    affine[:3, 2], affine[:3, 3] = step, positions[0]
    return LPS_TO_RAS @ affine, notes


def require_even(
    positions: NDArray[np.float64], step: NDArray[np.float64], folder: Path
) -> tuple[str, ...]:
    """Raise InvalidVolume if a slice lies off its even place; note small unevenness."""
    even = positions[0] + np.arange(len(positions))[:, None] * step
    off = np.linalg.norm(positions - even, axis=1).max()
    length = np.linalg.norm(step)
    if off <= max(UNEVEN * length, SAME_PLACE):
        return (f"slices lie up to {off:.2f} mm off even spacing",) if off > 0.01 * length else ()
    gaps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    worst = int(np.argmax(np.abs(gaps - np.median(gaps))))
    raise InvalidVolume(
        f"the slices in {folder} are not evenly spaced: most are {np.median(gaps):.2f} mm apart, "
        f"but slices {worst + 1} and {worst + 2} of {len(positions)} are {gaps[worst]:.2f} mm; "
        "slices are missing or the spacing changes: export the whole series, or an even part of it"
    )


def tilt_notes(directions: NDArray[np.float64], step: NDArray[np.float64]) -> tuple[str, ...]:
    """Say how far the way from slice to slice leans from the normal of the slices."""
    normal = np.cross(directions[0], directions[1])
    lean = np.degrees(np.arccos(np.clip(normal @ step / np.linalg.norm(step), -1, 1)))
    if lean < 0.1:
        return ()
    return (f"gantry tilt of {lean:.1f} degrees: slices are shifted, the affine holds the shear",)
