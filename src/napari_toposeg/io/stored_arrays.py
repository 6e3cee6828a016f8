"""Stored arrays: volumes in chunked, compressed files, of which boxes are read.

A box costs the blocks that it touches. Files are Blosc2's, mapped into memory; each thread keeps
those open that it used last.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import blosc2
import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import UnreadableFile

CHUNK = 96
"""Edge of a chunk in voxels, that of a common crop; a chunk is the unit of the file."""

BLOCK = 32
"""Edge of a block in voxels; a block is the unit that is decompressed."""

MOST_OPEN = 2
"""Files that a thread keeps open: image and labels of the case that it visits."""


@dataclass(frozen=True)
class StoredArray:
    """A volume ``(z, y, x)``, or one of channels ``(c, z, y, x)``, read when it is sliced.

    Parameters
    ----------
    scale
        Factor of the stored numbers; None: they are taken as they are.
    threads
        Threads that decompress a crop.
    """

    path: Path
    shape: tuple[int, ...]
    scale: float | None = None
    threads: int = 1

    def __getitem__(self, cut: tuple[slice, ...]) -> NDArray[Any]:
        """Read a box: float32 in 0..1 of an image, int16 of labels."""
        raw = self.stored(cut)
        if self.scale is None:
            return raw.astype(np.int16)
        scaled: NDArray[np.float32] = np.multiply(raw, np.float32(self.scale), dtype=np.float32)
        return scaled

    def read(self, cut: tuple[slice, ...], out: NDArray[Any]) -> None:
        """Read a box into an array, which spares the time to find memory for it."""
        raw = self.stored(cut)
        if self.scale is None:
            out[...] = raw
        else:
            np.multiply(raw, np.float32(self.scale), out=out, dtype=np.float32)

    def stored(self, cut: tuple[slice, ...]) -> NDArray[Any]:
        """Read the stored numbers of a box."""
        raw: NDArray[Any] = OPEN.file(self.path, self.threads)[cut]
        return raw


class OpenFiles(threading.local):
    """The files that a thread used last; what decompresses a file serves one thread at a time."""

    def __init__(self) -> None:
        self.files: OrderedDict[tuple[Path, int], Any] = OrderedDict()

    def file(self, path: Path, threads: int) -> Any:
        """Return an open file, mapped into memory.

        Raises
        ------
        UnreadableFile
            If it is missing or damaged.
        """
        key = (path, threads)
        if key not in self.files:
            try:
                self.files[key] = blosc2.open(
                    str(path), mode="r", mmap_mode="r", dparams=blosc2.DParams(nthreads=threads)
                )
            except (OSError, RuntimeError, ValueError) as error:
                raise UnreadableFile(
                    f"{path} cannot be read ({error}); take the case's folder away and run "
                    "prepare again with --resume"
                ) from error
            if len(self.files) > MOST_OPEN:
                self.files.popitem(last=False)
        self.files.move_to_end(key)
        return self.files[key]


OPEN = OpenFiles()


def read_index(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays that were written beside a case to find places in it.

    Raises
    ------
    UnreadableFile
        If the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, BadZipFile) as error:
        raise UnreadableFile(
            f"{path} cannot be read ({error}); take the case's folder away and run prepare "
            "again with --resume"
        ) from error


def compress(voxels: NDArray[Any], path: Path) -> None:
    """Write an array in chunks; LZ4 is as fast to read as memory is to fill."""
    blosc2.asarray(
        np.ascontiguousarray(voxels),
        urlpath=str(path),
        mode="w",
        chunks=[min(CHUNK, edge) for edge in voxels.shape],
        blocks=[min(BLOCK, edge) for edge in voxels.shape],
        cparams=blosc2.CParams(
            codec=blosc2.Codec.LZ4, clevel=5, filters=[blosc2.Filter.SHUFFLE], nthreads=1
        ),
    )
