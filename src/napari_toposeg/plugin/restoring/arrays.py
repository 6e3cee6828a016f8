"""Arrays of a session: compressed files that are named for what they hold.

The one idea: an array that is kept already has a file of its name, so a session in which one layer
was painted writes one array. The files are Blosc2's, of numbers alone.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import blosc2
import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import UnreadableFile

ENDING = ".b2nd"
PARAMETERS = {"codec": blosc2.Codec.ZSTD, "clevel": 1, "nthreads": 1}


def keep_array(folder: Path, array: Any) -> str:
    """Write an array into a folder, unless it is there, and return its name.

    Parameters
    ----------
    array
        Of numbers or truth values; what it holds at this moment is kept, whoever writes to it.
    """
    # A copy: its name must be that of what is written, though a person paints meanwhile.
    still = np.array(array, order="C", copy=True)
    if still.dtype.kind not in "buif":
        raise TypeError(f"only arrays of numbers are kept, got {still.dtype}")
    facts = f"{still.dtype.str} {still.shape} ".encode()
    digest = hashlib.blake2b(facts, digest_size=16)
    digest.update(still.reshape(-1).view(np.uint8).data)
    name = digest.hexdigest()
    path = folder / f"{name}{ENDING}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{name}-writing{ENDING}"
        blosc2.asarray(still, urlpath=str(temporary), mode="w", cparams=PARAMETERS)
        temporary.replace(path)
    return name


def read_array(folder: Path, name: str) -> NDArray[Any]:
    """Return the array of a name.

    Raises
    ------
    UnreadableFile
        If its file is missing or damaged.
    """
    path = folder / f"{Path(name).name}{ENDING}"
    try:
        found = blosc2.open(str(path), mode="r")
        if not isinstance(found, blosc2.NDArray):
            raise ValueError("no array")
        array: NDArray[Any] = np.asarray(found[...])
    except (OSError, RuntimeError, ValueError) as error:
        raise UnreadableFile(f"{path.name} is missing or damaged; its layer is left out") from error
    return array


def drop_others(folder: Path, names: Iterable[str]) -> None:
    """Delete the arrays that are not named."""
    kept = {f"{name}{ENDING}" for name in names}
    for path in folder.glob(f"*{ENDING}"):
        if path.name not in kept:
            path.unlink(missing_ok=True)
