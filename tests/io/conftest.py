"""Small files: DICOM slices written byte by byte, so that each tag is the test's own."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"

VALUE_REPRESENTATIONS = {
    "0010|0030": "DA",
    "0008|0005": "CS", "0008|0016": "UI", "0008|0018": "UI", "0008|0050": "SH", "0008|0060": "CS",
    "0008|103e": "LO", "0010|0010": "PN", "0010|0020": "LO", "0018|0050": "DS", "0018|0088": "DS",
    "0018|1120": "DS", "0020|000d": "UI", "0020|000e": "UI", "0020|0010": "SH", "0020|0011": "IS",
    "0020|0012": "IS", "0020|0013": "IS", "0020|0032": "DS", "0020|0037": "DS", "0028|0002": "US",
    "0028|0004": "CS", "0028|0006": "US", "0028|0008": "IS", "0028|0010": "US", "0028|0011": "US",
    "0028|0030": "DS", "0028|0100": "US", "0028|0101": "US", "0028|0102": "US", "0028|0103": "US",
    "0028|1052": "DS", "0028|1053": "DS", "7fe0|0010": "OW",
}  # fmt: skip


def element(tag: str, representation: str, value: bytes) -> bytes:
    """One element in explicit little endian."""
    group, number = (int(part, 16) for part in tag.split("|"))
    value += (
        b"\0" * (len(value) % 2)
        if representation in {"UI", "OB", "OW"}
        else b" " * (len(value) % 2)
    )
    head = struct.pack("<HH", group, number) + representation.encode()
    if representation in {"OB", "OW"}:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def encode(tag: str, value: Any) -> bytes:
    representation = VALUE_REPRESENTATIONS[tag]
    if representation == "US":
        data = struct.pack("<H", value)
    elif isinstance(value, bytes):
        data = value
    elif isinstance(value, str):
        data = value.encode()
    else:
        data = "\\".join(f"{number:.10g}" for number in np.ravel(value)).encode()
    return element(tag, representation, data)


def dicom_bytes(pixels: np.ndarray, tags: Mapping[str, Any]) -> bytes:
    """A CT slice of ``(rows, columns)``, or of ``(rows, columns, 3)`` colours; None drops a tag."""
    stored = np.ascontiguousarray(pixels)
    colour = stored.ndim == 3
    bits = stored.dtype.itemsize * 8
    fields = (
        {
            "0008|0016": CT_STORAGE,
            "0008|0018": "1.2.826.0.1.1",
            "0008|0060": "CT",
            "0018|0050": 2.0,
            "0020|000d": "1.2.826.0.1.2",
            "0020|000e": "1.2.826.0.1.3",
            "0020|0011": "3",
            "0020|0013": "1",
            "0020|0032": (0.0, 0.0, 0.0),
            "0020|0037": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            "0028|0002": 3 if colour else 1,
            "0028|0004": "RGB" if colour else "MONOCHROME2",
            "0028|0010": stored.shape[0],
            "0028|0011": stored.shape[1],
            "0028|0030": (0.8, 0.5),
            "0028|0100": bits,
            "0028|0101": bits,
            "0028|0102": bits - 1,
            "0028|0103": int(stored.dtype.kind == "i"),
            "0028|1052": 0.0,
            "0028|1053": 1.0,
            "7fe0|0010": stored.tobytes(),
        }
        | ({"0028|0006": 0} if colour else {})
        | dict(tags)
    )
    meta = (
        element("0002|0001", "OB", b"\0\1")
        + element("0002|0002", "UI", str(fields["0008|0016"]).encode())
        + element("0002|0003", "UI", str(fields["0008|0018"]).encode())
        + element("0002|0010", "UI", b"1.2.840.10008.1.2.1")
        + element("0002|0012", "UI", b"1.2.826.0.1.9")
    )
    body = b"".join(encode(tag, fields[tag]) for tag in sorted(fields) if fields[tag] is not None)
    length = element("0002|0000", "UL", struct.pack("<I", len(meta)))
    return b"\0" * 128 + b"DICM" + length + meta + body


WriteSlice = Callable[..., Path]


@pytest.fixture
def write_slice() -> WriteSlice:
    """Write one DICOM slice: ``write_slice(path, pixels, {tag: value})``."""

    def write(path: Path, pixels: np.ndarray, tags: Mapping[str, Any] | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dicom_bytes(pixels, tags or {}))
        return path

    return write
