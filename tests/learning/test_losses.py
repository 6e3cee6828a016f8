import numpy as np
import pytest
import torch

from napari_toposeg.learning.losses.critical_voxel import (
    critical_voxel_loss,
    critical_voxels,
    smooth,
)
from napari_toposeg.learning.losses.masked import gradient_ratio, masked_squared_error
from napari_toposeg.learning.losses.overlap import IGNORED, dice_cross_entropy, hard_dice


def bar(broken: bool) -> torch.Tensor:
    """A bright bar, with a gap in the middle where broken, ``(1, 1, 9, 9, 17)``."""
    image = torch.zeros(1, 1, 9, 9, 17)
    image[..., 3:6, 3:6, 2:15] = 1.0
    if broken:
        image[..., 7:10] = 0.0
    return image


def test_smoothing_keeps_a_constant_image():
    torch.testing.assert_close(
        smooth(torch.full((1, 1, 5, 6, 7), 3.0)), torch.full((1, 1, 5, 6, 7), 3.0)
    )


def test_equal_images_have_no_critical_voxel_loss():
    assert critical_voxel_loss(bar(False), bar(False)) == 0.0


def test_a_gap_costs_more_than_an_equal_change_away_from_the_topology():
    thinner = bar(False)
    thinner[..., 3, 3:6, 2:11] = 0.0
    gap = critical_voxel_loss(bar(True), bar(False))
    assert gap > 2 * critical_voxel_loss(thinner, bar(False))


def test_descent_of_the_critical_voxel_loss_closes_a_gap():
    image = bar(True).requires_grad_()
    optimiser = torch.optim.SGD([image], lr=20.0)
    for _ in range(40):
        optimiser.zero_grad()
        critical_voxel_loss(image, bar(False)).backward()
        optimiser.step()
    assert image[..., 4, 4, 8].item() > 0.5


def test_gradient_of_the_critical_voxel_loss_agrees_with_finite_differences():
    random = torch.Generator().manual_seed(0)
    true = 100 * torch.rand(1, 1, 7, 7, 7, generator=random)
    rebuilt = (100 * torch.rand(1, 1, 7, 7, 7, generator=random)).requires_grad_()
    critical_voxel_loss(rebuilt, true, tau=2.0).backward()
    direction = torch.randn(rebuilt.shape, generator=random)
    step = 2e-3
    with torch.no_grad():
        ahead = critical_voxel_loss(rebuilt + step * direction, true, tau=2.0)
        behind = critical_voxel_loss(rebuilt - step * direction, true, tau=2.0)
    slope = (rebuilt.grad * direction).sum()
    assert float((ahead - behind) / (2 * step)) == pytest.approx(float(slope), rel=0.02)


def test_a_bright_ring_has_a_critical_voxel_for_its_loop():
    z, y, x = np.mgrid[-4:5, -8:9, -8:9]
    ring = np.exp(-((np.hypot(y, x) - 5.0) ** 2 + z**2) / 2).astype(np.float32)
    found = critical_voxels(ring, 0.3)
    assert len(found[1]) == 2
    assert found[0].size >= 1


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
