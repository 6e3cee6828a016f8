"""The models command: into the store, out of it, and what is not there."""

import json
import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from napari_toposeg.cli import main
from napari_toposeg.cli.models import line


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty store of models."""
    folder = tmp_path / "store"
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(folder))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Write a file that is a model as far as its card goes."""
    from napari_toposeg.config import NetworkConfig
    from napari_toposeg.learning.cards import Card

    card = Card(
        name="mine",
        task="segment",
        network=NetworkConfig(),
        crop=(48, 48, 48),
        spacing=(1, 1, 1),
        classes=("vessel",),
        intended_use="Trying things out.",
    )
    header = json.dumps({"__metadata__": {"card": card.model_dump_json()}}).encode()
    path = tmp_path / "mine.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def listed(capsys: pytest.CaptureFixture) -> list[str]:
    """Return the names that models list gives."""
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    return [card["name"] for card in json.loads(capsys.readouterr().out)]


def test_a_model_goes_in_is_shown_goes_out_and_is_removed(
    store: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["models", "import", str(model), "--name", "other"]) == 0
    assert "other" in listed(capsys)
    assert main(["models", "info", "other"]) == 0
    assert "Trying things out." in capsys.readouterr().out
    assert main(["models", "export", "other", str(tmp_path / "copy.safetensors")]) == 0
    assert (tmp_path / "copy.safetensors").read_bytes() == model.read_bytes()
    assert main(["models", "remove", "other"]) == 0
    assert "other" not in listed(capsys)


def test_a_model_is_imported_under_its_files_name(
    store: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["models", "import", str(model)]) == 0
    assert "mine" in listed(capsys)


def test_a_model_is_fetched_from_a_url(
    store: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(model.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{model.name}"
        assert main(["models", "import", address]) == 0
        assert main(["models", "import", f"{address}.missing"]) == 2
        server.shutdown()
    assert "mine" in listed(capsys)


@pytest.mark.parametrize("words", ["info nothing", "remove nothing", "import nowhere.safetensors"])
def test_a_model_that_is_not_there_is_one_clear_line(
    store: Path, words: str, capsys: pytest.CaptureFixture
) -> None:
    assert main(["models", *words.split()]) == 2
    err = capsys.readouterr().err
    assert err.startswith("napari-toposeg models: ") and len(err.splitlines()) == 1


def test_what_a_card_leaves_open_is_not_shown():
    assert line({"grid": None, "flips": "", "levels": [0.0, 1.0], "share": 0}) == (
        "levels 0, 1, share 0"
    )
