"""Steps that fit into a time: measured before the first, on true batches that are thrown away."""

import math
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.auto_plan import VALIDATIONS
from napari_toposeg.learning.descent import begin
from napari_toposeg.learning.devices import choose_threads, memory_errors_explained
from napari_toposeg.learning.forecast import Forecast, forecast
from napari_toposeg.learning.ranks import join_ranks, world_of
from napari_toposeg.learning.task import Task
from napari_toposeg.progress import Step

SPARE = 0.05
"""Share of the time that is left for what was not measured."""

MEASURED = 5
"""Steps that are measured; the median counts."""


@dataclass(frozen=True)
class Budget:
    """Time for a run.

    Parameters
    ----------
    seconds
        From its beginning to its end.
    began
        When it began, by ``time.perf_counter``.
    """

    seconds: float
    began: float

    def __str__(self) -> str:
        return f"{self.seconds / 60:g} min"

    @property
    def left(self) -> float:
        """Seconds that are left for steps and validations."""
        return (1 - SPARE) * self.seconds - (time.perf_counter() - self.began)


def steps_within(
    task: Task, config: FinetuneConfig, budget: Budget
) -> Generator[Step, None, FinetuneConfig]:
    """Return the settings with as many steps as fit into the time, and no time to keep any more.

    Parameters
    ----------
    task
        A copy of what will be trained: it is put on the device, and its weights stay.

    Raises
    ------
    InvalidConfig
        If not a single step fits.
    OutOfMemory
        If the device has too little memory.
    """
    fabric = join_ranks(config)
    choose_threads(config.threads, processes=config.devices)
    own = config.batch // world_of(config) // config.accumulate
    shares = [range(n * own, (n + 1) * own) for n in range(config.accumulate)]
    with memory_errors_explained(), closing(begin(task, config, fabric)) as descent:
        found = yield from forecast(descent, config, shares, 0, repeats=MEASURED)
    left = budget.left
    steps = fitting(found, left, config.every)
    # All ranks take the same steps.
    steps = int(fabric.broadcast(steps))
    if steps < 1:
        raise InvalidConfig(
            f"nothing fits into {config.minutes:g} minutes: {max(left, 0):.0f} s are left after "
            f"reading and measuring, a step takes {found.each_step:.1f} s and a validation "
            f"{found.each_stop:.1f} s; give more, a smaller crop or size"
        )
    every = config.every or math.ceil(steps / VALIDATIONS)
    settled = {"steps": steps, "every": every, "minutes": 0.0, "forecast": False}
    return config.model_copy(update=settled)


def fitting(found: Forecast, seconds: float, every: int) -> int:
    """Return how many steps fit into a time, with validations between and after them.

    Parameters
    ----------
    every
        Steps between two validations; 0: as many as there are ten of them.
    """
    if not every:
        return int(max(0.0, seconds - VALIDATIONS * found.each_stop) / found.each_step)
    rounds, rest = divmod(max(0.0, seconds), every * found.each_step + found.each_stop)
    return int(rounds) * every + int(max(0.0, rest - found.each_stop) / found.each_step)
