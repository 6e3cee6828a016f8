import pytest
import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.layer_rates import freeze_encoder, parameter_groups
from napari_toposeg.learning.losses.scales import at_scale, coarse_loss
from napari_toposeg.learning.networks import build_dense


def rates(name: str, decay: float) -> dict[str, float]:
    network = build_dense(NetworkConfig(name=name, size="nano", patch=8), outputs=2)
    return {
        name: group["scale"]
        for group in parameter_groups(network, decay)
        for name, _ in group["params"]
    }


@pytest.mark.parametrize("name", ["vit", "unetr"])
def test_each_block_learns_slower_than_the_next_by_the_decay(name):
    found = rates(name, 0.5)
    blocks = [found[f"encoder.blocks.{number}.qkv.weight"] for number in range(6)]
    assert blocks == [0.5 ** (6 - number) for number in range(6)]
    assert found["encoder.embed.weight"] == 0.5**7
    assert found["encoder.norm.weight"] == 1
    assert {rate for each, rate in found.items() if not each.startswith("encoder.")} == {1}


def test_without_a_decay_all_learn_alike():
    network = build_dense(NetworkConfig(size="nano", patch=8), outputs=2)
    (group,) = parameter_groups(network, 1.0)
    assert [name for name, _ in group["params"]] == [name for name, _ in network.named_parameters()]


STAGES = {
    "swin": ["swin.patch_embed.", *(f"swin.layers{number}." for number in range(1, 5))],
    "unetr-pp": [f"stages.{number}." for number in range(4)],
    "resenc-unet": ["stem.", *(f"stages.{number}." for number in range(4))],
}


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_learns_slower_than_the_next_by_the_decay(name):
    found = rates(name, 0.5)
    for above, stage in enumerate(reversed(STAGES[name]), start=1):
        own = {rate for each, rate in found.items() if each.startswith(f"encoder.{stage}")}
        assert own == {0.5**above}
    assert {rate for each, rate in found.items() if not each.startswith("encoder.")} == {1}
    assert not any(rate == 1 for each, rate in found.items() if each.startswith("encoder."))


def test_the_way_down_to_a_stage_of_unetr_pp_learns_with_it():
    found = rates("unetr-pp", 0.5)
    down = [found[f"encoder.downsample_layers.{number}.0.conv.weight"] for number in range(4)]
    assert down == [0.5**4, 0.5**3, 0.5**2, 0.5]


def test_the_encoders_of_a_fused_network_decay_each_by_its_own_depth():
    found = rates("fused", 0.5)
    assert found["encoder.vit.blocks.0.qkv.weight"] == 0.5**6
    assert found["encoder.upp.stages.0.0.gamma"] == 0.5**4
    assert found["join.weight"] == 1


def test_a_held_encoder_begins_after_its_steps_and_its_decoder_at_once():
    network = build_dense(NetworkConfig(name="swin", size="nano"), outputs=2)
    for group in parameter_groups(network, 0.5, thawed=7):
        held = {name.startswith("encoder.") for name, _ in group["params"]}
        assert held == {group["held"] == 7}


def test_a_frozen_encoder_is_in_no_group():
    network = build_dense(NetworkConfig(size="nano", patch=8), outputs=2)
    freeze_encoder(network)
    names = [name for group in parameter_groups(network, 0.75) for name, _ in group["params"]]
    assert names
    assert not any(name.startswith("encoder.") for name in names)


def test_a_coarse_answer_is_judged_against_the_nearest_labels():
    target = torch.arange(8).repeat_interleave(2).reshape(1, 1, 1, 16).expand(1, 2, 2, 16) - 1
    near = at_scale(target, torch.zeros(1, 2, 1, 1, 8))
    assert near.flatten().tolist() == list(range(-1, 7))


def test_scales_weigh_as_given_and_the_finest_is_left_out():
    target = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    target[:, :2] = 1
    sure = torch.stack([1 - 2 * target, 2 * target - 1], 1).float() * 50
    wrong = -sure[..., ::2, ::2, ::2]
    right = sure[..., ::2, ::2, ::2]
    assert float(coarse_loss([sure], target, (1.0,))) == 0
    whole = float(coarse_loss([sure, wrong], target, (0.5, 1.0)))
    assert whole > 50
    assert float(coarse_loss([-sure, right], target, (0.5, 1.0))) < 1e-3
    assert float(coarse_loss([sure, wrong], target, (0.5, 0.25))) == pytest.approx(whole / 4)
