"""Descent: a task on its device, with its optimiser, and one step of it.

A batch is computed in parts, one after the other: losses are means over samples, so the mean over
equal parts, and over the equal shares of the ranks, is the whole's.
"""

import math
import os
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from napari_toposeg.config import TrainingConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.arithmetic import spare_small_features
from napari_toposeg.learning.networks.blocks import compute_anew
from napari_toposeg.learning.passes import Passes
from napari_toposeg.learning.ranks import join_ranks, mean_over_ranks
from napari_toposeg.learning.task import Batch, Evaluation, Task
from napari_toposeg.progress import Step, retold

GRADIENT_NORM = 1.0
NOT_DECAYED = ("token", "position")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Descent:
    """A task on its device, with its optimiser.

    Parameters
    ----------
    passes
        Computes forward and backward; None where there are several ranks, all of whose Steps must
        be the same.
    """

    task: Task
    config: TrainingConfig
    fabric: Fabric
    network: nn.Module
    optimiser: torch.optim.Optimizer
    passes: Passes | None

    def step(self, number: int, parts: Sequence[Batch]) -> Generator[Step, None, dict[str, float]]:
        """Take one step of the optimiser; return the losses, means over all ranks.

        Closed at one of the Steps on the way, it is not taken: buffers are as they were.
        """
        set_rate(self.optimiser, learning_rate(number, self.config))
        with buffers_unless_done(self.network):
            own = yield from self.gradients(number, parts)
        values = mean_over_ranks(self.fabric, own)
        hold_back(self.optimiser, number)
        if not math.isfinite(values["loss"]):
            raise InvalidConfig(
                f"the loss became {values['loss']} at step {number}; use a lower learning rate"
            )
        norm = self.fabric.clip_gradients(
            self.network, self.optimiser, max_norm=GRADIENT_NORM, error_if_nonfinite=False
        )
        # In 16 bits the scaler leaves such a step out, and tries the next one at a smaller scale.
        if self.config.precision != "16-mixed" and not math.isfinite(float(norm)):
            raise InvalidConfig(
                f"the gradient became {float(norm)} at step {number}; use a lower learning rate, "
                "or the precision 32-true"
            )
        self.optimiser.step()
        return values

    def gradients(
        self, number: int, parts: Sequence[Batch]
    ) -> Generator[Step, None, dict[str, float]]:
        """Compute the gradients of a step; return the losses of this rank's share.

        There is a Step between any two pieces of the work, and now and then in a long one. Closed
        at one of them, the pieces that were begun are given up.
        """
        piece = Step(step=number - 1, total=self.config.steps, message="training")
        self.network.train()
        self.optimiser.zero_grad()
        values: dict[str, float] = {}
        for index, batch in enumerate(parts, start=1):
            if index > 1:
                yield piece
            # Ranks exchange the sum of all parts' gradients, once.
            with self.fabric.no_backward_sync(self.network, enabled=index < len(parts)):
                losses = yield from self.piece_of_work(partial(self.losses, batch, number), piece)
                yield piece
                share = losses["loss"] / len(parts)
                yield from self.piece_of_work(partial(self.fabric.backward, share), piece)
            for name, value in losses.items():
                values[name] = values.get(name, 0.0) + float(value.detach()) / len(parts)
        return values

    def piece_of_work(
        self, work: Callable[[], Result], piece: Step
    ) -> Generator[Step, None, Result]:
        """Do a piece of the work; on the way there are Steps, unless other ranks wait for it."""
        if self.passes is None:
            return work()
        return (yield from self.passes.follow(work, piece))

    def losses(self, batch: Batch, number: int) -> dict[str, Tensor]:
        """Compute the losses of a part of a step's batch."""
        return self.task.losses(self.network, self.moved(batch), number)

    def close(self) -> None:
        """Let go of the thread that computes."""
        if self.passes is not None:
            self.passes.close()

    def moved(self, batch: Batch) -> Batch:
        """Bring the tensors of a batch to the device."""
        return {
            name: self.fabric.to_device(part) if isinstance(part, Tensor) else part
            for name, part in batch.items()
        }

    def judge(self, number: int) -> Generator[Step, None, Evaluation]:
        """Evaluate without training; each piece of it is a Step that can be cancelled at."""
        self.network.eval()

        def tell(piece: Step) -> Step:
            return Step(step=number - 1, total=self.config.steps, message=piece.message)

        return (yield from retold(self.task.evaluate(self.network), tell))


@contextmanager
def buffers_unless_done(network: nn.Module) -> Iterator[None]:
    """Put the buffers of a network back if what is done within does not come to its end."""
    kept = {name: buffer.clone() for name, buffer in network.named_buffers()}
    try:
        yield
    except BaseException:
        with torch.no_grad():
            for name, buffer in network.named_buffers():
                buffer.copy_(kept[name])
        raise


def begin(task: Task, config: TrainingConfig, fabric: Fabric | None = None) -> Descent:
    """Put network and optimiser on the device."""
    fabric = fabric or join_ranks(config)
    if fabric.device.type == "cpu" and config.precision == "bf16-mixed":
        spare_small_features(task.network)
    if config.checkpointing:
        compute_anew(task.network)
    if config.compile:
        require_compiler()
        # In place: the names of the weights stay.
        task.network.compile()
    network = fabric.setup_module(task.network)
    # Sharded parameters are others than those before, so the optimiser is made after.
    optimiser = fabric.setup_optimizers(new_optimiser(task, config))
    passes = None
    if fabric.world_size == 1:
        passes = Passes(task.network, fabric.device, compiled=config.compile)
    return Descent(task, config, fabric, network, optimiser, passes)


def require_compiler() -> None:
    """Raise InvalidConfig if there is no C++ compiler, without which torch cannot compile."""
    names = (os.environ.get("CXX"), "g++", "clang++", "cl")
    if not any(name and shutil.which(name) for name in names):
        raise InvalidConfig(
            "compiling the network needs a C++ compiler, and there is none (g++, clang++ or CXX); "
            "install one, or leave --compile out"
        )


def new_optimiser(task: Task, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return AdamW, or SGD with Nesterov's momentum as nnU-Net has it (10.1038/s41592-020-01008-z).

    Biases, norms, tokens and positions are not decayed.
    """
    groups = list(divided(task.parameter_groups(), config.weight_decay))
    match config.optimiser:
        case "adamw":
            # A fused one brings gradients back from 16 bits by itself: too late to clip them.
            fused = config.precision != "16-mixed"
            return torch.optim.AdamW(groups, betas=config.betas, fused=fused)
        case "sgd":
            return torch.optim.SGD(groups, lr=config.learning_rate, momentum=0.99, nesterov=True)


def divided(groups: Iterable[dict[str, Any]], decay: float) -> Iterator[dict[str, Any]]:
    """Divide groups of named parameters into those that are decayed and those that are not."""
    for group in groups:
        parts: dict[float, list[nn.Parameter]] = {decay: [], 0.0: []}
        for name, parameter in group["params"]:
            if parameter.requires_grad:
                parts[decay if is_decayed(name, parameter) else 0.0].append(parameter)
        for value, parameters in parts.items():
            if parameters:
                yield group | {"params": parameters, "weight_decay": value}


def is_decayed(name: str, parameter: Tensor) -> bool:
    """Tell whether weight decay draws a parameter to 0."""
    own = name.rpartition(".")[2]
    return parameter.ndim > 1 and not any(kind in own for kind in NOT_DECAYED)


def learning_rate(step: int, config: TrainingConfig) -> float:
    """Return the rate: a linear warm-up, then down by a cosine, or a polynomial for SGD."""
    warm = max(1, round(config.warm_up * config.steps))
    if step <= warm:
        return config.learning_rate * step / warm
    done = (step - warm) / max(1, config.steps - warm)
    if config.optimiser == "sgd":
        # Of the last step too: at 0 nothing would be learned.
        share: float = max(1.0 - done, 1.0 / config.steps) ** 0.9
        return config.learning_rate * share
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done)))


def hold_back(optimiser: torch.optim.Optimizer, number: int) -> None:
    """Take the gradients of groups that do not learn yet: without one the optimiser leaves them.

    They were computed all the same, so that a forecast holds for later steps, and ranks that wait
    for each other's gradients find them.
    """
    for group in optimiser.param_groups:
        if number <= group.get("held", 0):
            for parameter in group["params"]:
                parameter.grad = None


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameters; that of a group is a share of it."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
