"""Arrays of a session: compressed files that are named for what they hold.

The one idea: an array that is kept already has a file of its name, so a session in which one layer
was painted writes one array. A file is a line of JSON, shape and number type, and then the numbers
in pieces that Blosc2 packed: nothing in it can be more than numbers, whoever made it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import blosc2
import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import UnreadableFile

ENDING = ".blosc"
PIECE = 2**26
"""Bytes that are packed at a time."""
LENGTH = 8
"""Bytes that tell how long a packed piece is."""


def keep_array(folder: Path, array: Any) -> str:
    """Write an array into a folder, unless it is there, and return its name.

    Parameters
    ----------
    array
        Of numbers or truth values; what it holds at this moment is kept, whoever writes to it.
    """
    # A copy: its name must be that of what is written, though a person paints meanwhile.
    still = np.array(array, order="C", copy=True)
    head = json.dumps({"dtype": still.dtype.str, "shape": still.shape}).encode() + b"\n"
    numbers = still.reshape(-1).view(np.uint8).data
    digest = hashlib.blake2b(head, digest_size=16)
    digest.update(numbers)
    name = digest.hexdigest()
    path = folder / f"{name}{ENDING}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}")
        with temporary.open("wb") as file:
            file.write(head)
            for piece in packed(numbers, still.dtype.itemsize):
                file.write(len(piece).to_bytes(LENGTH, "little"))
                file.write(piece)
        temporary.replace(path)
    return name


def packed(numbers: memoryview, itemsize: int) -> Iterator[bytes]:
    """Return the pieces of an array, compressed."""
    parameters = {"codec": blosc2.Codec.ZSTD, "clevel": 1, "nthreads": 1, "typesize": itemsize}
    for first in range(0, len(numbers), PIECE):
        yield blosc2.compress2(numbers[first : first + PIECE], **parameters)


def read_array(folder: Path, name: str) -> NDArray[Any]:
    """Return the array of a name.

    Raises
    ------
    UnreadableFile
        If its file is missing or damaged.
    """
    path = folder / f"{Path(name).name}{ENDING}"
    try:
        with path.open("rb") as file:
            return unpacked(file)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        raise UnreadableFile(f"{path.name} is missing or damaged; its layer is left out") from error


def unpacked(file: BinaryIO) -> NDArray[Any]:
    """Read an array from an open file."""
    head = json.loads(file.readline(4096))
    dtype, shape = np.dtype(str(head["dtype"])), tuple(map(int, head["shape"]))
    if dtype.kind not in "buif":
        raise ValueError(f"{dtype} is no kind of number")
    array = np.empty(prod(shape) * dtype.itemsize, np.uint8)
    for first in range(0, array.size, PIECE):
        piece = file.read(int.from_bytes(file.read(LENGTH), "little"))
        target = array[first : first + PIECE]
        if blosc2.get_cbuffer_sizes(piece)[0] != target.size:
            raise ValueError("a piece is not as long as it should be")
        target[:] = np.frombuffer(blosc2.decompress2(piece), np.uint8)
    return array.view(dtype).reshape(shape)


def drop_others(folder: Path, names: Iterable[str]) -> None:
    """Delete the arrays that are not named."""
    kept = {f"{name}{ENDING}" for name in names}
    for path in folder.glob(f"*{ENDING}"):
        if path.name not in kept:
            path.unlink(missing_ok=True)
