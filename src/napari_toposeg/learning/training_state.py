"""Training state: all that a run must keep to go on as if it had not been interrupted.

The names are the same however the network was spread over devices: a run that was begun on one can
be resumed on many.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.precision import Precision
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import read_header
from napari_toposeg.learning.checkpoints import (
    OPTIMISER,
    STATE,
    load_strictly,
    read_tensors,
)
from napari_toposeg.learning.task import Task

FORMAT = "2"
"""Of what a run goes on from: since 2, the optimiser's parameters are in groups by decay."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Parameters
    ----------
    step
        Steps taken.
    best
        The highest score so far.
    untold
        Losses of the last step where it was not logged yet, as it was interrupted.
    tensors, scaler
        The optimiser's state and that of 16-bit arithmetic, as read from a checkpoint.
    stale
        Validations in a row that were no better.
    """

    step: int = 0
    best: float = -math.inf
    untold: Mapping[str, float] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    scaler: Mapping[str, Any] = field(default_factory=dict)
    stale: int = 0

    def header(self) -> dict[str, str]:
        """Return the entries of a checkpoint's header."""
        untold = json.dumps(dict(self.untold))
        return {
            "state_format": FORMAT,
            "step": str(self.step),
            "best": repr(self.best),
            "untold": untold,
            "stale": str(self.stale),
        }


@dataclass(frozen=True)
class Snapshot:
    """Weights of the model, what else the training keeps, and header entries to read it by."""

    weights: Mapping[str, Tensor]
    rest: Mapping[str, Tensor]
    header: Mapping[str, str]


def snapshot(task: Task, optimiser: torch.optim.Optimizer, precision: Precision) -> Snapshot:
    """Take the state of a run; of a network in shards every rank must, at the same time."""
    weights = dict(task.weights())
    shared = shared_names(task.network, weights)
    others = {
        f"{STATE}{name}": tensor
        for name, tensor in task.network.state_dict().items()
        if name not in shared
    }
    rest = others | optimiser_tensors(optimiser)
    scaler = json.dumps(precision.state_dict())
    return Snapshot(
        {name: whole(tensor) for name, tensor in weights.items()},
        {name: whole(tensor) for name, tensor in rest.items()},
        {"shared": json.dumps(shared), "scaler": scaler},
    )


def whole(tensor: Tensor) -> Tensor:
    """Return a tensor gathered from its shards."""
    if not isinstance(tensor, DTensor):
        return tensor
    gathered: Tensor = tensor.full_tensor().detach().cpu()
    return gathered


def address(tensor: Tensor) -> int:
    """Return where a tensor, or this rank's shard of it, lies in memory."""
    return (tensor.to_local() if isinstance(tensor, DTensor) else tensor).data_ptr()


def shared_names(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, str]:
    """Return what the model's weights are called in a network that holds it as a part."""
    kept = {address(tensor): name for name, tensor in weights.items() if tensor.numel()}
    return {
        name: kept[address(tensor)]
        for name, tensor in network.state_dict().items()
        if address(tensor) in kept
    }


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's state as named tensors, ``optimiser.<parameter>.<name>``."""
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{OPTIMISER}{index}.{name}": torch.as_tensor(value)
        for index, of in state.items()
        for name, value in of.items()
        if value is not None
    }


def read_last(path: Path, network: nn.Module) -> Progress:
    """Load a network, not yet spread over devices, from a run's last checkpoint.

    The optimiser's state is given to `load_training`, as soon as there is an optimiser.

    Raises
    ------
    InvalidCheckpoint
        If it was written by a version that kept another state.
    """
    header = read_header(path)
    if header.get("state_format") != FORMAT:
        raise InvalidCheckpoint(
            f"{path} was written by another version of napari-toposeg, whose runs this one cannot "
            "go on with; resume it with that version, or start from its weights in a new folder"
        )
    tensors = read_tensors(path)
    shared: dict[str, str] = json.loads(header.get("shared", "{}"))
    weights = {
        name: tensors.get(f"{STATE}{name}", tensors.get(shared.get(name, name)))
        for name in network.state_dict()
    }
    known = {name: tensor for name, tensor in weights.items() if tensor is not None}
    load_strictly(network, known, source=path.name)
    return Progress(
        step=int(header["step"]),
        best=float(header["best"]),
        untold=json.loads(header.get("untold", "{}")),
        tensors={name: part for name, part in tensors.items() if name.startswith(OPTIMISER)},
        scaler=json.loads(header.get("scaler", "{}")),
        stale=int(header.get("stale", "0")),
    )


def load_training(
    optimiser: torch.optim.Optimizer, precision: Precision, progress: Progress
) -> None:
    """Put back the state of the optimiser and of 16-bit arithmetic."""
    if progress.scaler and precision.state_dict():
        precision.load_state_dict(dict(progress.scaler))
    parameters = [each for group in optimiser.param_groups for each in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in progress.tensors.items():
        index, _, name = key.removeprefix(OPTIMISER).partition(".")
        spread = like(tensor, parameters[int(index)])
        state.setdefault(int(index), {})[name] = spread
    if state:
        optimiser.load_state_dict(
            {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
        )


def like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Spread a tensor over the devices as a parameter of its shape is."""
    if not isinstance(parameter, DTensor) or tensor.shape != parameter.shape:
        return tensor
    placed = tensor.to(parameter.device)
    spread: Tensor = distribute_tensor(placed, parameter.device_mesh, parameter.placements)
    return spread
