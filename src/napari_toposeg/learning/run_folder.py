"""The folder of a training run: config, environment, checkpoints and previews.

A kill at any moment loses at most what came since the last checkpoint.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_toposeg.config import TrainingConfig, write_atomically
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import read_header
from napari_toposeg.learning.checkpoints import STATE, load_strictly, read_tensors, save_checkpoint
from napari_toposeg.learning.environment import environment
from napari_toposeg.learning.task import Evaluation, Task
from napari_toposeg.reports import plot_preview

FREE_TO_CHANGE = {
    "resume",
    "device",
    "threads",
    "precision",
    "output",
    "name",
    "previews",
    "forecast",
}
"""Settings that may differ when a run is resumed."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run and what is written there."""

    folder: Path

    @property
    def last(self) -> Path:
        """Checkpoint from which the run can be resumed."""
        return self.folder / "last.safetensors"

    @property
    def best(self) -> Path:
        """Checkpoint with the highest score."""
        return self.folder / "best.safetensors"

    @property
    def settings(self) -> Path:
        """The run's config."""
        return self.folder / "config.toml"

    @property
    def environment(self) -> Path:
        """What the run was made with: one entry for each time that it was begun or resumed."""
        return self.folder / "environment.json"

    def keep(
        self,
        task: Task,
        optimiser: torch.optim.Optimizer,
        evaluation: Evaluation,
        step: int,
        best: float,
    ) -> tuple[float, Path]:
        """Write checkpoints; return the best score so far and the newest file."""
        card = task.card(evaluation)
        better = evaluation.score >= best or not self.best.exists()
        best = max(best, evaluation.score)
        weights = dict(task.weights())
        if better:
            save_checkpoint(self.best, weights, card, extra={"step": str(step)})
        shared = json.dumps(shared_names(task.network, weights))
        progress = {"step": str(step), "best": repr(best), "shared": shared}
        state = weights | state_tensors(task.network, weights) | optimiser_tensors(optimiser)
        save_checkpoint(self.last, state, card, extra=progress)
        return best, self.best if better else self.last

    def draw(self, preview: Mapping[str, NDArray[np.float32]], step: int) -> Path:
        """Draw the preview of a step, and return its path."""
        path = self.folder / "previews" / f"{step:06d}.png"
        return plot_preview(preview, path, title=f"step {step}")


def open_run(config: TrainingConfig) -> RunFolder:
    """Make the folder of a run, or take up the one that is there."""
    require_free(config)
    run = RunFolder(config.output)
    if config.resume:
        require_same_run(config)
    config.output.mkdir(parents=True, exist_ok=True)
    config.to_toml(run.settings)
    note_environment(run, config)
    return run


def require_free(config: TrainingConfig) -> None:
    """Raise InvalidConfig if the run's folder is taken: to be told before any data is read."""
    if config.output.is_file():
        raise InvalidConfig(f"{config.output} is a file; give a folder for the run")
    if RunFolder(config.output).last.exists() and not config.resume:
        raise InvalidConfig(
            f"{config.output} holds a run already; resume it, or give another folder"
        )


def note_environment(run: RunFolder, config: TrainingConfig) -> None:
    """Add what a run goes on with to what it was made with so far."""
    resumed = config.resume and run.environment.exists()
    before = json.loads(run.environment.read_text(encoding="utf-8")) if resumed else []
    now = environment() | {"seed": config.seed, "precision": config.precision}
    write_atomically(run.environment, (json.dumps([*before, now], indent=2) + "\n").encode())


def require_same_run(config: TrainingConfig) -> None:
    """Raise InvalidConfig if the run in the folder was begun with other settings."""
    run = RunFolder(config.output)
    if not run.settings.exists():
        return
    before = type(config).from_toml(run.settings).model_dump(exclude=FREE_TO_CHANGE)
    now = config.model_dump(exclude=FREE_TO_CHANGE)
    changed = [name for name in now if now[name] != before[name]]
    if changed:
        raise InvalidConfig(
            f"the run in {config.output} was begun with other settings of {', '.join(changed)}; "
            "resume it with the same, or give another folder"
        )


def restore(
    run: RunFolder, network: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    """Load weights and optimiser from the last checkpoint; return its step and the best score."""
    if not run.last.exists():
        return 0, -math.inf
    tensors, header = read_tensors(run.last), read_header(run.last)
    shared: dict[str, str] = json.loads(header.get("shared", "{}"))
    weights = {
        name: tensors.get(f"{STATE}{name}", tensors.get(shared.get(name, name)))
        for name in network.state_dict()
    }
    known = {name: tensor for name, tensor in weights.items() if tensor is not None}
    load_strictly(network, known, source=run.last.name)
    load_optimiser(optimiser, tensors)
    return int(header["step"]), float(header["best"])


def shared_names(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, str]:
    """Return what the model's weights are called in a network that holds it as a part."""
    kept = {tensor.data_ptr(): name for name, tensor in weights.items() if tensor.numel()}
    return {
        name: kept[tensor.data_ptr()]
        for name, tensor in network.state_dict().items()
        if tensor.data_ptr() in kept
    }


def state_tensors(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what a training keeps besides the model: heads, teachers, centres."""
    shared = shared_names(network, weights)
    return {
        f"{STATE}{name}": tensor
        for name, tensor in network.state_dict().items()
        if name not in shared
    }


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's state as named tensors, ``optimiser.<parameter>.<name>``."""
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"optimiser.{index}.{name}": torch.as_tensor(value)
        for index, of in state.items()
        for name, value in of.items()
    }


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
