"""The residual-encoder U-Net: its size, its masked convolutions, and the cubes that fit it."""

import pytest
import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks import build, build_dense
from napari_toposeg.learning.networks.dense_autoencoder import least_cube
from napari_toposeg.learning.networks.encoder import all_hidden
from napari_toposeg.learning.networks.instance_norm import InstanceNorm
from napari_toposeg.learning.networks.masked_convolutions import visible_norm

NANO = NetworkConfig(name="resenc-unet", size="nano", patch=8)


def in_voxels(cubes, edge):
    for axis in (2, 3, 4):
        cubes = cubes.repeat_interleave(edge, axis)
    return cubes


def hiding(size="nano"):
    """An encoder whose blocks add something, as they do once trained."""
    torch.manual_seed(0)
    config = NANO.model_copy(update={"size": size})
    encoder = build_dense(config, outputs=1, hides=True).eval().encoder
    for name, each in encoder.named_parameters():
        if "norm" in name:
            torch.nn.init.normal_(each, 0.5)
    return encoder


def test_nnu_nets_plan_l_has_its_parameters():
    """102.35 M for one channel and one class, as published for ResEnc-L."""
    with torch.device("meta"):
        network = build_dense(NANO.model_copy(update={"size": "base"}), outputs=1)
    assert round(sum(each.numel() for each in network.parameters()) / 1e6, 2) == 102.35


def test_names_are_those_of_the_public_package():
    names = set(build_dense(NANO, outputs=2).state_dict())
    assert {
        "encoder.stem.convs.0.conv.weight",
        "encoder.stages.0.blocks.0.conv1.norm.bias",
        "encoder.stages.1.blocks.0.skip.1.conv.weight",
        "decoder.transpconvs.0.bias",
        "decoder.stages.0.convs.0.norm.weight",
        "decoder.seg_layers.2.weight",
    } <= names
    assert "encoder.stages.1.blocks.0.skip.1.conv.bias" not in names


@pytest.mark.parametrize("shape", [(8, 8, 8), (16, 8, 24)])
def test_every_weight_learns_from_crops_however_small(shape):
    network = build_dense(NANO, outputs=2).train()
    answers = network.forward_scales(torch.rand(1, 1, *shape))
    assert answers[0].shape == (1, 2, *shape)
    assert answers[1].shape == (1, 2, *(edge // 2 for edge in shape))
    assert sum(network.scale_weights) == pytest.approx(1)
    sum(each.square().mean() for each in answers).backward()
    gradients = {name: each.grad for name, each in network.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@pytest.mark.parametrize("size", ["nano", "tiny"])
def test_small_sizes_take_crops_of_32_voxels(size):
    encoder = build_dense(NANO.model_copy(update={"size": size}), outputs=1).encoder
    assert max(encoder.multiple) <= 16


@pytest.mark.parametrize("edge", [2, 4, 8, 16])
def test_what_is_hidden_has_no_influence_on_any_feature(edge):
    encoder = hiding()
    image = torch.rand(1, 1, 32, 32, 32)
    cubes = torch.rand(1, 1, *(32 // edge,) * 3) < 0.6
    other = torch.where(in_voxels(cubes, edge), 9 * torch.rand_like(image), image)
    with torch.inference_mode():
        for one, two in zip(encoder(image, cubes), encoder(other, cubes), strict=True):
            assert torch.equal(one, two)
        for one, two in zip(encoder(image), encoder(other), strict=True):
            assert not torch.equal(one, two)


def test_hidden_places_hold_the_token_of_their_scale():
    encoder = hiding()
    cubes = torch.zeros(1, 1, 4, 4, 4, dtype=torch.bool)
    cubes[0, 0, :2] = True
    with torch.inference_mode():
        features = encoder(torch.rand(1, 1, 32, 32, 32), cubes)
    for feature, token in zip(features, encoder.hidden_token.split(encoder.widths), strict=True):
        upper, lower = feature.chunk(2, dim=2)
        assert torch.equal(upper, token[None, :, None, None, None].expand_as(upper))
        assert not torch.equal(lower, token[None, :, None, None, None].expand_as(lower))


def test_statistics_of_a_norm_are_those_of_what_is_visible():
    norm = InstanceNorm(3, affine=True)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    features = torch.randn(2, 3, 4, 4, 4)
    visible = torch.zeros(2, 1, 4, 4, 4, dtype=torch.bool)
    visible[:, :, :, 1:3] = True
    found = visible_norm(features, visible, norm)
    torch.testing.assert_close(found[:, :, :, 1:3], norm(features[:, :, :, 1:3]))
    assert found[:, :, :, [0, 3]].abs().max() == 0


def test_where_all_is_visible_a_mask_changes_nothing():
    encoder = hiding()
    image = torch.rand(1, 1, 16, 16, 16)
    with torch.inference_mode():
        nothing = torch.zeros(1, 1, 2, 2, 2, dtype=torch.bool)
        for one, two in zip(encoder(image, nothing), encoder(image), strict=True):
            torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


def test_a_coarse_feature_is_hidden_where_all_its_cubes_are():
    cubes = torch.zeros(1, 1, 2, 2, 4, dtype=torch.bool)
    cubes[0, 0, :, :, :2] = True
    cubes[0, 0, 0, 0, 2] = True
    assert all_hidden(cubes, (1, 1, 2)).flatten().tolist() == [True, False]
    assert all_hidden(cubes, (1, 1, 8)).flatten().tolist() == [True] * 4 + [False] * 4
    with pytest.raises(InvalidConfig, match="power of two"):
        all_hidden(cubes, (1, 1, 3))


@pytest.mark.parametrize(("cube", "least"), [(1, 1), (3, 4), (6, 8), (9, 16), (16, 16), (24, 24)])
def test_cubes_fit_features_of_every_scale_or_are_refused(cube, least):
    assert least_cube(hiding(), cube) == least
    config = NANO.model_copy(update={"cube": cube})
    if cube == least:
        image, hidden = torch.rand(1, 1, 48, 48, 48), torch.zeros(1, (48 // cube) ** 3).bool()
        hidden[:, ::2] = True
        if cube > 1:
            assert (
                build(config, task="reconstruct")
                .eval()(image, hidden)
                .predicted_BMV.isfinite()
                .all()
            )
    else:
        with pytest.raises(InvalidConfig, match=f"--cube {least}"):
            build(config, task="reconstruct")


def test_half_precision_gives_finite_answers():
    """Answers alone: on CPUs, torch 2.13's bfloat16 gradients of small 3D kernels are garbage."""
    autoencoder = build(NANO, task="reconstruct").train()
    hidden = torch.rand(2, 8).argsort(1) < 5
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rebuilt = autoencoder(torch.rand(2, 1, 16, 16, 16), hidden)
    assert rebuilt.predicted_BMV.isfinite().all()
