"""Every network is fine-tuned and predicts afterwards; one serves as the start of another."""

import pytest
import torch

from napari_toposeg.config import FinetuneConfig, NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.checkpoints import model_tensors
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.networks import build_dense
from napari_toposeg.learning.planning import least_multiples, multiple_of, plan_crop
from napari_toposeg.learning.predict import segment
from napari_toposeg.phantoms import ball
from napari_toposeg.progress import finish

NETWORKS = ["vit", "unetr", "swin", "unetr-pp", "resenc-unet", "fused"]


@pytest.fixture
def settings(tmp_path):
    return FinetuneConfig.create(
        checkpoint="none",
        size="nano",
        patch=8,
        output=tmp_path / "model",
        spacing=(2.0, 2.0, 2.0),
        steps=2,
        every=2,
        batch=1,
        threads=1,
        device="cpu",
    )


def ball_case(seed: int, role="train") -> Case:
    phantom = ball((20, 24, 24), spacing=(2.0, 2.0, 2.0), seed=seed)
    return Case(f"ball-{seed}", phantom.image, phantom.truth, role)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_from_a_phantom_and_segments_it(settings, name):
    config = settings.model_copy(update={"network": name})
    steps = list(finetune(config, [ball_case(1), ball_case(2, "validation")]))
    assert len([step for step in steps if step.losses]) == 2
    card = load_card(config.output)
    assert card.network.name == name
    found = finish(segment(ball_case(3).image, config.output, device="cpu"))
    assert found.labels.shape == (20, 24, 24)
    assert 0 < float(found.probability.voxels.mean()) < 1


@pytest.mark.parametrize("name", NETWORKS)
def test_the_planned_crop_fits_every_network(name):
    network = NetworkConfig(name=name, size="nano", patch=8)
    multiple = multiple_of(network)
    for shape in [(5, 200, 40), (33, 33, 33), (48, 16, 70)]:
        crop = plan_crop([shape], multiple, least_multiples(network))
        assert all(edge and edge % step == 0 for edge, step in zip(crop, multiple, strict=True))


@pytest.mark.parametrize("name", ["vit", "swin"])
def test_a_crop_that_is_too_small_is_told_the_least(settings, name):
    config = settings.model_copy(update={"network": name, "crop": (4, 36, 32)})
    least = {"vit": r"\(8, 40, 32\)", "swin": r"\(32, 64, 32\)"}[name]
    with pytest.raises(InvalidConfig, match=least):
        finish(finetune(config, [ball_case(1)]))


def test_a_frozen_encoder_stays_and_its_decoder_learns(settings, tmp_path):
    first = settings.model_copy(update={"network": "unetr"})
    finish(finetune(first, [ball_case(1)]))
    again = first.model_copy(
        update={"checkpoint": str(first.output), "output": tmp_path / "again", "freeze": True}
    )
    finish(finetune(again, [ball_case(2)]))
    before, after = (model_tensors(config.output / "last.safetensors") for config in (first, again))
    same = {name for name, tensor in before.items() if torch.equal(tensor, after[name])}
    assert same == {name for name in before if name.startswith("encoder.")}


@pytest.mark.parametrize("name", ["resenc-unet", "unetr-pp"])
def test_a_frozen_encoder_thaws_after_its_share_and_resumes_to_the_same_weights(
    settings, tmp_path, name
):
    config = settings.model_copy(
        update={"network": name, "freeze": True, "thaw": 0.5, "steps": 4, "every": 1}
    )

    def weights(config, until):
        run = finetune(config, [ball_case(1)])
        for step in run:
            if step.losses and step.step == until:
                break
        run.close()
        return model_tensors(config.output / "last.safetensors")

    held = weights(config, 2)
    torch.manual_seed(config.seed)
    begun = build_dense(load_card(config.output).network, outputs=2).state_dict()
    same = {each for each, tensor in begun.items() if torch.equal(tensor, held[each])}
    assert {each for each in begun if each.startswith("encoder.")} <= same
    assert any(not each.startswith("encoder.") for each in begun.keys() - same)
    resumed = weights(config.model_copy(update={"resume": True}), 4)
    whole = weights(config.model_copy(update={"output": tmp_path / "whole"}), 4)
    assert all(torch.equal(resumed[each], whole[each]) for each in whole)
    moved = {each for each, tensor in begun.items() if not torch.equal(tensor, whole[each])}
    assert any(each.startswith("encoder.stages.0") for each in moved)


def test_a_vits_encoder_serves_a_unetr_at_rates_that_decay(settings, tmp_path):
    vit = settings.model_copy(update={"network": "vit"})
    finish(finetune(vit, [ball_case(1)]))
    unetr = settings.model_copy(
        update={
            "checkpoint": str(vit.output),
            "network": "unetr",
            "output": tmp_path / "unetr",
            "layer_decay": 0.1,
            "learning_rate": 1e-4,
        }
    )
    finish(finetune(unetr, [ball_case(1)]))
    before, after = (model_tensors(config.output / "last.safetensors") for config in (vit, unetr))

    def moved(block: int) -> float:
        name = f"encoder.blocks.{block}.perceptron.0.weight"
        return float((before[name] - after[name]).abs().max())

    assert 0 < 3 * moved(2) < moved(3)
    assert 3 * moved(4) < moved(5)


def test_deep_supervision_judges_every_scale(settings):
    config = settings.model_copy(update={"network": "unetr-pp"})
    first = next(step for step in finetune(config, [ball_case(1)]) if step.losses)
    finest = first.losses["dice_loss"] + first.losses["cross_entropy"]
    assert first.losses["loss"] != pytest.approx(finest)
