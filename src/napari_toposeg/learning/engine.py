"""The training loop, on Lightning Fabric, as a generator of Steps.

One loop serves every task. Every random choice of step n follows from the seed and n alone, so a
run that was killed and resumed gives the numbers of one that was not: its weights and the
optimiser's state are all that it must keep.
"""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from napari_toposeg.config import TrainingConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.devices import choose_threads, memory_errors_explained, resolve_device
from napari_toposeg.learning.forecast import FEWEST, forecast
from napari_toposeg.learning.logbook import Logbook
from napari_toposeg.learning.run_folder import open_run, restore
from napari_toposeg.learning.task import Batch, Evaluation, Task
from napari_toposeg.progress import Step

WARM_UP = 0.05
WEIGHT_DECAY = 0.05
GRADIENT_NORM = 1.0


def optimise(task: Task, config: TrainingConfig) -> Generator[Step, None, Path]:
    """Train, and return the path of the best checkpoint.

    For what is written see `run_folder` and `logbook`.

    Raises
    ------
    InvalidConfig
        If the folder holds a run already and `resume` is not set, or the loss is not finite.
    OutOfMemory
        If the device has too little memory.
    """
    run = open_run(config)
    choose_threads(config.threads)
    descent = begin(task, config)
    done, best = restore(run, task.network, descent.optimiser) if config.resume else (0, -math.inf)
    with memory_errors_explained(), Logbook(run.folder, done) as log:
        if config.forecast and config.steps - done >= FEWEST:
            yield from forecast_of(descent, config, done)
        began = time.perf_counter()
        for step, parts in batches(task, config, range(done + 1, config.steps + 1)):
            losses = descent.step(step, parts)
            task.after(step)
            evaluation, checkpoint = None, None
            if step % config.every == 0 or step == config.steps:
                evaluation = yield from descent.judge(step)
                best, checkpoint = run.keep(task, descent.optimiser, evaluation, step, best)
                if evaluation.preview and config.previews:
                    log.show(run.draw(evaluation.preview, step), step)
            report = Step(
                step=step,
                total=config.steps,
                losses=losses,
                metrics=evaluation.metrics if evaluation else {},
                seconds=time.perf_counter() - began,
                checkpoint=checkpoint,
                preview=evaluation.preview if evaluation else None,
                message="training",
            )
            log.record(report, learning_rate(step, config))
            yield report
    return run.best


def forecast_of(
    descent: "Descent", config: TrainingConfig, done: int
) -> Generator[Step, None, None]:
    """Measure what the rest of a run will need, and tell it in a Step."""
    shares = parts_of(range(config.batch), config.accumulate)
    found = yield from forecast(descent, config, shares, done)
    yield Step(step=done, total=config.steps, message=str(found), forecast=found.record())


def batches(task: Task, config: TrainingConfig, steps: range) -> Iterator[tuple[int, list[Batch]]]:
    """Yield steps with the parts of their batches.

    Each step's are drawn in a thread while the step before is computed.
    """
    shares = parts_of(range(config.batch), config.accumulate)

    def draw(step: int) -> list[Batch]:
        return [task.draw(step, share) for share in shares]

    many = torch.get_num_threads()
    with ThreadPoolExecutor(1, thread_name_prefix="crops") as ahead:
        ahead.submit(use_one_thread).result()
        # What a thread sets holds for itself, and for threads to come.
        torch.set_num_threads(many)
        upcoming = ahead.submit(draw, steps.start)
        for step in steps:
            parts = upcoming.result()
            if step + 1 in steps:
                upcoming = ahead.submit(draw, step + 1)
            yield step, parts


def parts_of(samples: range, count: int) -> list[range]:
    """Divide samples into equal parts.

    Raises
    ------
    InvalidConfig
        If they cannot be.
    """
    if len(samples) % count:
        raise InvalidConfig(
            f"{len(samples)} crops a step cannot be divided into {count} equal parts; choose a "
            "batch that is a multiple of them"
        )
    size = len(samples) // count
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def use_one_thread() -> None:
    """Let torch use one thread in this thread: more would fight with the step's for the cores."""
    # A thread takes the number for threads to come when it first asks; later that would undo this.
    torch.get_num_threads()
    torch.set_num_threads(1)


@dataclass(frozen=True)
class Descent:
    """A task on its device, with its optimiser."""

    task: Task
    config: TrainingConfig
    fabric: Fabric
    network: nn.Module
    optimiser: torch.optim.Optimizer

    def step(self, number: int, parts: Sequence[Batch]) -> dict[str, float]:
        """Take one step of the optimiser and return the losses as numbers."""
        set_rate(self.optimiser, learning_rate(number, self.config))
        values = self.gradients(number, parts)
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

    def gradients(self, number: int, parts: Sequence[Batch]) -> dict[str, float]:
        """Compute the gradients of a step and return its losses as numbers."""
        self.network.train()
        self.optimiser.zero_grad()
        values: dict[str, float] = {}
        for batch in parts:
            losses = self.task.losses(self.network, self.moved(batch), number)
            self.fabric.backward(losses["loss"] / len(parts))
            for name, value in losses.items():
                values[name] = values.get(name, 0.0) + float(value.detach()) / len(parts)
        return values

    def moved(self, batch: Batch) -> Batch:
        """Bring the tensors of a batch to the device."""
        return {
            name: self.fabric.to_device(part) if isinstance(part, Tensor) else part
            for name, part in batch.items()
        }

    def judge(self, number: int) -> Generator[Step, None, Evaluation]:
        """Evaluate without training; each piece of it is a Step that can be cancelled at."""
        self.network.eval()
        work = self.task.evaluate(self.network)
        while True:
            try:
                piece = next(work)
            except StopIteration as done:
                evaluation: Evaluation = done.value
                return evaluation
            yield Step(step=number - 1, total=self.config.steps, message=piece.message)


def begin(task: Task, config: TrainingConfig) -> Descent:
    """Put network and optimiser on the device: bf16 on a GPU by default, else full precision."""
    device = resolve_device(config.device)
    precision = config.precision
    if precision == "auto":
        precision = "bf16-mixed" if device.startswith("cuda") else "32-true"
    kind, _, index = device.partition(":")
    fabric = Fabric(accelerator=kind, devices=[int(index)] if index else 1, precision=precision)
    parameters = [each for each in task.network.parameters() if each.requires_grad]
    adamw = torch.optim.AdamW(parameters, betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY)
    network, optimiser = fabric.setup(task.network, adamw)
    for method in task.forward_methods:
        network.mark_forward_method(method)
    return Descent(task, config, fabric, network, optimiser)


def learning_rate(step: int, config: TrainingConfig) -> float:
    """Return the rate: a linear warm-up, then a cosine down to a hundredth of the peak."""
    warm = max(1, round(WARM_UP * config.steps))
    if step <= warm:
        return config.learning_rate * step / warm
    done = (step - warm) / max(1, config.steps - warm)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done)))


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate
