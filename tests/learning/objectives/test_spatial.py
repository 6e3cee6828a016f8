"""The spatial pretext: where a crop lies can be learnt, and is judged beside the mean."""

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.objectives.spatial import MeanPoints, PointHead, spatial_loss
from napari_toposeg.learning.pretraining import Pretraining

CROP = (12, 12, 12)


def hill(seed: int) -> Example:
    """A volume whose brightness and slopes tell where one is, with noise of its own."""
    edges = (22, 24, 26)
    z, y, x = np.meshgrid(*(np.linspace(0, 1, n) for n in edges), indexing="ij")
    noise = np.random.default_rng(seed).normal(size=edges)
    image = np.clip(0.6 * z + 0.25 * y**2 + 0.1 * x**3 + 0.02 * noise, 0, 1)
    return Example(f"hill-{seed}", image.astype(np.float32))


def task(**settings) -> Pretraining:
    config = PretrainConfig.create(
        data=("hills",), output=Path("unused"), objective="topomae", network="vit", size="nano",
        patch=6, crop=CROP, batch=8, steps=100, mask_ratio=0.3, topology_weight=0.0,
        spatial_weight=1.0,
        **settings,
    )  # fmt: skip
    network = NetworkConfig(name="vit", size="nano", patch=6)
    card = Card(name="t", task="reconstruct", network=network, crop=CROP, spacing=(1.0, 1.0, 1.0))
    torch.manual_seed(0)
    objective = make_objective(config, network)
    seen, unseen = [hill(0), hill(1)], [hill(2), hill(3)]
    return Pretraining(objective, seen, unseen, config, card)


def judged(it: Pretraining) -> dict[str, float]:
    work = it.evaluate(it.network)
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value.metrics


def test_the_pretext_beats_the_mean_on_unseen_volumes():
    it = task()
    optimiser = torch.optim.AdamW(it.network.parameters(), lr=3e-4)
    for step in range(1, 81):
        optimiser.zero_grad()
        it.losses(it.network, it.draw(step, range(8)), step)["loss"].backward()
        optimiser.step()
    metrics = judged(it)
    assert 0.05 < metrics["spatial_error_mean"] < 0.5
    assert metrics["spatial_error"] < 0.8 * metrics["spatial_error_mean"]


def test_without_the_pretext_nothing_of_it_is_there():
    it = task().config.model_copy(update={"spatial_weight": 0.0})
    objective = make_objective(it, NetworkConfig(name="vit", size="nano", patch=6))
    assert not [name for name, _ in objective.network.named_parameters() if "head" in name]
    assert set(objective.network.state_dict()) == {
        f"autoencoder.{name}" for name in objective.weights()
    }


def test_the_mean_is_that_of_all_crops_so_far():
    mean = MeanPoints()
    first, second = torch.rand(3, 9, 3), torch.rand(5, 9, 3)
    mean.add(first)
    mean.add(second)
    torch.testing.assert_close(mean.mean, torch.cat([first, second]).mean(0))
    assert mean.count == 8


def test_the_loss_is_nothing_where_the_points_are_told_and_grows_linearly_far_off():
    points = torch.rand(2, 9, 3)
    assert spatial_loss(points, points) == 0
    near, far = (float(spatial_loss(points + 1.0 * n, points)) for n in (1, 2))
    assert far - near == pytest.approx(1.0, abs=1e-5)


def test_a_head_tells_points_of_a_volume():
    assert PointHead(24)(torch.randn(2, 24)).shape == (2, 9, 3)
