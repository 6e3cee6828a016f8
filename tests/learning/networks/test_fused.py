"""The pair of a ViT and a UNETR++, and the network that joins them."""

import pytest
import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks import build, build_dense
from napari_toposeg.learning.networks.fused import nearest_scale
from napari_toposeg.learning.networks.unetr_pp import UnetrPP

FUSED = NetworkConfig(name="fused", size="nano", patch=8)


@pytest.fixture
def image():
    return torch.rand(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def hidden():
    return torch.rand(1, 64, generator=torch.Generator().manual_seed(1)).argsort(1) < 30


def test_a_pair_rebuilds_the_same_hidden_cubes_and_answers_their_mean(image, hidden):
    pair = build(FUSED, task="reconstruct").eval()
    with torch.inference_mode():
        vit, upp = pair.both(image, hidden)
        mean = pair(image, hidden)
    assert torch.equal(vit.true_BMV, upp.true_BMV)
    torch.testing.assert_close(mean.predicted_BMV, (vit.predicted_BMV + upp.predicted_BMV) / 2)
    torch.testing.assert_close(
        mean.composite_BCZYX, (vit.composite_BCZYX + upp.composite_BCZYX) / 2
    )
    assert mean.pooled_BD.shape[1] == vit.pooled_BD.shape[1] + upp.pooled_BD.shape[1]


def test_every_weight_of_a_pair_learns(image, hidden):
    pair = build(FUSED, task="reconstruct")
    pair(image, hidden).predicted_BMV.square().mean().backward()
    assert [name for name, each in pair.named_parameters() if each.grad is None] == []
    assert {name.split(".")[0] for name in pair.state_dict()} == {"vit", "upp"}


def test_a_pair_of_different_cubes_is_refused():
    with pytest.raises(InvalidConfig, match="--cube"):
        build(FUSED.model_copy(update={"cube": 16}), task="reconstruct")


def alone(fused):
    """Return the UNETR++ with a fused network's weights."""
    upp = build_dense(FUSED.model_copy(update={"name": "unetr-pp"}), outputs=2)
    assert type(upp) is UnetrPP
    upp.load_state_dict(
        {
            name.replace("encoder.upp.", "encoder."): each
            for name, each in fused.state_dict().items()
            if not name.startswith(("encoder.vit.", "join."))
        }
    )
    return upp.eval()


@pytest.mark.parametrize("patch", [4, 8, 16])
def test_at_the_start_the_fused_network_is_the_unetr_pp_alone(patch):
    fused = build_dense(FUSED.model_copy(update={"patch": patch}), outputs=2).eval()
    z, y, x = fused.encoder.multiple
    image = torch.rand(1, 1, z, y, x)
    with torch.inference_mode():
        assert torch.equal(fused(image), alone(fused)(image))
        torch.nn.init.normal_(fused.join.weight)
        assert not torch.equal(fused(image), alone(fused)(image))


def test_every_weight_of_the_fused_network_learns_once_it_is_joined(image):
    fused = build_dense(FUSED, outputs=2)
    torch.nn.init.normal_(fused.join.weight)
    sum(each.square().mean() for each in fused.forward_scales(image)).backward()
    assert [name for name, each in fused.named_parameters() if each.grad is None] == []
    assert fused.encoder.vit.embed.weight.grad.abs().sum() > 0


def test_the_features_stand_from_fine_to_coarse(image):
    encoder = build_dense(FUSED, outputs=1).eval().encoder
    with torch.inference_mode():
        features = encoder(image)
    for feature, width, (z, y, x) in zip(features, encoder.widths, encoder.strides, strict=True):
        assert feature.shape == (1, width, 32 // z, 32 // y, 32 // x)
    sizes = [feature.shape[2:].numel() for feature in features]
    assert sizes == sorted(sizes, reverse=True)


def test_the_nearest_scale_spans_the_most_similar_volume():
    strides = ((2, 4, 4), (4, 8, 8), (8, 16, 16), (16, 32, 32))
    assert [nearest_scale(strides, (edge,) * 3) for edge in (4, 8, 16, 32)] == [0, 1, 2, 3]
