"""Losses made of diagrams equal the distances; gradients agree with finite differences."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_toposeg.learning.losses.betti_curve import BettiCurve
from napari_toposeg.learning.losses.sliced import SlicedWasserstein
from napari_toposeg.learning.losses.wasserstein import Wasserstein
from napari_toposeg.topology import (
    betti_curve,
    persistence,
    sliced_wasserstein,
    wasserstein,
)

LOSSES = [
    Wasserstein(),
    Wasserstein(dimensions=(0, 1), tau=0.05, construction="T", superlevel=True),
    SlicedWasserstein(tau=0.02),
    SlicedWasserstein(order=2, dimensions=(0, 1, 2), tau=0.0),
    BettiCurve(tau=0.02),
    BettiCurve(dimensions=(0, 1, 2), tau=0.0),
]
SHAPES = [(11, 12), (6, 7, 8)]


def smooth_images(count: int, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    """Images in which no two voxels are equal or nearly so."""
    noise = np.random.default_rng(seed).normal(size=(count, *shape))
    images = np.stack([ndimage.gaussian_filter(image, 0.7) for image in noise])
    ranks = images.ravel().argsort().argsort().reshape(images.shape)
    return torch.from_numpy((ranks + 0.3 * np.tanh(images)) / images.size)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_agree_with_finite_differences(loss, shape):
    fields, targets = smooth_images(2, shape).split(1)
    fields.requires_grad_()
    loss(fields, targets).sum().backward()
    direction = torch.from_numpy(np.random.default_rng(1).choice([-1.0, 1.0], fields.shape))
    step = 1e-8  # the sliced loss has a kink wherever two projections pass each other
    with torch.no_grad():
        ahead, behind = (loss(fields + s * step * direction, targets) for s in (1, -1))
    slope = (ahead - behind).sum() / (2 * step)
    assert torch.allclose((fields.grad * direction).sum(), slope, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_each_critical_voxel_has_its_own_slope(loss):
    fields, targets = smooth_images(2, (7, 8), seed=3).split(1)
    fields.requires_grad_()
    loss(fields, targets).sum().backward()
    flat, step = fields.detach().reshape(-1), 1e-6
    for voxel in range(flat.numel()):
        nudge = torch.zeros_like(flat)
        nudge[voxel] = step
        ahead, behind = (
            loss((flat + s * nudge).reshape(fields.shape), targets).sum() for s in (1, -1)
        )
        slope = (ahead - behind) / (2 * step)
        assert abs(fields.grad.reshape(-1)[voxel] - slope) < 1e-5, voxel


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("construction", "superlevel"), [("V", False), ("T", True)])
def test_wasserstein_loss_is_half_the_squared_distance(shape, construction, superlevel):
    fields, targets = smooth_images(6, shape).split(3)
    losses = Wasserstein(construction=construction, superlevel=superlevel)(fields, targets)
    for field, target, loss in zip(fields, targets, losses, strict=True):
        a, b = (
            persistence(x.float().numpy(), construction=construction, superlevel=superlevel)
            for x in (field, target)
        )
        assert loss.item() == pytest.approx(wasserstein(a, b) ** 2 / 2, rel=1e-5)


def test_sliced_loss_is_the_sliced_distance():
    field, target = smooth_images(2, (9, 9)).split(1)
    a, b = (persistence(x[0].float().numpy(), superlevel=True) for x in (field, target))
    found = SlicedWasserstein(tau=0.0, directions=16)(field, target).item()
    assert found == pytest.approx(sliced_wasserstein(a, b, directions=16), rel=1e-5)


def test_betti_curve_loss_is_the_area_between_the_curves():
    field, target = smooth_images(2, (6, 6, 6)).split(1)
    a, b = (persistence(x[0].float().numpy(), superlevel=True) for x in (field, target))
    levels = np.linspace(-0.5, 1.5, 40001)
    area = sum(
        np.abs(betti_curve(a, levels, dimension=k) - betti_curve(b, levels, dimension=k)).sum()
        for k in range(3)
    ) * (levels[1] - levels[0])
    found = BettiCurve(dimensions=(0, 1, 2), tau=0.0)(field, target).item()
    assert found == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_images_have_no_loss_and_no_gradient(loss):
    targets = smooth_images(2, (8, 9)).float()
    fields = targets.clone().requires_grad_()
    losses = loss(fields, targets)
    losses.sum().backward()
    assert torch.equal(losses, torch.zeros(2))
    assert fields.grad is not None


@pytest.mark.parametrize("loss", LOSSES)
def test_constant_fields_have_a_gradient_of_zero_and_not_none(loss):
    fields = torch.zeros((2, 5, 6, 7), requires_grad=True)
    losses = loss(fields, torch.zeros_like(fields))
    losses.sum().backward()
    assert losses.tolist() == [0.0, 0.0]
    assert torch.count_nonzero(fields.grad) == 0


def test_a_loss_of_no_dimension_is_zero():
    fields = torch.rand((2, 5, 6), requires_grad=True)
    for loss in (Wasserstein(dimensions=(2,)), SlicedWasserstein((2,)), BettiCurve((2,))):
        losses = loss(fields, torch.rand((2, 5, 6)))
        losses.sum().backward()
        assert losses.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_every_precision_is_taken(loss, precision):
    fields, targets = smooth_images(4, (8, 9)).to(precision).split(2)
    fields = fields.clone().requires_grad_()
    losses = loss(fields, targets)
    losses.sum().backward()
    assert losses.dtype == torch.promote_types(precision, torch.float32)
    assert losses.isfinite().all() and (losses > 0).all()
    assert fields.grad.dtype == precision and fields.grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_prepared_targets_and_batches_change_nothing(loss):
    fields, targets = smooth_images(6, (6, 7, 8)).float().split(3)
    prepared = [loss.prepare(target) for target in targets.numpy()]
    together = loss(fields, targets)
    assert torch.equal(loss(fields, targets, prepared), together)
    alone = [loss(f[None], t[None])[0] for f, t in zip(fields, targets, strict=True)]
    assert torch.allclose(torch.stack(alone), together)


@pytest.mark.parametrize("loss", LOSSES)
def test_several_threads_give_the_same(loss):
    fields, targets = smooth_images(4, (6, 7, 8)).float().split(2)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: loss(fields, targets), range(6)))
    assert all(torch.equal(losses, found[0]) for losses in found)


def test_wasserstein_does_not_see_place():
    field = smooth_images(1, (9, 10))
    assert Wasserstein()(field.flip(1), field).item() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("loss", LOSSES)
def test_the_device_changes_nothing(loss):
    fields, targets = smooth_images(4, (6, 7, 8)).float().split(2)
    assert torch.allclose(loss(fields.cuda(), targets.cuda()).cpu(), loss(fields, targets))
