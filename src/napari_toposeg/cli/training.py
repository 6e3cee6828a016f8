"""The commands that train: the plan first, then the run, then what to do with its model."""

import argparse
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

from napari_toposeg.cli.answers import STOPPED, Answer, aligned, duration
from napari_toposeg.cli.flags import read_settings, written
from napari_toposeg.cli.watch import Outcome, watch
from napari_toposeg.config import FinetuneConfig, PretrainConfig
from napari_toposeg.progress import Step

TrainConfig = PretrainConfig | FinetuneConfig


def pretrain(arguments: argparse.Namespace) -> Answer:
    """Pretrain on unlabelled scans."""
    config = read_settings(arguments, PretrainConfig)
    from napari_toposeg.learning.pretrain import pretrain

    return train(config, pretrain(config))


def finetune(arguments: argparse.Namespace) -> Answer:
    """Train a segmentation model on labelled scans."""
    config = read_settings(arguments, FinetuneConfig)
    from napari_toposeg.learning.finetune import finetune

    return train(config, finetune(config))


def train(config: TrainConfig, run: Generator[Step, None, Any]) -> Answer:
    """Print the plan, watch the run, and say what it left."""
    print(plan(config), flush=True)
    outcome = watch(run)
    best = config.output / "best.safetensors"
    data = {
        "output": config.output,
        "best": best if best.is_file() else None,
        "stopped": outcome.stopped,
    } | (outcome.last.record() if outcome.last else {})
    return Answer(summary(outcome, best), data, STOPPED if outcome.stopped else 0)


def plan(config: TrainConfig) -> str:
    """Return every setting of a run, and the machine it runs on."""
    from napari_toposeg.learning.devices import describe_device

    rows = [(name.replace("_", " "), planned(config, name)) for name in type(config).model_fields]
    return f"plan\n{aligned([*rows, ('machine', describe_device(config.device))], '  ')}\n"


def planned(config: TrainConfig, name: str) -> str:
    """Return a setting as it will be; one that is left open as its description says."""
    value = getattr(config, name)
    if value is not None:
        return written(value)
    _, _, default = str(type(config).model_fields[name].description).partition("default: ")
    return default


def summary(outcome: Outcome[Any], best: Path) -> str:
    """Say how far a run came, what it left, and how to go on."""
    last = outcome.last
    done = "stopped before the first step"
    if last is not None:
        figures = {**last.losses, **last.metrics}.items()
        done = f"{'stopped' if outcome.stopped else 'done'}: step {last.step} of {last.total}"
        done += f" in {duration(last.seconds)}" + "".join(f", {n} {v:.4g}" for n, v in figures)
    if not best.is_file():
        return f"{done}\nno checkpoint was written yet"
    kept = "best kept at" if outcome.stopped else "best model:"
    lines = [done, *transfer(best.parent), f"{kept} {best}"]
    if outcome.stopped:
        lines.append("go on:         the same command with --resume")
    lines.append(f"under a name:  napari-toposeg models import {best.parent} --name NAME")
    return "\n".join(lines)


def transfer(folder: Path) -> list[str]:
    """Say in a line what the run started from, if it did from a model."""
    from napari_toposeg.learning.transfer import REPORT

    report = folder / REPORT
    if not report.is_file():
        return []
    summary = json.loads(report.read_text(encoding="utf-8"))["summary"]
    return [f"started from:  {summary} (every key: {report})"]
