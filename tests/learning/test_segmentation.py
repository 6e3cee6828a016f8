"""Segmentation in memory: mirrored views, several models, 16 bits."""

import numpy as np
import pytest
import torch
from torch import nn

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.answers import asked, mirrored_axes
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.checkpoints import Model
from napari_toposeg.learning.segmentation import segment_together, segment_with
from napari_toposeg.learning.sweep import Sweep
from napari_toposeg.learning.uncertainty import entropy
from napari_toposeg.progress import finish
from napari_toposeg.volume import Volume

FULL = Sweep(precision="32-true")


def model_of(seed=0, spacing=2.0, classes=("one", "two"), temperature=1.0) -> Model:
    """A small network with random weights that tells two classes apart."""
    torch.manual_seed(seed)
    layers = nn.Conv3d(1, 8, 3, padding=1), nn.GELU(), nn.Conv3d(8, 1 + len(classes), 3, padding=1)
    network = nn.Sequential(*layers).eval()
    nn.init.normal_(layers[-1].weight)
    card = Card(
        name=f"model {seed}", task="segment", network=NetworkConfig(size="nano"),
        crop=(12, 12, 12), spacing=(spacing,) * 3, classes=classes, temperature=temperature,
    )  # fmt: skip
    return Model(network, card, "cpu")


def scan_of(shape=(12, 12, 12), seed=0) -> Volume:
    voxels = np.random.default_rng(seed).normal(0, 300, shape).astype(np.float32)
    return Volume(voxels, np.diag([2.0, 2.0, 2.0, 1.0]), modality="CT")


def test_with_flips_a_mirrored_scan_has_the_mirrored_segmentation():
    scan, model = scan_of(), model_of()
    for axes, flips, is_equal in (((0, 2), "zx", True), ((1,), "zx", False), ((0,), "", False)):
        mirrored = scan.with_voxels(np.flip(scan.voxels, axes).copy())
        sweep = Sweep(flips=flips, precision="32-true")
        here, there = (
            finish(segment_together(each, [model], sweep)).class_probabilities
            for each in (scan, mirrored)
        )
        turned = np.flip(there, [axis + 1 for axis in axes])
        assert np.allclose(here, turned, atol=1e-5) == is_equal


def test_views_are_all_ways_to_mirror():
    assert mirrored_axes("") == [()]
    assert mirrored_axes("zx") == [(), (2,), (4,), (2, 4)]
    assert len(set(mirrored_axes("zyx"))) == 8


def test_several_models_are_averaged_each_on_its_own_grid():
    scan = scan_of((14, 20, 16))
    models = [model_of(0), model_of(1, spacing=3.0)]
    alone = [finish(segment_together(scan, [model], FULL)) for model in models]
    both = finish(segment_together(scan, models, FULL))
    mean = (alone[0].class_probabilities + alone[1].class_probabilities) / 2
    np.testing.assert_allclose(both.class_probabilities, mean, atol=1e-6)
    np.testing.assert_array_equal(both.labels.voxels, mean.argmax(0))
    each = [entropy(one.class_probabilities) for one in alone]
    np.testing.assert_allclose(
        both.disagreement, np.maximum(entropy(mean) - (each[0] + each[1]) / 2, 0), atol=1e-5
    )
    assert alone[0].disagreement is None


def test_no_probability_of_many_sure_models_exceeds_one():
    """A tenth, ten times, is more than one in 32 bits."""
    model = model_of()
    with torch.no_grad():
        model.network[-1].bias[:] = torch.tensor([100.0, 0.0, 0.0])
        model.network[-1].weight.zero_()
    found = finish(segment_together(scan_of(), [model] * 10, FULL)).class_probabilities
    assert found.max() == 1.0


def test_a_model_does_not_disagree_with_itself():
    twice = finish(segment_together(scan_of(), [model_of(), model_of()], FULL))
    assert twice.disagreement.max() < 1e-6
    once = finish(segment_together(scan_of(), [model_of()], FULL))
    np.testing.assert_allclose(twice.class_probabilities, once.class_probabilities, atol=1e-6)


def test_models_of_other_classes_are_not_averaged():
    with pytest.raises(InvalidCheckpoint, match="same classes"):
        finish(segment_together(scan_of(), [model_of(), model_of(1, classes=("two", "one"))]))


def test_progress_of_several_models_is_one():
    run = segment_together(scan_of((12, 30, 12)), [model_of(), model_of(1)], FULL)
    steps = [(step.step, step.total) for step in run]
    assert steps == [(n + 1, len(steps)) for n in range(len(steps))]


def test_16_bits_change_probabilities_little():
    windows = torch.rand((2, 1, 12, 12, 12))
    network = model_of().network
    with torch.inference_mode():
        full = asked(network, "cpu", precision="32-true")(windows)
        half = asked(network, "cpu", precision="bf16-mixed")(windows)
    assert 0 < (full - half).abs().max() < 0.02
    assert half.dtype == torch.float32


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (5, 1), (2, 2)])
@pytest.mark.parametrize("edge", [4, 11])
def test_forward_passes_in_16_bits_are_right_to_16_bits(kernel, stride, edge):
    torch.manual_seed(0)
    layer = nn.Conv3d(8, 16, kernel, stride, padding=kernel // 2)
    features = torch.rand((2, 8, edge, edge, edge))
    with torch.inference_mode():
        full = layer(features)
        with torch.autocast("cpu", torch.bfloat16):
            half = layer(features)
    assert (half.float() - full).norm() / full.norm() < 2**-7


def test_the_temperature_of_a_card_is_applied_and_changes_no_label():
    scan = scan_of()
    plain = finish(segment_with(scan, model_of()))
    softer = finish(segment_with(scan, model_of(temperature=2.0)))
    np.testing.assert_array_equal(plain.labels.voxels, softer.labels.voxels)
    roots = np.sqrt(plain.class_probabilities)
    np.testing.assert_allclose(softer.class_probabilities, roots / roots.sum(0), atol=1e-5)
