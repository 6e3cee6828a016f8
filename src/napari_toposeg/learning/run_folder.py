"""The folder of a training run: config, environment, checkpoints and previews.

A kill at any moment loses at most what came since the last checkpoint.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from napari_toposeg.config import TrainingConfig, write_atomically
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.checkpoints import save_checkpoint
from napari_toposeg.learning.environment import environment
from napari_toposeg.learning.training_state import Progress, Snapshot, read_last
from napari_toposeg.reports import plot_preview

logger = logging.getLogger(__name__)

FREE_TO_CHANGE = {
    "resume",
    "patience",
    "device",
    "threads",
    "precision",
    "output",
    "name",
    "previews",
    "forecast",
    "devices",
    "nodes",
    "strategy",
    "accumulate",
    "checkpointing",
    "compile",
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

    def is_better(self, score: float, best: float) -> bool:
        """Tell whether a score belongs to the best checkpoint; of equal ones the newest does."""
        return score >= best or not self.best.exists()

    def keep_best(self, taken: Snapshot, card: Card, progress: Progress) -> None:
        """Write the model."""
        save_checkpoint(self.best, taken.weights, card, extra={"step": str(progress.step)})

    def keep_last(self, taken: Snapshot, card: Card, progress: Progress) -> None:
        """Write all that the run goes on from."""
        state = {**taken.weights, **taken.rest}
        save_checkpoint(self.last, state, card, extra={**taken.header, **progress.header()})

    def draw(self, preview: Mapping[str, NDArray[np.float32]], step: int) -> Path:
        """Draw the preview of a step, and return its path."""
        path = self.folder / "previews" / f"{step:06d}.png"
        return plot_preview(preview, path, title=f"step {step}")


def open_run(config: TrainingConfig, *, writes: bool = True) -> RunFolder:
    """Make the folder of a run, or take up the one that is there.

    Parameters
    ----------
    writes
        Whether this process does, or another one of the run.
    """
    require_free(config)
    run = RunFolder(config.output)
    if config.resume:
        require_same_run(config)
    if not writes:
        return run
    config.output.mkdir(parents=True, exist_ok=True)
    config.to_toml(run.settings)
    note_environment(run, config)
    return run


def require_free(config: TrainingConfig) -> None:
    """Raise InvalidConfig if the run's folder is taken, or cannot be written to.

    It is to be told before any data is read.
    """
    if config.output.is_file():
        raise InvalidConfig(f"{config.output} is a file; give a folder for the run")
    there = next(place for place in (config.output, *config.output.parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        what = "may not be written to" if there.is_dir() else "is a file"
        raise InvalidConfig(
            f"the run cannot be written to {config.output}, as {there} {what}; give another folder"
        )
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


def restore(run: RunFolder, network: nn.Module) -> Progress:
    """Load the network from the last checkpoint, if there is one."""
    if run.last.exists():
        return read_last(run.last, network)
    if run.settings.exists():
        logger.info("%s holds no checkpoint yet; the run begins at its first step", run.folder)
    return Progress()
