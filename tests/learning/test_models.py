import errno
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning import cards, model_store
from napari_toposeg.learning.cards import Card, load_card
from napari_toposeg.learning.checkpoints import load_model, save_checkpoint
from napari_toposeg.learning.networks import build

CARD = Card(
    name="small",
    task="segment",
    network=NetworkConfig(size="nano"),
    crop=(12, 12, 12),
    spacing=(2.0, 2.0, 2.0),
    classes=("vessel",),
)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, build(CARD.network, task="segment", classes=1).state_dict(), CARD)
    return path


def test_a_saved_model_is_loaded_with_its_card_and_weights(checkpoint):
    model = load_model(checkpoint)
    assert model.card == CARD
    torch.manual_seed(0)
    expected = build(CARD.network, task="segment", classes=1).state_dict()
    for name, tensor in model.network.state_dict().items():
        assert torch.equal(tensor, expected[name])


@pytest.mark.parametrize("task", ["reconstruct", "encode", "segment"])
@pytest.mark.parametrize("name", ["vit", "unetr", "swin", "unetr-pp", "resenc-unet", "fused"])
def test_every_network_is_loaded_without_what_its_training_kept(tmp_path, name, task):
    network = NetworkConfig(name=name, size="nano", patch=8)
    classes = ("vessel",) if task == "segment" else ()
    card = CARD.model_copy(update={"network": network, "task": task, "classes": classes})
    weights = build(network, task=task, classes=len(classes)).state_dict()
    kept = {"state.head.weight": torch.ones(2), "optimiser.0.exp_avg": torch.ones(3)}
    save_checkpoint(tmp_path / "last.safetensors", weights | kept, card)
    loaded = load_model(tmp_path).network.state_dict()
    assert loaded.keys() == weights.keys()
    assert all(torch.equal(loaded[each], weights[each]) for each in weights)


def test_weights_stored_in_half_precision_are_loaded_in_full(checkpoint, tmp_path):
    path = tmp_path / "half.safetensors"
    save_checkpoint(
        path, load_model(checkpoint).network.state_dict(), CARD, precision=torch.float16
    )
    assert path.stat().st_size < 0.6 * checkpoint.stat().st_size
    assert next(load_model(path).network.parameters()).dtype == torch.float32


def test_weights_of_another_network_are_refused_by_name(tmp_path):
    path = tmp_path / "wrong.safetensors"
    weights = build(CARD.network, task="segment", classes=4).state_dict()
    save_checkpoint(path, weights, CARD)
    with pytest.raises(InvalidCheckpoint, match=r"other shape \['classify"):
        load_model(path)


@pytest.mark.parametrize("keep", [0, 5, 400, -100])
def test_a_truncated_file_is_refused(checkpoint, tmp_path, keep):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(checkpoint.read_bytes()[:keep])
    with pytest.raises(InvalidCheckpoint, match=r"whole|damaged"):
        load_model(cut)


def test_a_file_of_another_kind_is_refused(tmp_path):
    text = tmp_path / "notes.safetensors"
    text.write_text("these are my notes on the models")
    with pytest.raises(InvalidCheckpoint):
        load_card(text)


def test_an_unknown_name_is_answered_with_the_known_ones(checkpoint, store):
    model_store.register_model(checkpoint, "mine")
    with pytest.raises(InvalidCheckpoint, match="mine"):
        load_card("yours")


def test_a_registered_model_is_listed_loaded_exported_and_removed(checkpoint, store, tmp_path):
    assert model_store.register_model(checkpoint, "mine").name == "mine"
    assert "mine" in [card.name for card in cards.list_models()]
    assert load_model("mine").card.classes == ("vessel",)
    assert model_store.export_model("mine", tmp_path / "out.safetensors").is_file()
    model_store.remove_model("mine")
    assert "mine" not in [card.name for card in cards.list_models()]


@pytest.mark.parametrize("same_disk", [True, False])
def test_a_model_is_moved_into_the_store_whole(checkpoint, store, monkeypatch, same_disk):
    content, replace = checkpoint.read_bytes(), Path.replace

    def across(source, target):
        if source == checkpoint and not same_disk:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", across)
    assert model_store.move_model(checkpoint, "mine") == CARD.model_copy(update={"name": "mine"})
    assert [each.name for each in store.iterdir()] == ["mine.safetensors"]
    assert (store / "mine.safetensors").read_bytes() == content
    assert checkpoint.exists() is not same_disk


def test_a_damaged_model_is_not_moved_into_the_store(checkpoint, store):
    checkpoint.write_bytes(checkpoint.read_bytes()[:20])
    with pytest.raises(InvalidCheckpoint):
        model_store.move_model(checkpoint, "mine")
    assert checkpoint.exists() and not store.exists()


@pytest.mark.parametrize("name", ["", "../evil", "a/b", ".hidden"])
def test_names_that_are_paths_are_refused(checkpoint, store, name):
    with pytest.raises(InvalidCheckpoint, match="cannot name a model"):
        model_store.register_model(checkpoint, name)


def test_listing_models_imports_no_torch():
    code = (
        "import sys; from napari_toposeg.learning.cards import list_models; list_models(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_import_does_not_replace_a_model(checkpoint, store):
    model_store.import_model(checkpoint, "mine")
    with pytest.raises(InvalidCheckpoint, match="already"):
        model_store.import_model(checkpoint, "mine")
