"""Pretraining in memory, as the experiments need it: a config and scans in, a network out."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from napari_toposeg.config import PretrainConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.engine import optimise
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.planning import plan_network, task_of
from napari_toposeg.learning.pretraining import Pretraining
from napari_toposeg.learning.units import units_of
from napari_toposeg.progress import Step

FIRST, LAST = 10, 50
"""Steps over which the loss at the start and at the end is averaged, at most a fifth of the run."""


@dataclass(frozen=True)
class Trained:
    """What a run left.

    Parameters
    ----------
    first, last
        Loss at the start and at the end.
    seconds
        Median processor time of a step, of all threads: what else runs does not count.
    metrics
        What the objective measured last, on the validation scans.
    """

    model: Model
    first: float
    last: float
    seconds: float
    metrics: dict[str, float]


def train(
    settings: dict[str, object], scans: Sequence[Example], validation: Sequence[Example]
) -> Trained:
    """Pretrain on scans in memory; the weights are the last ones, whatever the validation says."""
    with tempfile.TemporaryDirectory() as folder:
        config = PretrainConfig.create(
            data=("memory",),
            output=Path(folder) / "run",
            device="cpu",
            previews=False,
            forecast=False,
            **settings,
        )
        assert config.crop is not None
        config = config.model_copy(update={"units": units_of(scans, config.crop)})
        card = Card(
            name="measured",
            task=task_of(config.objective),
            network=plan_network(config),
            crop=config.crop,
            spacing=(1.0, 1.0, 1.0),
            mask_ratio=config.mask_ratio,
        )
        torch.manual_seed(config.seed)
        objective = make_objective(config, card.network)
        task = Pretraining(objective, scans, validation, config, card)
        steps: list[Step] = []
        ends = [time.process_time()]
        for step in optimise(task, config):
            if step.losses:
                steps.append(step)
                ends.append(time.process_time())
        model = load_model(config.output / "last.safetensors")
    losses = [step.losses["loss"] for step in steps]
    first, last = (max(1, min(most, len(losses) // 5)) for most in (FIRST, LAST))
    return Trained(
        model,
        float(np.mean(losses[:first])),
        float(np.mean(losses[-last:])),
        float(np.median(np.diff(ends)[1:-1])),
        dict(steps[-1].metrics),
    )
