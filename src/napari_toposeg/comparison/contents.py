"""Contents: digests of what the files of cases hold, by which it is told that data has changed.

A file is read once: as long as its size and its time of change stay, its digest is that of the
record in the comparison's folder.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_toposeg.config import write_atomically
from napari_toposeg.io.companions import files_of

LOGGER = logging.getLogger("napari_toposeg")

TOLD_BYTES = 1 << 30
"""From here on reading takes longer than a person waits without a word."""

Known = dict[str, tuple[int, int, str]]
"""Size, time of change (ns) and digest, by a file's path."""


def contents_of(places: Iterable[Path], record: Path) -> Mapping[Path, str]:
    """Return a digest of what each volume's files hold.

    Parameters
    ----------
    places
        Files, or folders of DICOM files.
    record
        File that keeps the digests from one start to the next.
    """
    files = {place: files_of(place) for place in places}
    known = read_record(record)
    fresh = [each for those in files.values() for each in those if not is_known(each, known)]
    size = sum(each.stat().st_size for each in fresh)
    if size >= TOLD_BYTES:
        LOGGER.warning(
            "reading %.1f GB of %d files, once, so that it is seen when they change",
            size / (1 << 30),
            len(fresh),
        )
    for each in fresh:
        # Asked before it is read: what changes meanwhile is read again.
        state = each.stat()
        with each.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        known[str(each.resolve())] = state.st_size, state.st_mtime_ns, digest
    if fresh:
        write_atomically(record, json.dumps(known).encode())
    return {
        place: together(known[str(each.resolve())][2] for each in those)
        for place, those in files.items()
    }


def read_record(record: Path) -> Known:
    """Read the digests of files as they were; none where there is no record, or a broken one."""
    try:
        kept = json.loads(record.read_text("utf-8"))
        return {
            path: (int(size), int(time), str(digest)) for path, (size, time, digest) in kept.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def is_known(file: Path, known: Known) -> bool:
    """Tell whether a file is as it was when its digest was made."""
    state = file.stat()
    return known.get(str(file.resolve()), ())[:2] == (state.st_size, state.st_mtime_ns)


def together(digests: Iterable[str]) -> str:
    """Return one digest of those of a volume's files, in the order of their names."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
