"""Forecast: how long a run will take and how much memory, measured before its first step.

A few steps are computed on true batches and thrown away: nothing of the run changes by them. The
first ones take one sample only, so that a batch that cannot fit is told and not tried.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Protocol

import torch
from torch import Tensor, nn

from napari_toposeg.config import TrainingConfig
from napari_toposeg.errors import OutOfMemory
from napari_toposeg.learning.meter import GIB, Meter
from napari_toposeg.learning.task import Batch, Evaluation, Task
from napari_toposeg.progress import Step

FEWEST = 50
"""Fewest steps ahead for which a run is measured: a shorter one is over as soon."""

PREVIEW_SECONDS = 1.0
DISK = 2e8
"""Bytes a second at which checkpoints are taken to be written, as by a slow disk."""

MOMENTS = 2
"""Numbers that AdamW keeps for each parameter."""


class Trainer(Protocol):
    """What a run steps with: see `descent.Descent`."""

    @property
    def task(self) -> Task:
        """What is trained."""

    @property
    def network(self) -> nn.Module:
        """The task's network on its device."""

    @property
    def optimiser(self) -> torch.optim.Optimizer:
        """The optimiser."""

    def gradients(
        self, number: int, parts: Sequence[Batch]
    ) -> Generator[Step, None, dict[str, float]]:
        """Compute losses and gradients of a step."""

    def judge(self, number: int) -> Generator[Step, None, Evaluation]:
        """Evaluate."""


@dataclass(frozen=True)
class Forecast:
    """What the rest of a run will need.

    Parameters
    ----------
    seconds
        Time to its end.
    memory, free
        Bytes at its peak where it computes, and bytes that it may use there.
    each_step, each_stop
        Seconds of a step, and of a validation with what is written after it.
    """

    seconds: float
    memory: float
    free: float
    each_step: float = 0.0
    each_stop: float = 0.0

    def __str__(self) -> str:
        peak, free = self.memory / GIB, self.free / GIB
        return f"about {rough(self.seconds)}, {peak:.1f} GB of {free:.1f} GB free"

    def record(self) -> dict[str, float]:
        """Return seconds and GB."""
        return {
            "seconds": self.seconds,
            "memory_gb": self.memory / GIB,
            "free_gb": self.free / GIB,
        }


def forecast(
    trainer: Trainer,
    config: TrainingConfig,
    shares: Sequence[range],
    done: int,
    *,
    repeats: int = 1,
) -> Generator[Step, None, Forecast]:
    """Measure what the rest of a run will need, and leave the run as it is.

    Parameters
    ----------
    shares
        Samples of each part of a batch.
    done
        Steps that lie behind.
    repeats
        Steps that are measured, after the first ones; the median time counts.

    Raises
    ------
    OutOfMemory
        If the device has too little memory for it.
    """
    meter = Meter(next(trainer.network.parameters()).device)
    waiting = Step(step=done, total=config.steps, message="measuring a step")
    number, task = done + 1, trainer.task
    alone = [shares[0][:1]]
    with unchanged(trainer):
        # The first compiles once for all; of two, the second is as all later ones.
        times: list[float] = []
        for samples in (alone, alone, shares, *[shares] * repeats):
            yield waiting
            draw = meter.measure(partial(drawn, task, number, samples))
            parts = draw.result
            yield waiting
            step = yield from meter.follow(trainer.gradients(number, parts))
            # Crops are drawn while the step before is computed.
            times.append(max(draw.seconds, step.seconds))
            if samples is alone:
                require_room(meter.start + step.rise * len(shares[0]), meter.free)
        judged = yield from meter.follow(trainer.judge(number))
    ahead = config.steps - done
    each_step = median(times[-repeats:])
    each_stop = judged.seconds + state_bytes(trainer) / DISK
    each_stop += PREVIEW_SECONDS if judged.result.preview else 0.0
    stops = -(-ahead // config.every) if config.every else 0
    seconds = ahead * each_step + stops * each_stop
    memory = meter.highest + moments_to_come(trainer)
    found = Forecast(seconds, memory, meter.free, each_step, each_stop)
    require_room(found.memory, found.free)
    return found


def drawn(task: Task, number: int, shares: Sequence[range]) -> list[Batch]:
    """Draw the parts of a step's batch."""
    return [task.draw(number, share) for share in shares]


@contextmanager
def unchanged(trainer: Trainer) -> Iterator[None]:
    """Put back all that a step without the optimiser changes: gradients, buffers and chance."""
    kept = {name: buffer.clone() for name, buffer in trainer.network.named_buffers()}
    with torch.random.fork_rng():
        try:
            yield
        finally:
            trainer.optimiser.zero_grad()
            with torch.no_grad():
                for name, buffer in trainer.network.named_buffers():
                    buffer.copy_(kept[name])


def require_room(needed: float, free: float) -> None:
    """Raise OutOfMemory if more is needed than is free."""
    if needed > free:
        raise OutOfMemory(
            f"the run would need about {needed / GIB:.1f} GB and {free / GIB:.1f} GB are free; use "
            "a smaller batch, crop or size of network, compute the batch in parts (--accumulate) "
            "or activations anew (--checkpointing), or start it all the same with --no-forecast"
        )


def trained(trainer: Trainer) -> list[Tensor]:
    """Return the parameters that the optimiser moves."""
    return [each for group in trainer.optimiser.param_groups for each in group["params"]]


def moments_to_come(trainer: Trainer) -> int:
    """Return the bytes that the optimiser will allocate at its first step."""
    if trainer.optimiser.state:
        return 0
    return MOMENTS * sum(each.numel() * each.element_size() for each in trained(trainer))


def state_bytes(trainer: Trainer) -> int:
    """Return the bytes that a stop writes: the network twice, the optimiser's state once."""
    network = sum(each.numel() * each.element_size() for each in trainer.network.parameters())
    moved = sum(each.numel() * each.element_size() for each in trained(trainer))
    return 2 * network + MOMENTS * moved


def rough(seconds: float) -> str:
    """Return a time to two digits or so, for a person."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
