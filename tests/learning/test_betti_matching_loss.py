"""Betti matching loss: its value, its gradient, and Betti-Matching-3D's value beside it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

sys.path.append(str(Path(__file__).parents[1] / "topology"))

from oracles import betti_matching_3d

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.losses.betti_matching import BettiMatchingLoss
from napari_toposeg.topology import match_barcodes

SHAPES = [(11, 12), (6, 7, 5)]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
RING = np.pad(np.pad(np.zeros((3, 3)), 1, constant_values=1.0), 1)


def distinct(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Values in (0, 1) of which no two are closer than the inverse of their number."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.standard_normal(shape), 0.7)
    ranks = smooth.ravel().argsort().argsort().reshape(shape)
    return (ranks + 0.5) / ranks.size


def pair(shape: tuple[int, ...], binary: bool, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    field, target = distinct(shape, seed), distinct(shape, seed + 100)
    target = 0.5 * field + 0.5 * target
    target = (target > 0.6).astype(float) if binary else target
    return torch.from_numpy(field)[None], torch.from_numpy(target)[None]


@each_shape
@pytest.mark.parametrize("binary", [False, True], ids=["image", "label"])
def test_gradient_is_that_of_finite_differences(shape, binary):
    fields, targets = pair(shape, binary)
    loss = BettiMatchingLoss(matched_weight=0.7, unmatched_weight=1.3)
    fields.requires_grad_()
    loss(fields, targets).sum().backward()
    assert fields.grad.abs().max() > 0.1
    step = 0.1 / fields.numel()
    with torch.no_grad():
        for voxel in np.random.default_rng(0).permutation(fields.numel())[:60]:
            ahead, behind = fields.clone(), fields.clone()
            ahead.view(-1)[voxel] += step
            behind.view(-1)[voxel] -= step
            slope = (loss(ahead, targets) - loss(behind, targets)) / (2 * step)
            assert fields.grad.view(-1)[voxel].item() == pytest.approx(slope.item(), abs=1e-6)


@each_shape
@pytest.mark.parametrize("construction", ["T", "V"])
def test_value_is_the_loss_of_the_matching(shape, construction):
    fields, targets = pair(shape, binary=True)
    field, target = fields[0].numpy().astype(np.float32), targets[0].numpy()
    expected = match_barcodes(field, target, construction=construction)
    found = BettiMatchingLoss(construction=construction)(fields, targets)
    assert found.item() == pytest.approx(expected.loss, rel=1e-5)
    first = BettiMatchingLoss(dimensions=(0,), construction=construction)(fields, targets)
    assert first.item() == pytest.approx(expected.select(0).loss, rel=1e-5)


def loss_of_rival(module, field: np.ndarray, label: np.ndarray) -> float:
    """The loss of topolosses for superlevel sets: Betti-Matching-3D on 1 - image."""
    images = [np.ascontiguousarray(1.0 - image, np.float64) for image in (field, label)]
    (result,) = module.compute_matching(*[[image] for image in images])
    total = 0.0
    for k in range(label.ndim):

        def ends(image, part, k=k):
            coordinates = [
                np.reshape(
                    getattr(result, f"input{image}_{part}_{e}_coordinates")[k], (-1, label.ndim)
                )
                for e in ("birth", "death")
            ]
            return np.stack([images[image - 1][tuple(c.astype(int).T)] for c in coordinates])

        total += 2 * np.square(ends(1, "matched") - ends(2, "matched")).sum()
        total += sum(np.square(np.diff(ends(i, "unmatched"), axis=0)).sum() for i in (1, 2))
    return float(total)


@each_shape
def test_compatible_value_is_that_of_betti_matching_3d(shape):
    module = betti_matching_3d.load()
    loss = BettiMatchingLoss(construction="V", definition="betti-matching-3d")
    for seed in range(5):
        fields, targets = pair(shape, binary=True, seed=seed)
        field = fields[0].numpy().astype(np.float32)
        expected = loss_of_rival(module, field, targets[0].numpy())
        assert loss(fields, targets).item() == pytest.approx(expected, rel=1e-5)


def test_a_missing_feature_costs_but_does_not_pull():
    fields = torch.full((1, 7, 7), 0.5, requires_grad=True)
    value = BettiMatchingLoss(dimensions=(1,))(fields, torch.from_numpy(RING)[None])
    value.sum().backward()
    assert value.item() == 1.0
    assert fields.grad.abs().max() == 0


def test_short_bars_are_left_out():
    fields, targets = pair(SHAPES[0], binary=True)
    fields = fields.float()
    found = match_barcodes(fields[0].numpy(), targets[0].numpy(), dimensions=[1])
    lengths = np.sort(found.only_prediction.persistence)
    tau = float(lengths[len(lengths) // 2])
    loss = BettiMatchingLoss(dimensions=(1,), tau=tau)(fields, targets)
    dropped = np.square(lengths[lengths <= tau]).sum()
    assert dropped > 0
    assert loss.item() == pytest.approx(found.loss - dropped, rel=1e-5)


@each_shape
def test_a_batch_is_its_fields(shape):
    pairs = [pair(shape, binary=seed % 2 == 0, seed=seed) for seed in range(4)]
    fields, targets = (torch.cat(column).float() for column in zip(*pairs, strict=True))
    loss = BettiMatchingLoss()
    together = loss(fields, targets, [loss.prepare(target.numpy()) for target in targets])
    alone = [loss(f[None], t[None]) for f, t in zip(fields, targets, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_arithmetic_is_done_in_float32_at_least(given, expected):
    fields, targets = pair(SHAPES[0], binary=True)
    fields = fields.to(given).requires_grad_()
    value = BettiMatchingLoss()(fields, targets > 0)
    value.sum().backward()
    assert value.dtype == expected
    assert fields.grad.dtype == given


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_same():
    fields, targets = pair(SHAPES[1], binary=True)
    loss = BettiMatchingLoss()
    torch.testing.assert_close(loss(fields.cuda(), targets.cuda()).cpu(), loss(fields, targets))


def test_a_field_without_features_has_no_loss_and_no_gradient():
    fields = torch.zeros(2, 4, 5, 6, requires_grad=True)
    value = BettiMatchingLoss()(fields, torch.zeros(2, 4, 5, 6))
    value.sum().backward()
    assert value.tolist() == [0.0, 0.0]
    assert fields.grad.abs().max() == 0


def test_a_definition_that_does_not_fit_is_refused():
    fields, targets = pair(SHAPES[0], binary=True)
    with pytest.raises(InvalidConfig, match="construction='V'"):
        BettiMatchingLoss(definition="betti-matching-3d")(fields, targets)
