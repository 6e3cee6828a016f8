"""Logbook: the Steps of a run as they come, for machines (JSON lines) and for TensorBoard.

The lines are the truth, and each is whole when its Step is told. TensorBoard's files are a view of
them: a run that goes on after a kill tells it from which step on to forget what came before.
"""

import json
import math
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from matplotlib.image import imread
from tensorboardX import SummaryWriter

from napari_toposeg.config import write_atomically
from napari_toposeg.progress import Step

STEPS = "steps.jsonl"
BOARD = "tensorboard"
"""Folder of TensorBoard's files within that of a run."""

FLUSH_SECONDS = 10


class Logbook:
    """The log of a run: see the module.

    Parameters
    ----------
    folder
        The run's.
    done
        Steps that a resumed run has behind it; what was logged after them is dropped.
    """

    def __init__(self, folder: Path, done: int = 0) -> None:
        self.lines = folder / STEPS
        forget_after(self.lines, done)
        self.folder = folder / BOARD
        drop_host(self.folder)
        self.board = SummaryWriter(
            str(self.folder),
            purge_step=done + 1 if done else None,
            flush_secs=FLUSH_SECONDS,
            filename_suffix=f".{done}",
        )
        self.before = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.board.close()
        drop_host(self.folder)

    def record(self, step: Step, rate: float) -> None:
        """Note a step.

        Parameters
        ----------
        rate
            The learning rate it was taken with.
        """
        with self.lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(step.record()) + "\n")
        values = {f"loss/{name}": value for name, value in step.losses.items()}
        values |= {f"validation/{name}": value for name, value in step.metrics.items()}
        values |= {"run/learning_rate": rate, "run/seconds_a_step": step.seconds - self.before}
        for name, value in values.items():
            if not math.isfinite(value):
                continue
            self.board.add_scalar(name.replace(" ", "_"), value, step.step)
        self.before = step.seconds

    def show(self, picture: Path, step: int) -> None:
        """Show a preview."""
        pixels = (imread(picture)[..., :3] * 255).astype(np.uint8)
        self.board.add_image("preview", pixels, step, dataformats="HWC")


def drop_host(folder: Path) -> None:
    """Take this machine's name, which the writer puts there, out of the names of the files."""
    host = f".{socket.gethostname()}."
    for path in list(folder.glob(f"*{host}*")):
        path.replace(path.with_name(path.name.replace(host, ".")))


def forget_after(path: Path, step: int) -> None:
    """Drop log lines later than a step: a resumed run writes them again."""
    kept = [line for line in read_lines(path) if json.loads(line)["step"] <= step]
    write_atomically(path, "".join(f"{line}\n" for line in kept).encode())


def read_lines(path: Path) -> Iterator[str]:
    """Yield the whole lines of a log; a last line cut off by a kill is left out."""
    if path.exists():
        yield from (
            line for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")
        )
