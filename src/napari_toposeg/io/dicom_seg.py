"""DICOM-SEG: a label map as the segmentation object that an archive knows, and back.

The one idea: the object is built of the headers of the series that was segmented, so each frame
lies exactly where its slice lies and names it. Of those headers only what places and links is
taken, from a list: what is not on it cannot reach the file. The patient's fields are left blank
unless they are asked for; the identifiers of study and series stay, since without them the object
belongs to nothing.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume, ShapeMismatch, UnreadableFile, UnwritableFile
from napari_toposeg.io.dicom import choose_series, find_series
from napari_toposeg.io.frames import choose_frame
from napari_toposeg.io.itk import LPS_TO_RAS
from napari_toposeg.io.segments import MadeBy, build, described, names_of
from napari_toposeg.io.slices import Slice, arrange, stack_geometry
from napari_toposeg.progress import Report, to_nobody
from napari_toposeg.volume import Volume, from_file_order, to_file_order

if TYPE_CHECKING:
    from pydicom import Dataset

MOST_SEGMENTS = 255
HEADERS_SHARE, BUILT_SHARE = 0.2, 0.8
"""Part of the work that is done when the headers are read, and when the object is built."""
STUMBLES = (OSError, EOFError, ValueError, TypeError, AttributeError, LookupError, RuntimeError)
"""What the parsers raise, beside their own error, where a file is damaged."""
LARGEST_LOOKED_UP = 2**20
"""Labels up to it are numbered by a table, which is 20 times faster than a search."""
OFF_GRID = 0.05
"""Largest distance between the grids of labels and series, in voxels."""

PLACING = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "Rows",
    "Columns",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ImageType",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
]
PATIENT = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
]
LINKS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")


def write_dicom_seg(
    labels: Volume,
    source: str | Path,
    path: str | Path,
    *,
    classes: Mapping[int, str] | None = None,
    made_by: MadeBy | None = None,
    series: str | None = None,
    frame: int | None = None,
    anonymous: bool = True,
    report: Report = to_nobody,
) -> Path:
    """Write a label map as a DICOM segmentation of the series that it was made on.

    Parameters
    ----------
    labels
        Label map ``(z, y, x)``, 0 background, on the grid of the series or on a part of it.
    source
        The folder (or file) of the DICOM series.
    path
        File to write, ``.dcm``; one of that name is replaced.
    classes
        Names of the labels; each label becomes a segment, numbered from 1 in order.
    made_by
        Algorithm that made the labels; a person if there is none.
    series, frame
        Which series or frame of ``source``, as in `read_volume`.
    anonymous
        Leave name, identifiers and dates of the patient and the study blank. The unique
        identifiers (UID) stay in either case: they link the object to its series.
    report
        Told the share that is done; an error that it raises leaves no file.

    Raises
    ------
    InvalidVolume
        If there are no labels, too many, or the series has no identifiers.
    ShapeMismatch
        If the labels do not lie on the grid of the series.
    ChoiceNeeded
        If ``source`` holds several series or frames and none is named.
    UnreadableFile, UnwritableFile
        If the series cannot be read or the file not be written.

    References
    ----------
    DICOM PS3.3, A.51 Segmentation IOD.
    """
    path = Path(path).expanduser()
    slices = slices_of(Path(source).expanduser(), series, frame)
    present = segments_of(labels)
    planes = on_slices(labels, slices, present)
    headers = []
    for number, one in enumerate(slices):
        report(HEADERS_SHARE * number / len(slices))
        headers.append(header_of(one, anonymous=anonymous))
    segmentation = build(headers, planes, names_of(present, classes), made_by)
    report(BUILT_SHARE)
    save(segmentation, path)
    return path


def read_dicom_seg(path: str | Path) -> tuple[Volume, dict[int, str]]:
    """Read a DICOM segmentation as a label map, with the names of its segments.

    Slices without any segment may be absent from the file; the volume then reaches from the first
    to the last that is there.

    Raises
    ------
    UnreadableFile
        If the file is damaged or no segmentation.
    InvalidVolume
        If its frames are no even stack, or its segments overlap.
    """
    import highdicom
    from pydicom.errors import InvalidDicomError

    path = Path(path)
    try:
        found = highdicom.seg.segread(path)
    except (InvalidDicomError, *STUMBLES) as error:
        raise UnreadableFile(
            f"{path} is damaged or no DICOM segmentation; export it again"
        ) from error
    try:
        stack = found.get_volume(combine_segments=True)
    except (RuntimeError, ValueError) as error:
        raise InvalidVolume(
            f"{path} cannot be shown as one label map ({error}); export its segments one by one"
        ) from error
    affine = LPS_TO_RAS @ np.asarray(stack.affine, dtype=np.float64)
    names = {number: description.segment_label for number, description in described(found)}
    return from_file_order(stack.array, affine, modality="label", name=path.stem), names


def slices_of(source: Path, series: str | None, frame: int | None) -> list[Slice]:
    """Return the slices of one series in order of position."""
    if not source.exists():
        raise UnreadableFile(f"{source} does not exist; give the folder of the scan's series")
    stacks, _ = find_series(source)
    frames = arrange(choose_series(source, stacks, series))
    slices = frames[choose_frame(source, len(frames), frame)]
    if slices[0].size[2] > 1:
        raise InvalidVolume(
            f"{source} is one file of many frames; a segmentation is written for series of single "
            "slices: save the labels as NIfTI or NRRD instead"
        )
    return slices


def segments_of(labels: Volume) -> tuple[int, ...]:
    """Return the labels that occur."""
    if labels.voxels.dtype.kind not in "bui":
        raise InvalidVolume(
            f"a segmentation holds labels, got {labels.voxels.dtype}; choose a label map"
        )
    present = tuple(int(value) for value in np.unique(labels.voxels) if value > 0)
    if not present:
        raise InvalidVolume("the label map is empty: there is no segment to write; paint one first")
    if len(present) > MOST_SEGMENTS:
        raise InvalidVolume(
            f"{len(present)} different labels are no classes; join them to at most "
            f"{MOST_SEGMENTS} first"
        )
    return present


def on_slices(labels: Volume, slices: Sequence[Slice], present: Sequence[int]) -> NDArray[np.uint8]:
    """Return segment numbers ``(slice, row, column)`` on the whole grid of a series.

    Raises
    ------
    ShapeMismatch
        If the labels lie on another grid or reach out of it.
    """
    affine, _ = stack_geometry(slices)
    columns, rows, _ = slices[0].size
    empty = np.broadcast_to(np.uint8(0), (columns, rows, len(slices)))
    whole = from_file_order(empty, affine)
    full = np.zeros(whole.shape, np.uint8)
    full[place_in(labels, whole)] = segment_numbers(labels.voxels, present)
    stored, _ = to_file_order(whole.with_voxels(full))
    return np.ascontiguousarray(stored.T)


def segment_numbers(voxels: NDArray[Any], present: Sequence[int]) -> NDArray[np.uint8]:
    """Return for each label its number among those that occur, from 1; 0 stays."""
    if present[-1] > LARGEST_LOOKED_UP:
        numbers = np.searchsorted(np.asarray(present), voxels, side="right").astype(np.uint8)
        numbers[voxels <= 0] = 0
        return numbers
    table = np.zeros(present[-1] + 1, np.uint8)
    table[list(present)] = np.arange(1, len(present) + 1)
    # Labels below 0 are none; as an index they would be counted from the end.
    return table[np.maximum(voxels.astype(np.intp, copy=False), 0)]


def place_in(part: Volume, whole: Volume) -> tuple[slice, slice, slice]:
    """Return where a volume lies in a larger one on the same grid."""
    between = np.linalg.inv(whole.affine) @ part.affine
    corner = np.array([*part.shape[::-1], 1.0]) - (1, 1, 1, 0)
    first, last = between @ [0, 0, 0, 1], between @ corner
    start = np.rint(first[:3]).astype(int)
    end = start + np.array(part.shape[::-1])
    ideal = np.append(end - 1, 1.0)
    aligned = np.abs(first - np.append(start, 1.0)).max() < OFF_GRID
    aligned = aligned and np.abs(last - ideal).max() < OFF_GRID
    if not aligned or (start < 0).any() or (end > whole.shape[::-1]).any():
        raise ShapeMismatch(
            f"labels {part.shape} of {spacing_text(part)} mm do not lie on the grid of the series, "
            f"{whole.shape} of {spacing_text(whole)} mm (z, y, x); give the series that was "
            "segmented, or resample the labels to it first"
        )
    x, y, z = (slice(int(a), int(b)) for a, b in zip(start, end, strict=True))
    return z, y, x


def spacing_text(volume: Volume) -> str:
    """Write the voxel size of a volume."""
    return " x ".join(f"{step:.3g}" for step in volume.spacing)


def header_of(one: Slice, *, anonymous: bool) -> "Dataset":
    """Return of a slice's header what places and links, and the patient's fields, blank or kept.

    Raises
    ------
    InvalidVolume
        If an identifier that links is missing.
    """
    import pydicom

    read = pydicom.dcmread(one.path, stop_before_pixels=True, specific_tags=[*PLACING, *PATIENT])
    missing = [name for name in LINKS if not read.get(name)]
    if missing:
        raise InvalidVolume(
            f"{one.path.name} has no {', '.join(missing)}, so nothing can be linked to it; export "
            "the series from the archive again, or save the labels as NIfTI or NRRD"
        )
    header = pydicom.Dataset()
    for name in PLACING:
        if name in read:
            header[name] = read[name]
    for name in PATIENT:
        setattr(header, name, "" if anonymous else read.get(name, ""))
    return header


def save(segmentation: Any, path: Path) -> None:
    """Write an object whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            temporary = Path(folder) / "segmentation.dcm"
            segmentation.save_as(temporary)
            temporary.replace(path)
    except OSError as error:
        raise UnwritableFile.because_of(error, path) from error
