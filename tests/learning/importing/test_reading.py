"""What is opened, what is refused, and what is fetched."""

import argparse
import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import save_file

from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.fetching import fetch, web_address
from napari_toposeg.learning.importing import import_weights
from napari_toposeg.learning.importing.reading import read_published

WEIGHTS = {"a.weight": torch.arange(3.0), "a.bias": torch.ones(2)}


@pytest.mark.parametrize("container", ["state_dict", "network_weights", "model", None])
def test_weights_are_found_where_frameworks_put_them(tmp_path, container):
    content = {container: WEIGHTS, "epoch": 7} if container else WEIGHTS
    torch.save(content, tmp_path / "weights.pth")
    published = read_published(tmp_path / "weights.pth")
    assert published.tensors.keys() == WEIGHTS.keys()
    assert dict(published.extra) == ({"epoch": 7} if container else {})


def test_safetensors_are_read_too(tmp_path):
    save_file(
        {f"module.{name}": value for name, value in WEIGHTS.items()}, tmp_path / "w.safetensors"
    )
    assert read_published(tmp_path / "w.safetensors").tensors.keys() == WEIGHTS.keys()


class Evil:
    def __reduce__(self):
        return (print, ("this must not run",))


@pytest.mark.parametrize("thing", [argparse.Namespace(lr=1), Evil()])
def test_objects_beside_the_tensors_are_not_opened(tmp_path, thing, capsys):
    torch.save({"state_dict": WEIGHTS, "args": thing}, tmp_path / "old.pt")
    with pytest.raises(InvalidCheckpoint, match=r"can run code.*take the weights out once"):
        read_published(tmp_path / "old.pt")
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "notes.pt").write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match="checkpoint of PyTorch"):
        read_published(tmp_path / "notes.pt")


def test_a_checkpoint_without_weights_or_of_an_unknown_layout_says_what_it_holds(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store"))
    torch.save({"epoch": 3}, tmp_path / "log.pt")
    with pytest.raises(InvalidCheckpoint, match="no weights by name, but epoch"):
        import_weights(tmp_path / "log.pt")
    torch.save(WEIGHTS, tmp_path / "odd.pt")
    with pytest.raises(InvalidCheckpoint, match=r"a\.weight, a\.bias.*monai-vit"):
        import_weights(tmp_path / "odd.pt")
    with pytest.raises(InvalidCheckpoint, match="do not have the layout monai-swin"):
        import_weights(tmp_path / "odd.pt", layout="monai-swin")


def test_an_address_of_the_hub_is_that_of_its_file():
    found = web_address("hf://MIC-DKFZ/ResEncL-OpenMind-MAE/checkpoint final.pth")
    assert found == (
        "https://huggingface.co/MIC-DKFZ/ResEncL-OpenMind-MAE/resolve/main/checkpoint%20final.pth"
    )
    with pytest.raises(InvalidCheckpoint, match="names no file"):
        web_address("hf://MIC-DKFZ/ResEncL-OpenMind-MAE")


class CutOff(BaseHTTPRequestHandler):
    """Announces more than it sends."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"too little")

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Serve on a free port until the test ends; return the address."""
    servers = []

    def start(handler):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetched(*arguments, **options):
    run, steps = fetch(*arguments, **options), []
    while True:
        try:
            steps.append(next(run))
        except StopIteration as stop:
            return stop.value, steps


def test_a_file_is_fetched_whole_with_its_progress_and_checked(tmp_path, serve):
    content = bytes(range(256)) * 12_000
    (tmp_path / "weights.pt").write_bytes(content)
    address = serve(partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) + "/weights.pt"
    folder = tmp_path / "here"
    folder.mkdir()
    right = hashlib.sha256(content).hexdigest()
    path, steps = fetched(address, folder, sha256=right.upper())
    assert path.read_bytes() == content and path.name == "weights.pt"
    assert [step.step for step in steps] == [1, 2, 3] and steps[-1].total == 3
    with pytest.raises(InvalidCheckpoint, match="checksum"):
        fetched(address, folder, sha256="0" * 64)
    with pytest.raises(InvalidCheckpoint, match="could not be fetched"):
        fetched(f"{address}.missing", folder)


def test_a_file_that_comes_short_is_refused(tmp_path, serve):
    with pytest.raises(InvalidCheckpoint, match=r"10 of 1000 bytes|could not be fetched"):
        fetched(f"{serve(CutOff)}/weights.pt", tmp_path)
    assert not list(tmp_path.iterdir())
