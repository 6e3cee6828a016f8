"""Companions: the files beside a header of MetaImage or NRRD that hold its voxels."""

import glob
import re
from collections.abc import Iterator
from pathlib import Path

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io.formats import ITK, ending_of

HEADER_BYTES = 1 << 20
"""Of a file that holds its voxels too, the header is in the first of them."""

NAMED = re.compile(r"^(?:ElementDataFile *=|data ?file:) *(.+)", re.IGNORECASE | re.MULTILINE)
COUNTED = re.compile(r"%\d*d")


def files_of(place: Path) -> list[Path]:
    """Return all files of a volume: of a folder, or a file and those that hold its voxels."""
    if place.is_dir():
        return sorted(each for each in place.rglob("*") if each.is_file())
    return [place, *voxel_files(place)]


def voxel_files(header: Path) -> list[Path]:
    """Return the files beside a header that hold its voxels; none where it holds them itself.

    MetaImage and NRRD have one rule: ``ElementDataFile = NAME`` or ``data file: NAME``, and NAME
    may be LIST, with names in the lines that follow, or count, as ``slice%03d.raw 1 40 1``.
    """
    if ending_of(header) not in ITK:
        return []
    with header.open("rb") as file:
        text = re.split(rb"\r?\n\r?\n", file.read(HEADER_BYTES))[0].decode("utf-8", "replace")
    named = NAMED.search(text)
    if named is None:
        return []
    first, *listed = text[named.start(1) :].splitlines()
    names = listed if first.startswith("LIST") else [first]
    return sorted({file for name in names for file in files_named(name.strip(), header)})


def files_named(name: str, header: Path) -> Iterator[Path]:
    """Yield the files that a header means by a name; those of an absolute path need no header.

    Raises
    ------
    InvalidConfig
        If they lie outside of the header's folder.
    """
    pattern = glob.escape(name)
    if COUNTED.search(name):
        pattern = COUNTED.sub("*", glob.escape(name.split()[0]))
    if ".." in Path(name).parts:
        raise InvalidConfig(
            f"{header} has its voxels in {name}, outside of its folder; lay the two side by side"
        )
    if name and not Path(name).is_absolute():
        yield from header.parent.glob(pattern)
