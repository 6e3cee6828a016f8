"""The commands that train: the plan first, then the run, then what to do with its model."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from napari_toposeg.cli.answers import Answer, aligned, duration
from napari_toposeg.cli.flags import read_settings, written
from napari_toposeg.cli.watch import Outcome, watch
from napari_toposeg.config import FinetuneConfig, PretrainConfig
from napari_toposeg.progress import Step

TrainConfig = PretrainConfig | FinetuneConfig
Config = TypeVar("Config", PretrainConfig, FinetuneConfig)
Result = TypeVar("Result")


def pretrain(arguments: argparse.Namespace) -> Answer:
    """Pretrain on unlabelled scans."""
    from napari_toposeg.learning.pretrain import pretrain

    return train(read_settings(arguments, PretrainConfig), pretrain)


def finetune(arguments: argparse.Namespace) -> Answer:
    """Train a segmentation model on labelled scans."""
    from napari_toposeg.learning.finetune import finetune

    return train(read_settings(arguments, FinetuneConfig), finetune)


def train(config: Config, run: Callable[[Config], Generator[Step, None, Any]]) -> Answer:
    """Watch a run, print what it plans before it begins, and say what it left.

    A run on several devices has a process for each, of which the first speaks.
    """
    from napari_toposeg.learning.preemption import is_restarted, requeue
    from napari_toposeg.learning.ranks import highest, launch

    if is_restarted():
        config = config.model_copy(update={"resume": True})
    if launch(config):
        silence()
        outcome = watch(announced(run(config), config, {}), sys.stdout, highest)
        return Answer("", {}, ending(outcome))
    needed: dict[str, float] = {}
    outcome = watch(announced(run(config), config, needed), agreed=highest)
    requeued = requeue(outcome.signal)
    best = config.output / "best.safetensors"
    data = {
        "output": config.output,
        "best": best if best.is_file() else None,
        "stopped": outcome.stopped,
        "requeued": requeued,
        "forecast": needed or None,
    } | (outcome.last.record() if outcome.last else {})
    return Answer(summary(outcome, best), data, ending(outcome))


def silence() -> None:
    """Let this process print nothing but errors and warnings."""
    logging.getLogger("napari_toposeg").setLevel(logging.WARNING)
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end


def ending(outcome: Outcome[Any]) -> int:
    """Return the exit code, as shells have it of a process that a signal ended."""
    return 128 + outcome.signal if outcome.stopped else 0


def announced(
    run: Generator[Step, None, Result], config: TrainConfig, needed: dict[str, float]
) -> Generator[Step, None, Result]:
    """Print the plan and the forecast of a run, and pass on its other Steps.

    Parameters
    ----------
    needed
        Takes the forecast.
    """
    with closing(run):
        while True:
            try:
                step = next(run)
            except StopIteration as done:
                result: Result = done.value
                return result
            if step.plan is not None:
                print(plan(step.plan, config.device), flush=True)
                for note in step.notes:
                    print(f"note: {note}\n", flush=True)
            elif step.forecast is not None:
                needed |= step.forecast
                print(f"forecast: {step.message}\n", flush=True)
            else:
                yield step


def plan(settings: Mapping[str, Any], device: str) -> str:
    """Return the settings that a run uses, as they will be, and the machine it runs on."""
    from napari_toposeg.learning.devices import describe_device

    rows = [
        (name.replace("_", " "), "none" if value is None else written(value))
        for name, value in settings.items()
    ]
    return f"plan\n{aligned([*rows, ('machine', describe_device(device))], '  ')}\n"


def summary(outcome: Outcome[Any], best: Path) -> str:
    """Say how far a run came, what it left, and how to go on."""
    last = outcome.last
    if last is None:
        done = "stopped before the first step" if outcome.stopped else "all steps were taken before"
    else:
        figures = {**last.losses, **last.metrics}.items()
        early = last.message if last.step < last.total else "done"
        done = f"{'stopped' if outcome.stopped else early}: step {last.step} of {last.total}"
        done += f" in {duration(last.seconds)}" + "".join(f", {n} {v:.4g}" for n, v in figures)
    if not best.is_file():
        begun = (best.parent / "last.safetensors").is_file()
        hint = "the same command with --resume goes on" if begun else "no step was kept"
        return f"{done}\nno model was written yet; {hint}"
    kept = "best kept at" if outcome.stopped else "best model:"
    lines = [done, *transfer(best.parent), f"{kept} {best}"]
    if outcome.stopped:
        lines.append("go on:         the same command with --resume")
    lines.append(f"under a name:  napari-toposeg models import {best.parent} --name NAME")
    return "\n".join(lines)


def transfer(folder: Path) -> list[str]:
    """Say in a line what the run started from, if it did from a model."""
    report = folder / "transfer.json"
    if not report.is_file():
        return []
    summary = json.loads(report.read_text(encoding="utf-8"))["summary"]
    return [f"started from:  {summary} (every key: {report})"]
