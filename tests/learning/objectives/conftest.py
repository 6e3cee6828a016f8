"""Small pretraining tasks of any objective and network, on two phantoms."""

from pathlib import Path

import pytest
import torch

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.dataset import Example, phantom_cases, prepare_image
from napari_toposeg.learning.objectives import make_objective
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
