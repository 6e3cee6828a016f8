"""Small pretraining tasks of any objective and network, on two phantoms."""

from pathlib import Path

import pytest
import torch
from torch import nn

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.engine import learning_rate
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.phantom_cases import phantom_cases
from napari_toposeg.learning.pretraining import Pretraining

SPACING = (1.5, 1.5, 1.5)


@pytest.fixture(scope="session")
def examples():
    """Two scans, of two modalities in name."""
    cases = phantom_cases(2, first_seed=0, spacing=SPACING)
    return [
        Example(case.name, prepare_image(case.image, SPACING).voxels, modality=modality)
        for case, modality in zip(cases, ["CT", "MR"], strict=True)
    ]


@pytest.fixture
def make_task(examples):
    """Make the task of an objective and a network, nano and with a seed of its own."""

    def make(objective, network="vit", *, scans=examples, **settings):
        edges = settings.pop("crop", (16, 16, 16))
        config = PretrainConfig.create(
            data=(Path(),),
            output=Path("run"),
            objective=objective,
            network=network,
            size="nano",
            crop=edges,
            **{"batch": 4, "steps": 30, "local_views": 2, **settings},
        )
        built = NetworkConfig(
            name=network, size="nano", patch=config.patch, cube=config.cube, channels=1
        )
        card = Card(
            name="tiny",
            task="encode",
            network=built,
            crop=edges,
            spacing=SPACING,
            modality="CT",
            mask_ratio=config.mask_ratio,
            data="phantoms",
            recipe={},
            made_with="a test",
        )
        torch.manual_seed(config.seed)
        return Pretraining(make_objective(config, built), scans, scans, config, card)

    return make


@pytest.fixture
def train():
    """Take some steps as the loop does, and return the losses of each."""

    def run(task, steps):
        parameters = [part for part in task.network.parameters() if part.requires_grad]
        optimiser = torch.optim.AdamW(parameters, betas=(0.9, 0.95), weight_decay=0.05)
        history = []
        for number in range(1, steps + 1):
            batch = task.draw(number, range(task.config.batch))
            losses = task.losses(task.network, batch, number)
            optimiser.zero_grad()
            losses["loss"].backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.param_groups[0]["lr"] = learning_rate(number, task.config)
            optimiser.step()
            task.after(number)
            history.append({name: float(value.detach()) for name, value in losses.items()})
        return history

    return run


@pytest.fixture
def judge():
    """Return the evaluation of a task's network."""

    def run(task):
        work = task.evaluate(task.network)
        while True:
            try:
                next(work)
            except StopIteration as done:
                return done.value

    return run
