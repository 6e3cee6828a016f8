"""Fetching a file of weights from an address, whole or not at all.

Addresses are ``https://...`` and, of the Hugging Face hub, ``hf://OWNER/REPOSITORY/FILE``. The file
is kept in a temporary folder while it is used.
"""

import hashlib
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator
from http.client import HTTPException
from pathlib import Path

from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.progress import Step

PATIENCE = 30.0
"""Seconds without an answer after which a download is given up."""
PIECE = 1 << 20
HUB = "https://huggingface.co"
MEGABYTE = 1_000_000


def is_address(source: str) -> bool:
    """Tell whether a source is to be fetched."""
    return urllib.parse.urlsplit(source).scheme in ("http", "https", "hf")


def web_address(source: str) -> str:
    """Return the address that a file is fetched from.

    Raises
    ------
    InvalidCheckpoint
        If an address of the hub names no file.
    """
    if not source.startswith("hf://"):
        return source
    owner, _, rest = source.removeprefix("hf://").partition("/")
    repository, _, file = rest.partition("/")
    if not (owner and repository and file):
        raise InvalidCheckpoint(f"{source} names no file; give hf://OWNER/REPOSITORY/FILE")
    return f"{HUB}/{owner}/{repository}/resolve/main/{urllib.parse.quote(file)}"


def fetch(source: str, folder: Path, *, sha256: str | None = None) -> Generator[Step, None, Path]:
    """Fetch a file into a folder, a Step for each megabyte.

    Parameters
    ----------
    sha256
        What the file's checksum must be, in hexadecimal.

    Returns
    -------
    Path
        The file, under its own name.

    Raises
    ------
    InvalidCheckpoint
        If it is not there, comes short, or is not the one that the checksum is of.
    """
    address = web_address(source)
    name = Path(urllib.parse.unquote(urllib.parse.urlsplit(address).path)).name or "model"
    digest, received = hashlib.sha256(), 0
    # In the folder, so that the rename below is one of names and copies nothing.
    handle, temporary = tempfile.mkstemp(dir=folder)
    try:
        with (
            os.fdopen(handle, "wb") as file,
            urllib.request.urlopen(address, timeout=PATIENCE) as answer,
        ):
            size = int(answer.headers.get("Content-Length") or 0)
            while piece := answer.read(PIECE):
                file.write(piece)
                digest.update(piece)
                received += len(piece)
                yield Step(
                    step=received // MEGABYTE,
                    total=max(size, received) // MEGABYTE,
                    message=f"fetching {name} (MB)",
                )
    except (urllib.error.URLError, HTTPException, TimeoutError, OSError) as error:
        raise InvalidCheckpoint(
            f"{source} could not be fetched ({error}); look at the address and the connection, or "
            "fetch it by other means and give the file"
        ) from error
    else:
        require_whole(source, received, size, digest.hexdigest(), sha256)
        return Path(temporary).replace(folder / name)
    finally:
        Path(temporary).unlink(missing_ok=True)


def require_whole(source: str, received: int, size: int, digest: str, sha256: str | None) -> None:
    """Raise InvalidCheckpoint unless as many bytes came as were announced, and the right ones."""
    if size and received != size:
        raise InvalidCheckpoint(f"{source} came short: {received} of {size} bytes; try again")
    if sha256 and digest != sha256.lower():
        raise InvalidCheckpoint(
            f"{source} has the checksum {digest}, not {sha256}: it is another file than meant, or "
            "was damaged on the way"
        )
