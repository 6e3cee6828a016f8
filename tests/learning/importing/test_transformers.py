"""Published transformers give the features here that they give where they were published."""

import pytest
import torch
from monai.networks.nets import SwinUNETR, ViT, ViTAutoEnc

from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.checkpoints import load_model
from napari_toposeg.learning.importing import import_weights

EDGE, PATCH, WIDTH, DEPTH, HEADS = 16, 8, 144, 6, 6


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store"))


def as_here(image_ras):
    """Turn ``(..., x, y, z)`` to Right, Anterior, Superior to the axes of this program."""
    return image_ras.flip(-3, -2).transpose(-3, -1)


def monai_vit(kind, proj_type="conv"):
    torch.manual_seed(0)
    return kind(
        1, (EDGE,) * 3, (PATCH,) * 3, hidden_size=WIDTH, mlp_dim=4 * WIDTH, num_layers=DEPTH,
        num_heads=HEADS, proj_type=proj_type,
    ).eval()  # fmt: skip


def tokens_as_here(tokens_BND):
    grid = (EDGE // PATCH,) * 3
    return as_here(tokens_BND.transpose(1, 2).reshape(-1, WIDTH, *grid))


@pytest.mark.parametrize("proj_type", ["conv", "perceptron"])
@pytest.mark.parametrize("wrapper", ["", "module."])
def test_monais_vit_gives_its_features_on_a_turned_scan(tmp_path, proj_type, wrapper):
    theirs = monai_vit(ViT, proj_type)
    weights = {f"{wrapper}{name}": value for name, value in theirs.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": weights}, tmp_path / "vit.pt")
    card, report = import_weights(tmp_path / "vit.pt")
    image = torch.rand(1, 1, EDGE, EDGE, EDGE)
    with torch.no_grad():
        expected = tokens_as_here(theirs(image)[0])
        (features,) = load_model(card.name).network(as_here(image))
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-4)
    assert report.layout == "monai-vit" and card.intensity == (-57.0, 164.0)


def test_every_published_key_is_told_once(tmp_path):
    theirs = ViTAutoEnc(1, (32,) * 3, (16,) * 3, 1, 4, WIDTH, 4 * WIDTH, DEPTH, HEADS)
    torch.save(theirs.state_dict(), tmp_path / "autoencoder.pth")
    _, report = import_weights(tmp_path / "autoencoder.pth")
    told = [*(theirs for theirs, _ in report.taken), *report.left]
    assert sorted(told) == sorted(theirs.state_dict())
    assert set(report.filled) == {f"encoder.blocks.{n}.qkv.bias" for n in range(DEPTH)}
    assert {name.split(".")[0] for name in report.left} == {
        "conv3d_transpose", "conv3d_transpose_1", "blocks",
    }  # fmt: skip
    assert all("cross" in name for name in report.left if name.startswith("blocks"))


def selfmedmae(theirs):
    """Return weights under SelfMedMAE's names, with its class token and decoder."""
    layers = {"attn.out_proj": "attn.proj", "mlp.linear1": "mlp.fc1", "mlp.linear2": "mlp.fc2"}
    weights = {}
    for name, value in theirs.state_dict().items():
        for monai, timm in layers.items():
            name = name.replace(monai, timm)
        name = name.replace("patch_embedding.patch_embeddings", "patch_embed.proj")
        if "cross_attn" not in name and "position" not in name:
            weights[f"encoder.{name}"] = value
    for number in range(DEPTH):
        weights[f"encoder.blocks.{number}.attn.qkv.bias"] = torch.zeros(3 * WIDTH)
    return weights | {
        "encoder_pos_embed": theirs.patch_embedding.position_embeddings,
        "encoder.cls_token": torch.zeros(1, 1, WIDTH),
        "decoder_pos_embed": torch.zeros(1, 8, 48),
        "decoder.blocks.0.attn.qkv.weight": torch.zeros(144, 48),
        "decoder.head.weight": torch.zeros(512, 48),
        "encoder_to_decoder.weight": torch.zeros(48, WIDTH),
        "mask_token": torch.zeros(1, 1, 48),
    }


@pytest.mark.parametrize("finetuned", [False, True])
def test_selfmedmaes_encoder_gives_the_features_of_the_same_weights_at_monais(tmp_path, finetuned):
    theirs = monai_vit(ViT)
    weights = selfmedmae(theirs)
    if finetuned:
        positions = weights.pop("encoder_pos_embed")
        weights["encoder.pos_embed"] = torch.cat([torch.zeros(1, 1, WIDTH), positions], dim=1)
    torch.save({"arch": "vit_base", "state_dict": weights}, tmp_path / "checkpoint_9999.pth.tar")
    card, report = import_weights(tmp_path / "checkpoint_9999.pth.tar", "selfmed")
    image = torch.rand(1, 1, EDGE, EDGE, EDGE)
    with torch.no_grad():
        expected = tokens_as_here(theirs(image)[0])
        (features,) = load_model("selfmed").network(as_here(image))
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-4)
    assert report.layout == "selfmedmae" and not report.filled
    assert (card.spacing, card.intensity) == ((2.0, 1.5, 1.5), (-175.0, 250.0))
    assert {"encoder.cls_token", "mask_token", "decoder.head.weight"} < set(report.left)


@pytest.fixture(scope="module")
def swin():
    torch.manual_seed(0)
    return SwinUNETR(1, 2, feature_size=12).eval().swinViT


def published_swin(swin):
    """Return the transformer's weights under the names of ``model_swinvit.pt``."""
    names = {
        name: f"module.{name.replace('.linear1.', '.fc1.').replace('.linear2.', '.fc2.')}"
        for name in swin.state_dict()
    }
    weights = {names[name]: value for name, value in swin.state_dict().items()}
    heads = {"module.rotation_head.weight": torch.zeros(4, 192), "module.norm.bias": torch.zeros(9)}
    return {"epoch": 1, "state_dict": weights | heads, "optimizer": {"lr": 0.1}}


def test_monais_swin_is_taken_whole_and_its_heads_are_left(tmp_path, swin):
    torch.save(published_swin(swin), tmp_path / "model_swinvit.pt")
    card, report = import_weights(tmp_path / "model_swinvit.pt")
    assert (card.network.name, card.network.size) == ("swin", "nano")
    assert len(report.taken) == len(swin.state_dict())
    assert report.left == ("rotation_head.weight", "norm.bias")
    ours = load_model(card.name).network.encoder.swin
    kept = [name for name in swin.state_dict() if "qkv" in name or "mlp" in name]
    assert all(torch.equal(ours.state_dict()[name], swin.state_dict()[name]) for name in kept)


def test_a_swin_of_the_second_version_is_refused(tmp_path):
    second = SwinUNETR(1, 2, feature_size=12, use_v2=True)
    torch.save(second.state_dict(), tmp_path / "swin.pt")
    with pytest.raises(InvalidCheckpoint, match="use_v2"):
        import_weights(tmp_path / "swin.pt")


def test_the_layers_of_monais_swin_answer_to_turned_features_as_they_did(tmp_path, swin):
    torch.save(published_swin(swin), tmp_path / "model_swinvit.pt")
    ours = load_model(import_weights(tmp_path / "model_swinvit.pt")[0].name).network.encoder.swin
    image = torch.rand(1, 1, 28, 28, 28)
    with torch.no_grad():
        embedded = swin.patch_embed(image)
        torch.testing.assert_close(ours.patch_embed(as_here(image)), as_here(embedded))
        # 14 features an edge are two windows of 7, whose borders are the same from either side.
        stages = [each.layers1[0] for each in (swin, ours)]
        last = embedded.movedim(1, -1), as_here(embedded).movedim(1, -1)
        seen, seen_here = (s.blocks[0](f, None) for s, f in zip(stages, last, strict=True))
        torch.testing.assert_close(seen_here.movedim(-1, 1), as_here(seen.movedim(-1, 1)))
        merged, merged_here = (
            stage.downsample(features).movedim(-1, 1)
            for stage, features in zip(stages, (seen, seen_here), strict=True)
        )
        torch.testing.assert_close(merged_here, as_here(merged))


def test_a_size_that_is_none_of_ours_is_refused_with_those_that_are(tmp_path):
    torch.save(ViT(1, 16, 8, 48, 192, 2, 3).state_dict(), tmp_path / "odd.pt")
    with pytest.raises(InvalidCheckpoint, match=r"2 blocks and tokens of 48.*base: \(768, 12\)"):
        import_weights(tmp_path / "odd.pt")
