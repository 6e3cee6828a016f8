"""What files hold is read once, and again when they change."""

import logging
import os
from pathlib import Path

import pytest

from napari_toposeg.comparison import contents
from napari_toposeg.comparison.contents import contents_of, read_record


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return three files of the same size, the first and the last alike."""
    places = [tmp_path / f"{number}.nii" for number in range(3)]
    for place, text in zip(places, ("left", "side", "left"), strict=True):
        place.write_text(text)
    return places


def test_the_digest_is_of_what_a_file_holds(files: list[Path], tmp_path: Path) -> None:
    first, second, third = contents_of(files, tmp_path / "record.json").values()
    assert first == third != second


def test_a_folder_is_all_its_files(files: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    for place in files:
        place.rename(folder / place.name)
    (before,) = contents_of([folder], tmp_path / "record.json").values()
    (folder / "1.nii").write_text("edit")
    assert contents_of([folder], tmp_path / "record.json")[folder] != before


def test_files_are_read_once(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record.json"
    before = contents_of(files, record)
    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", lambda *_: pytest.fail("a file was read again"))
        assert contents_of(files, record) == before
    # The same size, and another time.
    state = files[1].stat()
    files[1].write_text("edit")
    os.utime(files[1], ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    after = contents_of(files, record)
    assert [before[place] == after[place] for place in files] == [True, False, True]


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"a": 1}', '{"a": ["b", 0, 0]}', "{"])
def test_a_broken_record_is_made_anew(files: list[Path], tmp_path: Path, text: str) -> None:
    record = tmp_path / "record.json"
    whole = contents_of(files, record)
    record.write_text(text)
    assert contents_of(files, record) == whole
    assert len(read_record(record)) == len(files)


def test_long_reading_is_told(
    files: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(contents, "TOLD_BYTES", 12)
    with caplog.at_level(logging.WARNING, logger="napari_toposeg"):
        contents_of(files, tmp_path / "record.json")
        contents_of(files, tmp_path / "record.json")
    (told,) = caplog.messages
    assert told.startswith("reading 0.0 GB of 3 files, once")
