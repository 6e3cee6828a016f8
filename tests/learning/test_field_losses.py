"""Every loss of fields: finite, steep, falling in descent; and what each one is."""

from typing import get_args

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_toposeg.config import FieldLossName
from napari_toposeg.learning.losses import topological_loss
from napari_toposeg.learning.losses.cldice import SoftClDice, largest_of_three, soft_skeleton
from napari_toposeg.learning.losses.controls import DoGWeighted, Histogram
from napari_toposeg.learning.losses.critical_voxel import CriticalVoxel
from napari_toposeg.learning.losses.fields import to_arrays
from napari_toposeg.learning.smoothing import smooth

NAMES = get_args(FieldLossName)
SHAPES = [(16, 18), (9, 10, 12)]


def bar(broken: bool) -> torch.Tensor:
    """A bright bar, blurred, with a gap in the middle where broken, ``(1, 9, 9, 17)``."""
    image = torch.zeros(1, 9, 9, 17)
    image[:, 3:6, 3:6, 2:15] = 1.0
    if broken:
        image[..., 7:10] = 0.0
    return image


def masks(shape: tuple[int, ...], count: int = 2) -> torch.Tensor:
    """Random blobs, as masks in floating point."""
    random = np.random.default_rng(3)
    blurred = [ndimage.gaussian_filter(random.normal(size=shape), 1.5) for _ in range(count)]
    return torch.from_numpy(np.stack([each > 0 for each in blurred])).float()


def fields(shape: tuple[int, ...], count: int = 2) -> torch.Tensor:
    """Noise, as probabilities."""
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
@pytest.mark.parametrize("name", NAMES)
def test_descent_of_a_loss_alone_lowers_it(name, shape):
    loss, targets = topological_loss(name), masks(shape)
    image = smooth(0.3 * targets + 0.7 * fields(shape), 0.5).requires_grad_()
    prepared = [loss.prepare(target) for target in to_arrays(targets)]
    optimiser, values = torch.optim.Adam([image], lr=0.02), []
    for _ in range(30):
        optimiser.zero_grad()
        each = loss(image, targets, prepared)
        assert each.shape == (2,)
        each.mean().backward()
        assert image.grad.isfinite().all()
        assert values or image.grad.abs().max() > 0
        optimiser.step()
        values.append(each.mean().item())
    assert np.isfinite(values).all()
    assert np.mean(values[-5:]) < 0.7 * np.mean(values[:5])


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_a_loss_takes_any_floating_type_and_keeps_its_own(name, kind):
    image = fields((8, 9, 10)).to(kind).requires_grad_()
    loss = topological_loss(name)(image, masks((8, 9, 10)).to(kind))
    assert loss.dtype == torch.promote_types(kind, torch.float32)
    loss.sum().backward()
    assert image.grad.dtype == kind


@pytest.mark.parametrize("name", NAMES)
def test_what_the_loader_prepares_changes_no_number(name):
    loss, image, targets = topological_loss(name), fields((8, 9, 10)), masks((8, 9, 10))
    prepared = [loss.prepare(target) for target in to_arrays(targets)]
    assert torch.equal(loss(image, targets), loss(image, targets, prepared))


@pytest.mark.parametrize("name", NAMES)
def test_flat_images_still_give_a_gradient(name):
    image = torch.zeros(1, 6, 6, 6, requires_grad=True)
    topological_loss(name)(image, torch.zeros(1, 6, 6, 6)).sum().backward()
    assert image.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_each_field_has_a_loss_of_its_own(name):
    loss, image, targets = topological_loss(name), fields((8, 9, 10)), masks((8, 9, 10))
    alone = torch.cat([loss(image[n : n + 1], targets[n : n + 1]) for n in range(2)])
    torch.testing.assert_close(loss(image, targets), alone)


@pytest.mark.parametrize(
    "loss", [CriticalVoxel(tau=0.02), SoftClDice(), DoGWeighted(), Histogram()], ids=repr
)
def test_gradients_agree_with_finite_differences(loss):
    targets = fields((6, 7, 8), 1).double()
    image = fields((6, 7, 8), 2)[1:].double().requires_grad_()
    loss(image, targets).sum().backward()
    direction = torch.randn(image.shape, generator=torch.Generator().manual_seed(5)).double()
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (loss(image + s * direction, targets) for s in (step, -step))
    slope = (image.grad * direction).sum()
    assert float((ahead - behind) / (2 * step)) == pytest.approx(float(slope), rel=1e-4)


def test_smoothing_keeps_a_constant_image_and_the_sum_of_a_point():
    torch.testing.assert_close(smooth(torch.full((1, 5, 6, 7), 3.0)), torch.full((1, 5, 6, 7), 3.0))
    point = torch.zeros(1, 15, 15)
    point[0, 7, 7] = 1.0
    assert smooth(point).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_smoothing_is_scipys_gaussian(shape):
    image = fields(shape, 1)
    expected = ndimage.gaussian_filter(image[0].numpy(), 1.3, mode="nearest", radius=4)
    np.testing.assert_allclose(smooth(image, 1.3)[0].numpy(), expected, atol=1e-5)


def test_equal_images_have_no_critical_voxel_loss():
    assert CriticalVoxel()(bar(False), bar(False)) == 0.0


def test_a_gap_costs_more_than_an_equal_change_away_from_the_topology():
    whole, thinner = smooth(bar(False)), bar(False)
    thinner[..., 3, 3:6, 2:11] = 0.0
    gap = CriticalVoxel()(smooth(bar(True)), whole)
    assert gap > 2 * CriticalVoxel()(smooth(thinner), whole)


def test_descent_of_the_critical_voxel_loss_closes_a_gap():
    image = bar(True).requires_grad_()
    optimiser = torch.optim.SGD([image], lr=20.0)
    for _ in range(40):
        optimiser.zero_grad()
        CriticalVoxel()(smooth(image), smooth(bar(False))).sum().backward()
        optimiser.step()
    assert image[..., 4, 4, 8].item() > 0.5


def test_a_bright_ring_has_a_critical_voxel_for_its_loop():
    z, y, x = np.mgrid[-4:5, -8:9, -8:9]
    ring = np.exp(-((np.hypot(y, x) - 5.0) ** 2 + z**2) / 2).astype(np.float32)
    assert len(CriticalVoxel(tau=0.3, dimensions=(1,)).prepare(ring)) == 2
    assert CriticalVoxel(tau=0.3, dimensions=(0,)).prepare(ring).size >= 1


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_soft_cldice_is_monais(shape):
    from monai.losses.cldice import SoftclDiceLoss, soft_skel

    image, targets = fields(shape).requires_grad_(), masks(shape)
    torch.testing.assert_close(soft_skeleton(image, 3)[:, None], soft_skel(image[:, None], 3))
    ours = SoftClDice()(image, targets)
    theirs = SoftclDiceLoss(reduction="none")(image[:, None], targets[:, None])
    torch.testing.assert_close(ours, theirs)
    (of_ours,), (of_theirs,) = (torch.autograd.grad(loss.sum(), image) for loss in (ours, theirs))
    torch.testing.assert_close(of_ours, of_theirs)


def test_a_mask_agrees_with_its_own_centreline():
    loss = SoftClDice(skeleton="hard")
    assert loss(bar(False), bar(False)) < 0.01
    assert loss(bar(True), bar(False)) > 0.05


def test_the_gradient_of_a_maximum_goes_to_one_of_equal_voxels():
    flat = torch.ones(1, 5, requires_grad=True)
    largest_of_three(flat, 1).sum().backward()
    assert flat.grad.sum() == 5.0


def test_the_dog_weight_sees_edges_and_nothing_in_a_flat_image():
    weights = DoGWeighted().prepare(bar(False)[0].numpy())
    assert weights.mean() == pytest.approx(1.0, rel=1e-3)
    assert weights[4, 4, 8] > 2.0 > 0.5 > weights[0, 0, 0]
    assert not DoGWeighted().prepare(np.full((5, 5), 0.3, np.float32)).any()


def test_the_histogram_does_not_see_place():
    image = fields((8, 9, 10))
    assert (Histogram()(image.flip(1), image) == 0.0).all()
    torch.testing.assert_close(Histogram()(image + 0.5, image), torch.full((2,), 0.25))
