"""Keeper: the training that runs, and what becomes of its folder, whatever becomes of the window.

The one idea: the keeper is no widget, so that it is still there when the window is gone. Its end
keeps the best model; only discarding loses it. No Qt here.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import ToposegError
from napari_toposeg.plugin.finetune.train.run import discard, keep_best
from napari_toposeg.plugin.job import Job

if TYPE_CHECKING:
    from napari_toposeg.learning.cards import Card

CLOSE_SECONDS = 3.0
"""Time that a closing window waits for the step that is being made; after it the training is found
at the next start."""


class Keeper:
    """Knows the training that runs and keeps what it made."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.config: FinetuneConfig | None = None
        self.discarding = False

    def begin(self, job: Job, config: FinetuneConfig) -> None:
        """Take care of a training that was started."""
        self.job, self.config, self.discarding = job, config, False

    @property
    def running(self) -> bool:
        """True while the training runs and was not told to stop."""
        return self.job is not None and self.job.running and not self.job.cancelling

    @property
    def folder(self) -> Path | None:
        """Folder of the training that runs."""
        return None if self.config is None else self.config.output

    def end(self) -> "Card | None":
        """Keep the best model of a training that is over, or drop it; return its card."""
        config, self.config, self.job = self.config, None, None
        if config is None:
            return None
        if self.discarding:
            discard(config.output)
            return None
        return keep_best(config.output, str(config.name))

    def close(self) -> None:
        """Stop the training as the window goes, and keep its best model if it stops in time."""
        if self.job is None:
            return
        self.job.abandon()
        if self.job.join(CLOSE_SECONDS):
            try:
                self.end()
            except (ToposegError, OSError):
                # The folder stays and is offered at the next start.
                return
