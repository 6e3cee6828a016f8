"""NIfTI and MGH files, by nibabel.

The one idea: values are the file's own. Stored numbers come as they are; slope and intercept are
applied in the narrowest number type that holds the result, never by a float64 copy of a scan.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from logging import Handler, LogRecord
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.freesurfer.mghformat import MGHError, MGHHeader, MGHImage
from nibabel.imageglobals import logger
from nibabel.spatialimages import HeaderDataError, HeaderTypeError
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume, ToposegError, UnreadableFile
from napari_toposeg.io.formats import ending_of, stem_of
from napari_toposeg.io.frames import choose_frame, frame_notes
from napari_toposeg.io.sizes import require_room
from napari_toposeg.io.slabs import as_laid_out, fill, write_reporting
from napari_toposeg.progress import Report, to_nobody
from napari_toposeg.volume import Volume, empty_in_file_order, from_file_order, to_file_order

DAMAGE = (
    ImageFileError,
    HeaderDataError,
    HeaderTypeError,
    MGHError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
    KeyError,
    IndexError,
    struct.error,
    zlib.error,
)
"""What nibabel raises on files that are not whole."""


def read_nifti(path: Path, frame: int | None = None, report: Report = to_nobody) -> Volume:
    """Read a NIfTI, Analyze or MGH file.

    Parameters
    ----------
    path
        The file.
    frame
        Which volume of a 4D file, from 0.
    report
        Told the share of the voxels that is there.

    Raises
    ------
    UnreadableFile
        If the file is truncated or corrupt.
    InvalidVolume
        If it holds colours, complex numbers or no usable geometry.
    ChoiceNeeded
        If it holds several frames and none is named.
    """
    image, repairs = load(path)
    count = frame_count(image)
    chosen = choose_frame(path, count, frame)
    with reading(path):
        scale, unit_notes = millimetres(image)
        affine = np.diag([scale, scale, scale, 1.0]) @ np.asarray(image.affine, dtype=np.float64)
        stored = stored_frame(image, chosen, affine, report)
        notes = frame_notes(count, chosen) + unit_notes + geometry_notes(image)
        notes += tuple(f"faulty header: {repair}" for repair in repairs if "; set" in repair)
    return from_file_order(stored, affine, name=stem_of(path), notes=notes)


def count_frames(path: Path) -> int:
    """Return the number of volumes in a NIfTI or MGH file, from its header alone."""
    return frame_count(load(path)[0])


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn nibabel's many errors into one."""
    try:
        yield
    except ToposegError:
        raise
    except DAMAGE as error:
        reason = str(error).strip().splitlines()
        raise UnreadableFile(
            f"{path} cannot be read ({reason[0] if reason else type(error).__name__}); "
            "it is truncated, corrupt or misnamed: fetch or export it again"
        ) from error


def load(path: Path) -> tuple[Any, tuple[str, ...]]:
    """Open a file lazily; the voxels are not read yet."""
    with reading(path), header_repairs() as repairs:
        if ending_of(path) == ".mgh":
            # nibabel leaves such a file open, which keeps it locked on Windows.
            image = MGHImage.from_bytes(path.read_bytes())
        else:
            image = nib.load(path, mmap=False)
    require_grey(path, image.get_data_dtype())
    # MGH sizes are int32, whose product would wrap around.
    voxels = math.prod(int(size) for size in image.shape)
    require_room(voxel_file(image, path), voxels * image.dataobj.dtype.itemsize)
    return image, tuple(repairs)


class Collector(Handler):
    """Keep log messages in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: LogRecord) -> None:
        """Add one message."""
        self.messages.append(record.getMessage())


@contextmanager
def header_repairs() -> Iterator[list[str]]:
    """Collect what nibabel changes in a faulty header, instead of having it on the screen."""
    collector = Collector()
    kept, propagated = logger.handlers[:], logger.propagate
    logger.handlers[:], logger.propagate = [collector], False
    try:
        yield collector.messages
    finally:
        logger.handlers[:], logger.propagate = kept, propagated


def voxel_file(image: Any, path: Path) -> Path:
    """Return the file with the voxels, which is not the header's own where there are two."""
    return Path(image.file_map["image"].filename or path)


def require_grey(path: Path, dtype: np.dtype[Any]) -> None:
    """Raise InvalidVolume on colours and complex numbers."""
    if dtype.kind in "buif":
        return
    kind = "colours (RGB)" if dtype.fields else "complex numbers" if dtype.kind == "c" else dtype
    raise InvalidVolume(
        f"{path} holds {kind}, not grey values; convert it to one number a voxel first"
    )


def frame_count(image: Any) -> int:
    """Return the number of 3D volumes along all axes after the third."""
    return math.prod(int(size) for size in image.shape[3:])


def stored_frame(
    image: Any, frame: int, affine: NDArray[np.float64], report: Report = to_nobody
) -> NDArray[Any]:
    """Read one frame in the file's axis order, with slope and intercept applied.

    Its memory lies in canonical order, so that `from_file_order` needs no copy.
    """
    proxy = image.dataobj
    shape = (*proxy.shape[:3], *(1,) * (3 - len(proxy.shape)))
    stored = empty_in_file_order(shape, affine, proxy.dtype.newbyteorder("="))
    with image.file_map["image"].get_prepare_fileobj("rb") as source:
        source.seek(proxy.offset + frame * stored.nbytes)
        fill(stored, source, proxy.dtype, report)
    return rescale(stored, float(proxy.slope), float(proxy.inter))


def rescale(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Return ``slope * stored + intercept`` in the narrowest type that keeps what the file says.

    Whole numbers stay whole; 16 stored bits and fewer become float32, whose 24 bits exceed them.
    """
    if slope == 1 and intercept == 0:
        return stored
    if stored.dtype.kind in "bui" and slope.is_integer() and intercept.is_integer():
        whole = whole_type(stored, int(slope), int(intercept))
        if whole is not None:
            # Integers wrap around, so a sum that fits is right even where a term alone is not.
            factor, shift = (np.array(int(value)).astype(whole) for value in (slope, intercept))
            return linear(as_laid_out(stored, whole), factor, shift)
    narrow = stored.dtype.itemsize <= 2 or stored.dtype == np.float32
    return linear(as_laid_out(stored, np.float32 if narrow else np.float64), slope, intercept)


def linear(values: NDArray[Any], factor: Any, shift: Any) -> NDArray[Any]:
    """Return ``factor * values + shift``, in place."""
    np.multiply(values, factor, out=values)
    np.add(values, shift, out=values)
    return values


def whole_type(stored: NDArray[Any], slope: int, intercept: int) -> type[np.signedinteger] | None:
    """Return the first of int16 and int32 that holds the rescaled values, None if neither does."""
    ends = [int(end) * slope + intercept for end in (stored.min(), stored.max())]
    for whole in (np.int16, np.int32):
        if np.iinfo(whole).min <= min(ends) and max(ends) <= np.iinfo(whole).max:
            return whole
    return None


def millimetres(image: Any) -> tuple[float, tuple[str, ...]]:
    """Return the factor from the header's unit of length to mm, and a note where it is not 1."""
    if not isinstance(image.header, nib.Nifti1Header):
        return 1.0, ()
    # The low three bits are the unit of length; most files that name none are in mm.
    match int(image.header["xyzt_units"]) % 8:
        case 1:
            return 1e3, ("lengths converted from metres",)
        case 3:
            return 1e-3, ("lengths converted from micrometres",)
        case _:
            return 1.0, ()


def geometry_notes(image: Any) -> tuple[str, ...]:
    """Say where a header leaves the geometry open or tells it in two ways."""
    header = image.header
    if isinstance(header, MGHHeader):
        return (
            ()
            if header["goodRASFlag"]
            else ("no orientation in the header; MGH's default assumed",)
        )
    if not isinstance(header, nib.Nifti1Header):
        return ("Analyze file: it tells no orientation; left-right may be mirrored",)
    sform, qform = (image.get_sform(coded=True), image.get_qform(coded=True))
    if not sform[1] and not qform[1]:
        return ("no orientation in the header; left-right may be mirrored",)
    if sform[1] and qform[1] and not np.allclose(sform[0], qform[0], atol=0.1):
        return ("the header's sform and qform differ; the sform is used",)
    return ()


def write_nifti(volume: Volume, path: Path, report: Report = to_nobody) -> None:
    """Write voxels and affine alone, in the order of the file that the volume came from."""
    stored, affine = to_file_order(volume)
    image = nib.Nifti1Image(stored, affine, dtype=stored.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    # A quaternion cannot hold the shear of a tilted gantry: better none than a wrong one.
    if not np.allclose(image.get_qform(), affine, atol=1e-3):
        image.set_qform(None, code=0)
    write_reporting(image, path, report)
