"""Weights of classes: those of torch in cross-entropy, of unlabelled voxels none."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.class_weights import balanced, voxel_counts, weights_of
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.losses.overlap import IGNORED, dice_cross_entropy
from napari_toposeg.phantoms import ball
from napari_toposeg.progress import finish

WEIGHTS = torch.tensor([0.5, 2.0, 7.0])


@pytest.fixture
def guess() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and target of one crop of three classes, a third of it unlabelled."""
    chance = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 3, 4, 5, 6, generator=chance)
    target = torch.randint(-1, 3, (1, 4, 5, 6), generator=chance)
    return logits, target


def settings(**given) -> FinetuneConfig:
    return FinetuneConfig.create(checkpoint="none", output="run", **given)


def test_cross_entropy_is_that_of_torch(guess):
    logits, target = guess
    found = dice_cross_entropy(logits, target, WEIGHTS).cross_entropy
    torch.testing.assert_close(
        found, F.cross_entropy(logits, target, WEIGHTS, ignore_index=IGNORED)
    )


def test_dice_is_the_weighted_mean_of_that_of_each_class(guess):
    logits, target = guess
    alone = [
        float(dice_cross_entropy(logits, target, torch.tensor(weights)).dice_loss)
        for weights in ([1, 1, 1e-12], [1, 1e-12, 1])
    ]
    found = float(dice_cross_entropy(logits, target, WEIGHTS).dice_loss)
    assert found == pytest.approx((2 * alone[0] + 7 * alone[1]) / 9, rel=1e-5)


def test_equal_weights_change_nothing_whatever_their_size(guess):
    torch.testing.assert_close(
        dice_cross_entropy(*guess, torch.full((3,), 5.0)), dice_cross_entropy(*guess)
    )


def test_unlabelled_voxels_have_no_weight(guess):
    logits, target = guess
    changed = torch.where(
        (target == IGNORED)[:, None], logits + 3 * torch.randn(1, 3, 1, 1, 1), logits
    )
    torch.testing.assert_close(
        dice_cross_entropy(changed, target, WEIGHTS), dice_cross_entropy(logits, target, WEIGHTS)
    )
    nothing = torch.full_like(target, IGNORED)
    assert float(dice_cross_entropy(logits, nothing, WEIGHTS).cross_entropy) == 0


def test_balanced_weights_are_the_root_of_the_inverse_frequency_up_to_ten():
    assert balanced(np.array([90_000, 10_000, 100, 0])) == (1.0, 3.0, 10.0, 10.0)


def test_voxels_are_counted_where_they_are_labelled():
    target = np.full((20, 20, 20), IGNORED, np.int16)
    target[:10] = 0
    target[2, 3, 4:9] = 2
    example = Example("a", np.zeros(target.shape, np.float32), target)
    assert voxel_counts([example, example], 2).tolist() == [2 * (4000 - 5), 0, 10]
    found = weights_of(settings(class_weights="balanced"), [example], 2)
    assert found == (1.0, 10.0, 10.0)


@pytest.mark.parametrize("given", [[1, 2.5], ["1", "2.5"], (1, 2.5)])
def test_numbers_are_taken_as_they_are(given):
    assert weights_of(settings(class_weights=given), [], 1) == (1.0, 2.5)
    with pytest.raises(InvalidConfig, match="give 3, the background's first"):
        weights_of(settings(class_weights=given), [], 2)


@pytest.mark.parametrize("given", ["heavy", [1, 0], [1, -2], ["balanced", 1], []])
def test_what_is_no_weight_is_refused(given):
    with pytest.raises(InvalidConfig, match="class_weights"):
        settings(class_weights=given)


def test_a_run_keeps_the_numbers_it_weighed_with(tmp_path):
    phantom = ball((16, 16, 16), spacing=(3.0, 3.0, 3.0), seed=1)
    config = FinetuneConfig.create(
        checkpoint="none",
        network="resenc-unet",
        size="nano",
        crop=(8, 8, 8),
        spacing=(3.0, 3.0, 3.0),
        class_weights="balanced",
        output=tmp_path / "run",
        steps=1,
        threads=1,
        device="cpu",
        previews=False,
    )
    finish(finetune(config, [Case("ball", phantom.image, phantom.truth)]))
    kept = FinetuneConfig.from_toml(config.output / "config.toml")
    share = float((phantom.truth.voxels > 0).mean())
    weights = sorted([1.0, max((1 - share) / share, share / (1 - share)) ** 0.5])
    assert sorted(kept.weights_given) == pytest.approx(weights, abs=1e-3)
    assert load_card(config.output).recipe["class_weights"] == ["balanced"]
