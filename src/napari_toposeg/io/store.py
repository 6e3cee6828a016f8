"""Store: scans on one grid in chunked, compressed files, of which single crops are read.

The one idea: a case is a folder that appears whole or not at all, and a crop costs the blocks that
it touches. Images in 0..1 are held as 16-bit fixed point: half of float32 before compression, and
with an error of at most 1/131070 thirty times finer than half precision. Of a patient, a store
knows nothing but the names of the files that it was made of.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_toposeg.config import Size3, Spacing3, write_atomically
from napari_toposeg.errors import InvalidConfig, UnreadableFile
from napari_toposeg.io.stored_arrays import StoredArray, compress
from napari_toposeg.volume import Modality

MANIFEST = "dataset.json"
FULL = 65535
"""The stored number that means 1."""


class StoredCase(BaseModel):
    """What a store says of a case.

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)`` on the store's grid.
    affine
        Rows of the matrix from the index ``(x, y, z, 1)`` of a stored voxel to RAS+ mm.
    original_shape, original_spacing, orientation
        Those of the file that it was made of.
    normalisation
        Intensities, in the scan's unit, that became 0 and 1; of several channels those of the
        first.
    channels
        Number of channels; the file of several has them as its first axis.
    classes
        Label values that occur, sorted; None without labels.
    few_values
        Whether the file's values looked like those of a label map: see `label_maps`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    modality: Modality
    shape: Size3
    affine: tuple[tuple[float, ...], ...]
    original_shape: Size3
    original_spacing: Spacing3
    orientation: str
    normalisation: tuple[float, float]
    channels: int = 1
    classes: tuple[int, ...] | None = None
    few_values: bool = False


class Manifest(BaseModel):
    """What a store says of itself.

    Parameters
    ----------
    spacing
        Voxel size in mm along ``(z, y, x)`` of all cases.
    finished
        Whether every case was tried; a store without it may be gone on with.
    intensity
        HU that became 0 and 1, where they were chosen.
    class_names
        Names of the labels 1, 2, ..., where they are known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    spacing: Spacing3
    labelled: bool
    finished: bool
    intensity: tuple[float, float] | None = None
    class_names: tuple[str, ...] = ()
    cases: tuple[StoredCase, ...] = ()


@dataclass(frozen=True)
class Store:
    """A folder of prepared cases."""

    folder: Path
    manifest: Manifest

    def image(self, case: StoredCase, *, threads: int = 1) -> StoredArray:
        """Return the image of a case, 0..1."""
        channels = (case.channels,) if case.channels > 1 else ()
        shape = (*channels, *case.shape)
        return StoredArray(self.place(case.name) / "image.b2nd", shape, 1 / FULL, threads)

    def labels(self, case: StoredCase) -> StoredArray | None:
        """Return the labels of a case, if it has any."""
        if case.classes is None:
            return None
        return StoredArray(self.place(case.name) / "labels.b2nd", case.shape)

    def index(self, case: StoredCase) -> Path:
        """Return the file of what finds places in a case: see `stored_arrays.read_index`."""
        return self.place(case.name) / "index.npz"

    def place(self, name: str) -> Path:
        """Return the folder of a case."""
        return self.folder / "cases" / name

    def kept(self) -> dict[str, StoredCase]:
        """Return the cases that are there, whether the manifest lists them yet or not."""
        found = sorted((self.folder / "cases").glob("*/case.json"))
        return {path.parent.name: read_case(path) for path in found}

    def write(
        self,
        case: StoredCase,
        image: NDArray[np.float32],
        labels: NDArray[Any] | None,
        index: Mapping[str, NDArray[Any]],
    ) -> None:
        """Write a case, whole or not at all.

        Parameters
        ----------
        image
            Values in 0..1, ``(z, y, x)`` or ``(c, z, y, x)``.
        labels
            Class numbers from 0 to 255 on the same grid.
        index
            Arrays that `stored_arrays.read_index` will give.
        """
        draft = self.folder / "unfinished" / case.name
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        fixed = np.rint(image * np.float32(FULL)).astype(np.uint16)
        compress(fixed, draft / "image.b2nd")
        if labels is not None:
            compress(labels.astype(np.uint8), draft / "labels.b2nd")
        np.savez_compressed(draft / "index.npz", **dict[str, Any](index))
        write_atomically(draft / "case.json", case.model_dump_json(indent=1).encode())
        self.place(case.name).parent.mkdir(exist_ok=True)
        draft.replace(self.place(case.name))

    def write_manifest(self) -> None:
        """Write what the store says of itself."""
        text = self.manifest.model_dump_json(indent=1)
        write_atomically(self.folder / MANIFEST, text.encode())


def is_store(path: Path) -> bool:
    """Tell whether a path is a store, finished or not.

    Datasets in the Decathlon's folders have a file of the same name.
    """
    return (path / MANIFEST).is_file() and not (path / "imagesTr").is_dir()


def open_store(path: Path, *, unfinished: bool = False) -> Store:
    """Open a store.

    Parameters
    ----------
    unfinished
        Accept one whose making was stopped.

    Raises
    ------
    InvalidConfig
        If it is none, of another version, or not finished.
    """
    try:
        manifest = Manifest.model_validate_json((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise InvalidConfig(
            f"{path} is no store of version 1 that can be read "
            f"({first_line(error)}); make it anew with napari-toposeg prepare"
        ) from error
    if not (manifest.finished or unfinished):
        raise InvalidConfig(
            f"{path} was not finished; run the same napari-toposeg prepare again with --resume"
        )
    return Store(path, manifest)


def read_case(path: Path) -> StoredCase:
    """Read what is said of a case."""
    try:
        return StoredCase.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise UnreadableFile(
            f"{path} cannot be read ({first_line(error)}); take its folder away and run prepare "
            "again with --resume"
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return str(error).strip().splitlines()[0]
