"""UNETR++: its size, its attention on its own grid and on others, and what it hides."""

import pytest
import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks import build, build_dense
from napari_toposeg.learning.networks.epa import PairedAttention, PairedBlock, on_grid
from napari_toposeg.learning.networks.unetr_pp import UnetrPPEncoder

NANO = NetworkConfig(name="unetr-pp", size="nano", patch=8)


def test_the_published_size_has_its_parameters():
    """Synapse: 64 x 128 x 128 voxels, 14 classes; 42.96 M counts the running statistics too."""
    with torch.device("meta"):
        config = NANO.model_copy(update={"size": "base", "norm": "batch"})
        network = build_dense(config, outputs=14)
    learnt = sum(each.numel() for each in network.parameters())
    running = sum(each.numel() for name, each in network.named_buffers() if "running" in name)
    assert round(learnt / 1e6, 2) == 42.95
    assert round((learnt + running) / 1e6, 2) == 42.96


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("shape", [(16, 32, 32), (32, 32, 64)])
def test_every_weight_learns_from_crops_however_small(shape, norm):
    network = build_dense(NANO.model_copy(update={"norm": norm}), outputs=2).train()
    answers = network.forward_scales(torch.rand(1, 1, *shape))
    z, y, x = shape
    assert [tuple(each.shape) for each in answers] == [
        (1, 2, z, y, x),
        (1, 2, z // 2, y // 4, x // 4),
        (1, 2, z // 4, y // 8, x // 8),
    ]
    assert sum(network.scale_weights) == pytest.approx(1)
    sum(each.square().mean() for each in answers).backward()
    gradients = {name: each.grad for name, each in network.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@pytest.mark.parametrize("shape", [(16, 32, 32), (32, 32, 64)])
def test_a_crop_is_answered_alike_alone_and_in_a_batch(shape):
    torch.manual_seed(0)
    network, images = build_dense(NANO, outputs=2).train(), torch.rand(2, 1, *shape)
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), alone)


def test_either_norm_has_the_same_weights_and_batch_norm_the_running_statistics_too():
    instance, batch = (
        build_dense(NANO.model_copy(update={"norm": norm}), outputs=2)
        for norm in ("instance", "batch")
    )
    assert {name: each.shape for name, each in instance.named_parameters()} == {
        name: each.shape for name, each in batch.named_parameters()
    }
    more = batch.state_dict().keys() - instance.state_dict().keys()
    assert {name.rpartition(".")[2] for name in more} == {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }


@pytest.mark.parametrize("size", ["nano", "tiny", "small"])
def test_widths_and_strides_are_those_of_the_features(size):
    encoder = build_dense(NANO.model_copy(update={"size": size}), outputs=1).eval().encoder
    with torch.inference_mode():
        features = encoder(torch.rand(1, 1, 32, 32, 64))
    for feature, width, (z, y, x) in zip(features, encoder.widths, encoder.strides, strict=True):
        assert feature.shape == (1, width, 32 // z, 32 // y, 64 // x)


def attention(*, legacy_permute: bool, grid=(2, 3, 4)) -> PairedAttention:
    torch.manual_seed(0)
    return PairedAttention(
        8, heads=2, projections=5, grid=grid, legacy_permute=legacy_permute
    ).double()


@pytest.mark.parametrize("legacy_permute", [False, True])
def test_tokens_in_another_order_give_the_answers_in_that_order(legacy_permute):
    """With the projection's places in that order too; the public code's is broken in this."""
    epa = attention(legacy_permute=legacy_permute)
    tokens, order = torch.randn(2, 24, 8, dtype=torch.float64), torch.randperm(24)
    expected = epa(tokens, (2, 3, 4))[:, order]
    with torch.no_grad():
        epa.E.weight.copy_(epa.E.weight[:, order].clone())
    equal = torch.allclose(epa(tokens[:, order], (2, 3, 4)), expected, atol=1e-10)
    assert equal is not legacy_permute


def test_the_attention_is_that_of_the_equations():
    """Written out for each head with explicit sums."""
    epa = attention(legacy_permute=False)
    tokens = torch.randn(1, 24, 8, dtype=torch.float64)
    query, key, by_channel, by_place = (tokens[0] @ epa.qkvv.weight.T).split(8, dim=1)
    spatial, channel = [], []
    for head in range(2):
        q, k, c, s = (
            each[:, 4 * head : 4 * head + 4] for each in (query, key, by_channel, by_place)
        )
        few_k, few_s = (epa.E.weight @ each + epa.E.bias[:, None] for each in (k, s))
        q, k = q / q.norm(dim=0), k / k.norm(dim=0)
        spatial.append((q @ few_k.T).softmax(1) @ few_s)
        channel.append(c @ (q.T @ k).softmax(1).T)
    expected = torch.cat(
        [epa.out_proj(torch.cat(spatial, 1)), epa.out_proj2(torch.cat(channel, 1))], dim=1
    )
    torch.testing.assert_close(epa(tokens, (2, 3, 4))[0], expected)


def test_gradients_of_the_attention_agree_with_finite_differences():
    epa = attention(legacy_permute=False, grid=(1, 2, 2))
    tokens = torch.randn(1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda each: epa(each, (2, 2, 2)), tokens)


def test_on_its_own_grid_nothing_is_interpolated():
    block = PairedBlock(8, heads=2, projections=5, grid=(2, 3, 4), legacy_permute=False)
    assert block.positions_on((2, 3, 4)) is block.pos_embed
    assert block.epa_block.projection_on((2, 3, 4)) is block.epa_block.E.weight


def test_a_sum_over_places_keeps_its_size_on_other_grids():
    epa = attention(legacy_permute=False)
    with torch.no_grad():
        epa.E.weight.fill_(0.5)
    for grid in ((4, 6, 8), (1, 2, 2), (3, 3, 5)):
        torch.testing.assert_close(
            epa.projection_on(grid).sum(1), torch.full((5,), 12.0, dtype=torch.float64)
        )


def test_interpolated_positions_stay_where_they_were():
    ramp = torch.arange(4.0).expand(1, 2, 3, 4).reshape(1, 24)
    found = on_grid(ramp, (2, 3, 4), (2, 3, 8)).reshape(2, 3, 8)
    torch.testing.assert_close(found[1, 2, 1:-1], torch.arange(0.25, 3, 0.5))


def test_legacy_weights_have_the_same_names_and_other_answers():
    right = build_dense(NANO, outputs=2).eval()
    legacy = build_dense(NANO.model_copy(update={"legacy_permute": True}), outputs=2).eval()
    with torch.no_grad():
        for name, each in right.named_parameters():
            if name.endswith("gamma"):
                each.fill_(1.0)
    legacy.load_state_dict(right.state_dict())
    image = torch.rand(1, 1, 32, 32, 32)
    assert not torch.allclose(right(image), legacy(image), atol=1e-4)


def test_what_is_hidden_reaches_neither_encoder_nor_prediction():
    torch.manual_seed(0)
    autoencoder = build(NANO, task="reconstruct").eval()
    image = torch.rand(1, 1, 32, 32, 32)
    hidden = torch.rand(1, 64).argsort(1) < 40
    cubes = hidden.reshape(1, 1, 4, 4, 4)
    voxels = cubes.repeat_interleave(8, 2).repeat_interleave(8, 3).repeat_interleave(8, 4)
    other = torch.where(voxels, torch.rand_like(image), image)
    with torch.inference_mode():
        for one, two in zip(
            autoencoder.encoder(image, cubes), autoencoder.encoder(other, cubes), strict=True
        ):
            assert torch.equal(one, two)
        one, two = autoencoder(image, hidden), autoencoder(other, hidden)
        assert torch.equal(one.predicted_BMV, two.predicted_BMV)
        assert not torch.equal(one.true_BMV, two.true_BMV)


@pytest.mark.parametrize(("patch", "least"), [(6, 8), (2, 4), (9, 12)])
def test_cubes_that_cut_features_are_refused_with_the_least_that_fits(patch, least):
    config = NANO.model_copy(update={"patch": patch})
    with pytest.raises(InvalidConfig, match=f"--cube {least}"):
        build(config, task="reconstruct")
    assert build(config.model_copy(update={"cube": least}), task="reconstruct").cube == least


def test_a_grid_that_cannot_be_halved_thrice_is_refused():
    with pytest.raises(InvalidConfig, match="multiples of 8"):
        UnetrPPEncoder(width=8, grid=(8, 8, 12))


def test_half_precision_gives_finite_answers():
    """Answers alone: on CPUs, torch 2.13's bfloat16 gradients of small 3D kernels are garbage."""
    network = build_dense(NANO, outputs=2).train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answers = network.forward_scales(torch.rand(2, 1, 16, 32, 32))
    assert all(each.isfinite().all() for each in answers)
