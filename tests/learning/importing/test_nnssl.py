"""The residual encoder of nnSSL, in files with its exact names."""

import pytest
import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.checkpoints import load_model
from napari_toposeg.learning.importing import import_weights
from napari_toposeg.learning.networks import build

PLAN = {
    "architecture_plans": {"arch_class_name": "ResEncL", "arch_kwargs": None},
    "pretrain_plan": {
        "configurations": {"onemmiso": {"patch_size": [160, 160, 160], "spacing": [1, 1, 2]}}
    },
    "pretrain_num_input_channels": 1,
    "key_to_encoder": "encoder.stages",
    "key_to_stem": "encoder.stem",
}


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store"))


def published(size="nano"):
    """Return a network, and its weights as nnSSL lists them: with every second name."""
    torch.manual_seed(0)
    network = build(NetworkConfig(name="resenc-unet", size=size), task="segment", classes=0)
    weights = {}
    for name, value in network.state_dict().items():
        weights[name] = value
        for layer, number in ((".conv.", 0), (".norm.", 1)):
            if layer in name:
                weights[name.replace(layer, f".all_modules.{number}.")] = value
    copies = {f"decoder.{n}": v for n, v in weights.items() if n.startswith("encoder.")}
    return network, weights | copies


@pytest.mark.parametrize("plan", [PLAN, None])
def test_nnssls_encoder_is_taken_once_and_the_rest_told(tmp_path, plan):
    network, weights = published()
    content = {"network_weights": weights, "citations": ["Wald et al."]}
    torch.save(content | ({"nnssl_adaptation_plan": plan} if plan else {}), tmp_path / "final.pth")
    card, report = import_weights(tmp_path / "final.pth")
    assert (card.network.name, card.network.size, card.task) == ("resenc-unet", "nano", "encode")
    assert card.crop == (160, 160, 160) and card.intensity == "z-score"
    assert card.spacing == ((1.0, 1.0, 2.0) if plan else (1.0, 1.0, 1.0))
    assert sorted([*(theirs for theirs, _ in report.taken), *report.left]) == sorted(weights)
    assert all("all_modules" in name or name.startswith("decoder.") for name in report.left)
    image = torch.randn(1, 1, 16, 16, 16)
    with torch.no_grad():
        expected = network.eval().encoder(image)
        features = load_model(card.name).network(image)
    for seen, before in zip(features, expected, strict=True):
        torch.testing.assert_close(seen, before)


def test_the_published_names_and_shapes_of_resenc_l_are_those_of_the_base_size():
    with torch.device("meta"):
        _, weights = published("base")
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    assert shapes["encoder.stem.convs.0.conv.weight"] == (32, 1, 3, 3, 3)
    assert shapes["encoder.stem.convs.0.all_modules.0.weight"] == (32, 1, 3, 3, 3)
    assert shapes["encoder.stages.1.blocks.0.skip.1.conv.weight"] == (64, 32, 1, 1, 1)
    assert shapes["encoder.stages.5.blocks.5.conv2.norm.weight"] == (320,)
    # As counted in a published file: 448 names of the encoder, with the second ones.
    assert sum(name.startswith("encoder.") for name in shapes) == 448


def test_a_residual_encoder_of_other_widths_is_refused(tmp_path):
    _, weights = published()
    lacking = {name: value for name, value in weights.items() if "stages.3." not in name}
    torch.save({"network_weights": lacking}, tmp_path / "odd.pth")
    with pytest.raises(InvalidCheckpoint, match=r"\(8, 16, 32\).*base"):
        import_weights(tmp_path / "odd.pth")
