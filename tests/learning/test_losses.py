import pytest
import torch

from napari_toposeg.learning.losses.masked import gradient_ratio, masked_squared_error
from napari_toposeg.learning.losses.overlap import IGNORED, dice_cross_entropy, hard_dice


def test_masked_squared_error_leaves_padding_out():
    predicted, true = torch.zeros(1, 1, 4), torch.tensor([[[1.0, 2.0, 9.0, 9.0]]])
    counted = torch.tensor([[[True, True, False, False]]])
    assert masked_squared_error(predicted, true, counted) == 2.5


def test_gradient_ratio_makes_the_second_gradient_the_wanted_share():
    shared = torch.ones(4, requires_grad=True)
    first, second = (shared**2).sum(), (50 * shared**3).sum()
    weight = gradient_ratio(first, second, shared, share=0.3)
    (of_first,) = torch.autograd.grad(first, shared, retain_graph=True)
    (of_second,) = torch.autograd.grad(second, shared)
    assert float(weight * of_second.norm() / of_first.norm()) == pytest.approx(0.3)


def test_unlabelled_voxels_have_no_say_in_dice_and_cross_entropy():
    logits = torch.randn(1, 3, 2, 2, 2, requires_grad=True)
    target = torch.randint(0, 3, (1, 2, 2, 2))
    target[0, 0] = IGNORED
    sum(dice_cross_entropy(logits, target)).backward()
    assert logits.grad[:, :, 0].abs().max() == 0.0
    assert logits.grad[:, :, 1].abs().min() > 0.0


def test_a_certain_true_prediction_has_almost_no_loss():
    target = torch.tensor([[[[0, 1], [2, 1]]]])
    logits = 40.0 * torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float()
    assert sum(dice_cross_entropy(logits, target)) < 1e-4


def test_hard_dice_counts_labelled_voxels_only():
    prediction, target = torch.tensor([1, 1, 0, 2]), torch.tensor([1, IGNORED, 1, 0])
    dice = hard_dice(prediction, target, 3)
    assert dice[0] == pytest.approx(2 / 3)
    assert dice[1] == 0.0
    assert torch.isnan(dice[2])
