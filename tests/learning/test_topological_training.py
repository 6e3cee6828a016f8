"""Each topological loss is one flag of a training, and trains: finite, felt, the same resumed."""

from typing import get_args

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_toposeg.config import FinetuneConfig, LossName, TopologyName
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.losses.critical_voxel import CriticalVoxel
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.learning.topological_term import TopologicalTerm
from napari_toposeg.phantoms import ball

TERMS = [name for name in get_args(LossName) if name != "dice-ce"]


@pytest.fixture
def settings(tmp_path) -> FinetuneConfig:
    return FinetuneConfig.create(
        checkpoint="none",
        size="nano",
        output=tmp_path / "model",
        spacing=(3.0, 3.0, 3.0),
        crop=(12, 12, 12),
        topology_block=10,
        steps=3,
        every=2,
        threads=1,
        device="cpu",
    )


def two_balls() -> list[Case]:
    """A case of two classes, on some slices of which nothing is labelled."""
    phantom = ball((16, 16, 16), spacing=(3.0, 3.0, 3.0), seed=1)
    labels = np.where(phantom.truth.voxels > 0, 1, 255).astype(np.uint8)
    labels[8:][labels[8:] == 1] = 2
    labels[::5] = 0
    truth = phantom.truth.with_voxels(labels)
    return [Case("two", phantom.image, truth, annotated=True)]


def losses(run) -> list[dict[str, float]]:
    return [dict(step.losses) for step in run if step.losses]


def resumed_losses(train, config) -> list[dict[str, float]]:
    """Stop a run of three steps in its third, resume it, and return the losses from there."""
    killed = train(config)
    for step in killed:
        if step.step == 2 and step.losses:
            break
    killed.close()
    return losses(train(config.model_copy(update={"resume": True})))


@pytest.mark.parametrize("name", TERMS)
def test_fine_tuning_with_a_term_is_felt_and_resumes_to_the_same_numbers(settings, tmp_path, name):
    def train(config):
        return finetune(config, two_balls())

    config = settings.model_copy(update={"loss": name})
    whole = losses(train(config.model_copy(update={"output": tmp_path / "whole"})))
    assert len(whole) == 3
    for each in whole:
        assert np.isfinite(list(each.values())).all()
        assert 0 < each["topology_weight"] <= 1
        total = each["dice_loss"] + each["cross_entropy"]
        assert each["loss"] == pytest.approx(total + each["topology_weight"] * each["topology"])
    assert any(each["topology"] > 0 for each in whole)
    assert resumed_losses(train, config) == whole[2:]
    assert load_card(config.output).recipe["loss"] == name


@pytest.mark.parametrize("name", get_args(TopologyName))
def test_pretraining_with_a_term_is_felt_and_resumes_to_the_same_numbers(small_run, tmp_path, name):
    config = small_run.model_copy(update={"topology": name, "steps": 3})
    whole = losses(pretrain(config.model_copy(update={"output": tmp_path / "whole"})))
    assert len(whole) == 3
    for each in whole:
        assert np.isfinite(list(each.values())).all()
        assert 0 < each["topology_weight"] <= 1
    # A block of a ball can be one component in both images, and Betti matching then finds no fault.
    assert any(each["topology"] > 0 for each in whole)
    assert resumed_losses(pretrain, config) == whole[2:]


def test_a_term_trains_in_mixed_precision(small_run):
    config = small_run.model_copy(update={"precision": "bf16-mixed", "steps": 2})
    steps = losses(pretrain(config))
    assert np.isfinite([each["loss"] for each in steps]).all()
    assert all(each["topology_weight"] > 0 for each in steps)


def test_all_losses_see_the_same_crops(settings, tmp_path):
    """So that they can be compared: the first step, before any update, has the same Dice."""
    first = {
        name: losses(
            finetune(
                settings.model_copy(update={"loss": name, "output": tmp_path / name}), two_balls()
            )
        )[0]
        for name in ("dice-ce", "dog")
    }
    assert first["dog"]["dice_loss"] == pytest.approx(first["dice-ce"]["dice_loss"], rel=1e-5)


def test_a_dimension_that_no_volume_has_is_refused(settings):
    with pytest.raises(InvalidConfig, match="topology_dimensions"):
        FinetuneConfig.create(checkpoint="none", output="x", topology_dimensions=(0, 3))


def term(**settings) -> TopologicalTerm:
    given = {"crops": 2, "block": 0, "smoothing": 0.0, "weight": 0.3, "ramp": 1.0} | settings
    return TopologicalTerm(CriticalVoxel(), **given)


def test_a_block_is_blurred_as_in_the_whole_crop():
    """It knows what surrounds it."""
    images = torch.rand(2, 3, 40, 22, 24)
    some, whole = term(block=14, smoothing=1.0, crops=6), term(smoothing=1.0, crops=6)
    place, everywhere = (
        each.choose(images.shape, np.random.default_rng(0)) for each in (some, whole)
    )
    assert torch.equal(place.crops, everywhere.crops)
    drawn = images[place.crops]
    around = tuple(
        slice(cut.start + trim.start, cut.start + trim.stop)
        for cut, trim in zip(place.cut, place.trim, strict=True)
    )
    torch.testing.assert_close(
        some.blur(place.take(drawn), place),
        whole.blur(everywhere.take(drawn), everywhere)[:, *around],
        atol=1e-6,
        rtol=1e-5,
    )


def test_the_blocks_of_a_crop_cover_it_once():
    covered = torch.zeros(40, 22, 25)
    found = set()
    for seed in range(100):
        place = term(block=14).choose((1, 1, 40, 22, 25), np.random.default_rng(seed))
        starts = [
            c.start + t.start + b.start
            for c, t, b in zip(place.cut, place.trim, place.block, strict=True)
        ]
        sizes = [b.stop - b.start for b in place.block]
        found.add((*starts, *sizes))
    for z, y, x, dz, dy, dx in found:
        assert max(dz, dy, dx) <= 14
        covered[z : z + dz, y : y + dy, x : x + dx] += 1
    assert (covered == 1).all()


def gradient_of(it: TopologicalTerm, image: torch.Tensor, target: torch.Tensor, seed: int):
    image = image.clone().requires_grad_()
    place = it.choose(image.shape, np.random.default_rng(seed))
    seen = place.take(target)
    it(image, it.look(place, seen, torch.ones_like(seen, dtype=torch.bool))).backward()
    return image.grad


def test_gradients_of_blocks_add_up_to_that_of_the_crop():
    random = np.random.default_rng(0)
    image, target = (
        torch.from_numpy(
            ndimage.gaussian_filter(random.normal(size=(1, 1, 24, 24, 48)), 2.0, axes=(2, 3, 4))
        ).float()
        for _ in range(2)
    )
    image, target = image / image.std(), target / target.std()
    whole = gradient_of(term(smoothing=1.0), image, target, 0)
    blocks = {}
    for seed in range(20):
        one = gradient_of(term(smoothing=1.0, block=24), image, target, seed)
        blocks[tuple(one.nonzero().amin(0).tolist())] = one
    assert len(blocks) == 2
    total = sum(blocks.values())
    assert float((total * whole).sum() / (total.norm() * whole.norm())) > 0.95


def test_every_field_of_a_batch_is_drawn_as_often_as_any_other():
    counts = np.zeros((3, 2))
    for seed in range(600):
        place = term(crops=2).choose((3, 2, 8, 8, 8), np.random.default_rng(seed))
        assert len(set(zip(place.crops.tolist(), place.classes.tolist(), strict=True))) == 2
        counts[place.crops, place.classes] += 1
    assert abs(counts / 600 - 1 / 3).max() < 0.06


def test_what_is_not_labelled_has_no_gradient():
    field = torch.rand(1, 1, 10, 10, 10, requires_grad=True)
    target, counted = torch.zeros(1, 10, 10, 10), torch.ones(1, 10, 10, 10, dtype=torch.bool)
    target[:, 3:7, 3:7, 3:7] = 1.0
    counted[:, :5] = False
    it = term()
    place = it.choose(field.shape, np.random.default_rng(0))
    it(field, it.look(place, target, counted)).backward()
    assert field.grad[:, :, :5].abs().max() == 0.0
    assert field.grad[:, :, 5:].abs().max() > 0.0
