"""A file can hold no more voxels than it has bytes for.

The one idea: a damaged header may ask for terabytes; it is found out before memory is asked for.
"""

import re
from pathlib import Path

from napari_toposeg.errors import UnreadableFile

DEFLATE = 1032
"""The most that gzip can shrink anything, https://zlib.net/zlib_tech.html."""

TEXT = 8
"""The most bytes that a voxel written as text stands for, for each byte of its text."""


def require_room(path: Path, claimed: int) -> None:
    """Raise UnreadableFile if a file cannot hold the bytes that its header claims.

    Parameters
    ----------
    path
        A file that holds header and voxels.
    claimed
        Bytes of all voxels, uncompressed.
    """
    size = path.stat().st_size
    if claimed < 0 or claimed > size * most_bytes_for_one(path):
        raise UnreadableFile(
            f"{path} cannot be read (its header tells of {claimed} bytes of voxels, the file has "
            f"{size}); it is truncated or corrupt: fetch or export it again"
        )


def most_bytes_for_one(path: Path) -> int:
    """Return how many bytes of voxels one byte of a file can stand for."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[:2] == b"\x1f\x8b" or re.search(
        rb"(?im)^(encoding:\s*[gb]z|CompressedData\s*=\s*T)", head
    ):
        return DEFLATE
    return TEXT if re.search(rb"(?im)^(encoding:\s*(t|asc|hex)|BinaryData\s*=\s*F)", head) else 1
