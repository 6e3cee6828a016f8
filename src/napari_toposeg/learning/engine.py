"""The training loop, on Lightning Fabric, as a generator of Steps.

Every random choice of step n follows from the seed and n alone, so a run that was killed and
resumed gives the numbers of one that was not: its weights and the optimiser's state are all that it
must keep.
"""

# One loop serves every run; what differs is in the Task.

import json
import math
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from matplotlib.image import imsave
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_toposeg.config import FinetuneConfig, PretrainConfig, write_atomically
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import Card, read_header
from napari_toposeg.learning.checkpoints import load_strictly, read_tensors, save_checkpoint
from napari_toposeg.learning.devices import choose_threads, memory_errors_explained, resolve_device
from napari_toposeg.progress import Step

Batch = Mapping[str, Tensor]
WARM_UP = 0.05
WEIGHT_DECAY = 0.05
GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class Evaluation:
    """What a validation found.

    Parameters
    ----------
    score
        The best checkpoint is the one with the highest.
    """

    score: float
    metrics: Mapping[str, float]
    preview: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


class Task(Protocol):
    """What a run trains, on what, and how it is judged."""

    network: nn.Module

    def draw(self, step: int) -> Batch:
        """Draw the batch of a step, on the CPU; called from another thread."""

    def losses(
        self, network: nn.Module, batch: Batch, generator: torch.Generator, step: int
    ) -> dict[str, Tensor]:
        """Return the terms of the loss; ``"loss"`` is the one that is minimised."""

    def evaluate(self, network: nn.Module) -> Generator[Step, None, Evaluation]:
        """Judge the network as it is, with a Step between any two pieces of the work."""

    def card(self, evaluation: Evaluation) -> Card:
        """Describe the model."""


def optimise(task: Task, config: PretrainConfig | FinetuneConfig) -> Generator[Step, None, Path]:
    """Train, and return the path of the best checkpoint.

    The run's folder holds config.toml, steps.jsonl, last.safetensors, best.safetensors and
    previews.

    Raises
    ------
    InvalidConfig
        If the folder holds a run already and `resume` is not set.
    """
    run = open_run(config)
    choose_threads(config.threads)
    fabric = start_fabric(config)
    parameters = torch.optim.AdamW(
        task.network.parameters(), betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY
    )
    network, optimiser = fabric.setup(task.network, parameters)
    done, best = restore(run, task.network, optimiser) if config.resume else (0, -math.inf)
    run.forget_after(done)
    with memory_errors_explained(), ThreadPoolExecutor(1, thread_name_prefix="crops") as ahead:
        began = time.perf_counter()
        upcoming = ahead.submit(task.draw, done + 1)
        for step in range(done + 1, config.steps + 1):
            batch = fabric.to_device(upcoming.result())
            if step < config.steps:
                upcoming = ahead.submit(task.draw, step + 1)
            set_rate(optimiser, learning_rate(step, config))
            losses = descend(
                fabric,
                task,
                network,
                optimiser,
                batch,
                seeded(config.seed, step, fabric.device),
                step,
            )
            evaluation, checkpoint = None, None
            if step % config.every == 0 or step == config.steps:
                evaluation = yield from judge(task, network, step, config.steps)
                best, checkpoint = run.keep(task, optimiser, evaluation, step, best)
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
            run.record(report)
            yield report
    return run.folder / "best.safetensors"


def start_fabric(config: PretrainConfig | FinetuneConfig) -> Fabric:
    """Make the Fabric of a run: one device; by default full precision on a CPU, bf16 on a GPU."""
    device = resolve_device(config.device)
    precision = config.precision
    if precision == "auto":
        precision = "bf16-mixed" if device.startswith("cuda") else "32-true"
    kind, _, index = device.partition(":")
    return Fabric(accelerator=kind, devices=[int(index)] if index else 1, precision=precision)


def descend(
    fabric: Fabric,
    task: Task,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    generator: torch.Generator,
    step: int,
) -> dict[str, float]:
    """Take one step of the optimiser and return the losses as numbers.

    Raises
    ------
    FloatingPointError
        If the loss is not finite.
    """
    network.train()
    losses = task.losses(network, batch, generator, step)
    values = {name: float(value.detach()) for name, value in losses.items()}
    if not math.isfinite(values["loss"]):
        raise InvalidConfig(
            f"the loss became {values['loss']} at step {step}; use a lower learning rate"
        )
    optimiser.zero_grad()
    fabric.backward(losses["loss"])
    fabric.clip_gradients(network, optimiser, max_norm=GRADIENT_NORM)
    optimiser.step()
    return values


def judge(
    task: Task, network: nn.Module, step: int, total: int
) -> Generator[Step, None, Evaluation]:
    """Evaluate without training; each piece of it is a Step that can be cancelled at."""
    network.eval()
    work = task.evaluate(network)
    while True:
        try:
            piece = next(work)
        except StopIteration as done:
            evaluation: Evaluation = done.value
            return evaluation
        yield Step(step=step - 1, total=total, message=piece.message)


def learning_rate(step: int, config: PretrainConfig | FinetuneConfig) -> float:
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


def seeded(seed: int, step: int, device: torch.device) -> torch.Generator:
    """Return the device's generator for one step of a seeded run."""
    state = np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))


def random_of(*seeds: int) -> np.random.Generator:
    """Return numpy's generator for a run's seed, a step of it and a purpose within the step."""
    return np.random.default_rng(seeds)


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run and what is written there."""

    folder: Path

    @property
    def last(self) -> Path:
        """Checkpoint from which the run can be resumed."""
        return self.folder / "last.safetensors"

    @property
    def log(self) -> Path:
        """One Step a line."""
        return self.folder / "steps.jsonl"

    def keep(
        self,
        task: Task,
        optimiser: torch.optim.Optimizer,
        evaluation: Evaluation,
        step: int,
        best: float,
    ) -> tuple[float, Path]:
        """Write checkpoints and preview; return the best score so far and the newest file."""
        card = task.card(evaluation)
        better = evaluation.score > best or not (self.folder / "best.safetensors").exists()
        best = max(best, evaluation.score)
        weights = task.network.state_dict()
        if better:
            save_checkpoint(
                self.folder / "best.safetensors", weights, card, extra={"step": str(step)}
            )
        progress = {"step": str(step), "best": repr(best)}
        save_checkpoint(self.last, weights | optimiser_tensors(optimiser), card, extra=progress)
        if evaluation.preview:
            save_preview(self.folder / "previews" / f"{step:06d}.png", evaluation.preview)
        return best, self.folder / ("best.safetensors" if better else "last.safetensors")

    def record(self, step: Step) -> None:
        """Append a Step to the log."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(step.record()) + "\n")

    def forget_after(self, step: int) -> None:
        """Drop log lines later than a step: a resumed run writes them again."""
        kept = [line for line in read_lines(self.log) if json.loads(line)["step"] <= step]
        write_atomically(self.log, "".join(f"{line}\n" for line in kept).encode())


def read_lines(path: Path) -> Iterator[str]:
    """Yield the whole lines of a log; a last line cut off by a kill is left out."""
    if path.exists():
        yield from (
            line for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")
        )


def open_run(config: PretrainConfig | FinetuneConfig) -> RunFolder:
    """Make the folder of a run, or take up the one that is there."""
    run = RunFolder(config.output)
    if run.last.exists() and not config.resume:
        raise InvalidConfig(
            f"{config.output} holds a run already; resume it, or give another folder"
        )
    if config.output.is_file():
        raise InvalidConfig(f"{config.output} is a file; give a folder for the run")
    config.output.mkdir(parents=True, exist_ok=True)
    config.to_toml(config.output / "config.toml")
    return run


def restore(
    run: RunFolder, network: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    """Load weights and optimiser from the last checkpoint; return its step and the best score."""
    if not run.last.exists():
        return 0, -math.inf
    tensors, header = read_tensors(run.last), read_header(run.last)
    weights = {
        name: tensor for name, tensor in tensors.items() if not name.startswith("optimiser.")
    }
    load_strictly(network, weights, source=run.last.name)
    load_optimiser(optimiser, tensors)
    return int(header["step"]), float(header["best"])


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


def save_preview(path: Path, preview: Mapping[str, NDArray[np.float32]]) -> None:
    """Write the middle slices of the preview's volumes side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    slices = [volume[len(volume) // 2].astype(np.float32) for volume in preview.values()]
    scaled = [image / max(float(image.max()), 1.0) for image in slices]
    imsave(path, np.concatenate(scaled, axis=1), cmap="gray", vmin=0, vmax=1)
