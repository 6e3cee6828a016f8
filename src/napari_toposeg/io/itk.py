"""NRRD and MetaImage files, by SimpleITK.

The one idea: ITK speaks LPS and stores ``(z, y, x)``; here its image becomes an array in file order
and an affine in RAS+ mm, and back, with nothing resampled.
"""

import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume, UnreadableFile
from napari_toposeg.io.formats import ending_of, stem_of
from napari_toposeg.io.frames import choose_frame, frame_notes
from napari_toposeg.io.sizes import require_room
from napari_toposeg.volume import Volume, from_file_order, to_file_order

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_itk(path: Path, frame: int | None = None) -> Volume:
    """Read an NRRD or MetaImage file.

    Parameters
    ----------
    path
        The file (the header, where header and voxels are two files).
    frame
        Which volume of a 4D file, from 0.

    Raises
    ------
    UnreadableFile
        If the file is truncated or corrupt.
    InvalidVolume
        If it holds colours or complex numbers.
    ChoiceNeeded
        If it holds several frames and none is named.
    """
    header = open_header(path)
    count = frame_count(header)
    chosen = choose_frame(path, count, frame)
    with reading(path):
        image = sitk.ReadImage(str(path))
    stored = frame_of(pixels_of(image), image, chosen).T
    stored = stored.reshape(stored.shape + (1,) * (3 - stored.ndim))
    notes = frame_notes(count, chosen) + geometry_notes(header)
    return from_file_order(stored, affine_of(image), name=stem_of(path), notes=notes)


def count_frames(path: Path) -> int:
    """Return the number of volumes in an NRRD or MetaImage file, from its header alone."""
    return frame_count(open_header(path))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn ITK's errors into one short one, and keep its warnings off the screen."""
    messages: list[str] = []
    printed = native_messages(messages) if ending_of(path) in (".mha", ".mhd") else nullcontext()
    try:
        with WARNINGS.silent(), printed:
            yield
    except RuntimeError as error:
        raise UnreadableFile(
            f"{path} cannot be read ({reason(messages, str(error))}); "
            "it is truncated, corrupt or misnamed: fetch or export it again"
        ) from error


class Warnings:
    """ITK's one switch for warnings, which several threads want off at a time."""

    def __init__(self) -> None:
        self._lock, self._silencers, self._shown = Lock(), 0, True

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Keep warnings off the screen until the last of those who asked for it is done."""
        with self._lock:
            if not self._silencers:
                self._shown = sitk.ProcessObject.GetGlobalWarningDisplay()
                sitk.ProcessObject.SetGlobalWarningDisplay(False)
            self._silencers += 1
        try:
            yield
        finally:
            with self._lock:
                self._silencers -= 1
                if not self._silencers:
                    sitk.ProcessObject.SetGlobalWarningDisplay(self._shown)


WARNINGS = Warnings()


def reason(messages: list[str], error: str) -> str:
    """Pick what says most: what MetaIO printed, else the last line of ITK's report."""
    if messages:
        return ", ".join(" ".join(message.split()) for message in messages)
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


@contextmanager
def native_messages(messages: list[str]) -> Iterator[None]:
    """Collect what MetaIO prints: it writes to the process's stderr, past ITK and Python."""
    if sys.stderr:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no console at all: nothing to keep silent
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            messages += file.read().decode(errors="replace").splitlines()


def open_header(path: Path) -> Any:
    """Read a header, and refuse what it tells of where that cannot be read or be true."""
    header = read_header(path)
    require_grey(path, header)
    if ending_of(path) in (".nrrd", ".mha"):
        require_room(path, math.prod(header.GetSize()) * voxel_bytes(header))
    return header


def read_header(path: Path, reader_name: str = "") -> Any:
    """Read size, type, geometry and fields, not the voxels; without a name ITK picks the reader."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO(reader_name)
    with reading(path):
        reader.ReadImageInformation()
    return reader


def text(header: Any, key: str) -> str:
    """Return a header field, ``""`` where it is absent."""
    return str(header.GetMetaData(key)).strip(" \0") if header.HasMetaDataKey(key) else ""


def require_grey(path: Path, header: Any) -> None:
    """Raise InvalidVolume on colours and complex numbers."""
    number = sitk.GetPixelIDValueAsString(header.GetPixelID())
    kinds = {text(header, f"NRRD_kinds[{axis}]") for axis in range(5)}
    components = header.GetNumberOfComponents()
    bytes_of_colour = components in (3, 4) and "8-bit unsigned" in number
    if bytes_of_colour or any("color" in kind for kind in kinds):
        found = f"colours ({components} channels)"
    elif "complex" in number:
        found = "complex numbers"
    else:
        return
    raise InvalidVolume(
        f"{path} holds {found}, not grey values; convert it to one number a voxel first"
    )


def voxel_bytes(header: Any) -> int:
    """Return the bytes of one voxel, all of its components."""
    number: str = sitk.GetPixelIDValueAsString(header.GetPixelID())
    bits = re.search(r"(\d+)-bit", number)
    components: int = header.GetNumberOfComponents()
    return components * (int(bits.group(1)) // 8 if bits else 1)


def frame_count(header: Any) -> int:
    """Return the number of 3D volumes: a fourth axis, or several numbers a voxel."""
    components: int = header.GetNumberOfComponents()
    frames: int = math.prod(header.GetSize()[3:])
    return components * frames


def frame_of(array: NDArray[Any], image: Any, frame: int) -> NDArray[Any]:
    """Take one frame ``(z, y, x)`` out of ``(..., z, y, x, components)``."""
    if image.GetNumberOfComponentsPerPixel() > 1:
        array = np.moveaxis(array, -1, 0)
    spatial = array.shape[-min(3, image.GetDimension()) :]
    frames = array.reshape(-1, *spatial)
    # A copy of one of several, so that the others can go.
    return frames[0] if len(frames) == 1 else np.ascontiguousarray(frames[frame])


class Pixels:
    """The buffer of an ITK image for NumPy, which keeps the image as long as its array."""

    def __init__(self, image: Any) -> None:
        view = sitk.GetArrayViewFromImage(image)
        self._image = image
        address = view.__array_interface__["data"][0]
        self.__array_interface__ = view.__array_interface__ | {"data": (address, False)}


def pixels_of(image: Any) -> NDArray[Any]:
    """Return the voxels ``(z, y, x)`` of an ITK image that no one else holds, without a copy."""
    return np.asarray(Pixels(image))


def affine_of(image: Any) -> NDArray[np.float64]:
    """Return the affine, file index to RAS+ mm, of an ITK image or header of two axes or more."""
    axes = len(image.GetSpacing())
    used = min(axes, 3)
    affine = np.eye(4)
    direction = np.reshape(image.GetDirection(), (axes, axes))[:used, :used]
    affine[:used, :used] = direction * np.asarray(image.GetSpacing()[:used])
    affine[:used, 3] = image.GetOrigin()[:used]
    return LPS_TO_RAS @ affine


def geometry_notes(header: Any) -> tuple[str, ...]:
    """Say where an NRRD header does not tell how its axes lie in the patient."""
    if text(header, "ITK_InputFilterName") != "NrrdImageIO":
        return ()
    space = text(header, "NRRD_space")
    if space in {"left-posterior-superior", "right-anterior-superior", "left-anterior-superior"}:
        return ()
    return ("no patient orientation in the header; left-posterior-superior assumed",)


def write_itk(volume: Volume, path: Path) -> None:
    """Write voxels and geometry alone, in the order of the file that the volume came from."""
    stored, affine = to_file_order(volume)
    image = sitk.GetImageFromArray(np.ascontiguousarray(stored.T))
    lps = LPS_TO_RAS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    with reading(path):
        sitk.WriteImage(image, str(path), useCompression=True)
