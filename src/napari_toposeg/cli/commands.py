"""The commands: what each reads, which run it starts, and what it answers."""

import argparse
import sys
from collections.abc import Callable

from napari_toposeg import __version__
from napari_toposeg.cli import predicting, preparing, training
from napari_toposeg.cli.answers import STOPPED, Answer, aligned
from napari_toposeg.cli.comparing import add_compare
from napari_toposeg.cli.flags import Commands, Parser, add_flags, read_settings
from napari_toposeg.cli.measuring import add_measure
from napari_toposeg.cli.models import add_models
from napari_toposeg.cli.watch import watch
from napari_toposeg.config import (
    CalibrateConfig,
    FinetuneConfig,
    PredictConfig,
    PrepareConfig,
    PretrainConfig,
    RunConfig,
)
from napari_toposeg.demo.settings import DemoConfig

Action = Callable[[argparse.Namespace], Answer]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="napari-toposeg",
        description="Topology-aware pretraining and segmentation of CT and MRI. Research use only.",
        epilog="'napari-toposeg COMMAND --help' says units and defaults.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, run, config, text in (
        ("demo", demo, DemoConfig, "open a scan, rebuild it, segment it, show its topology"),
        ("prepare", preparing.prepare, PrepareConfig, "bring scans to one grid, to train on"),
        ("pretrain", training.pretrain, PretrainConfig, "train on scans without labels"),
        ("finetune", training.finetune, FinetuneConfig, "train to segment, on few labels"),
        ("predict", predicting.predict, PredictConfig, "segment files"),
        ("calibrate", predicting.calibrate, CalibrateConfig, "make a model's probabilities true"),
    ):
        add_run(commands, name, run, config, text)
    add_measure(commands)
    add_compare(commands)
    add_models(commands)
    return parser


def add_run(commands: Commands, name: str, run: Action, config: type[RunConfig], text: str) -> None:
    """Add a command whose flags are the settings of a run; a setting ``path`` needs no flag."""
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_flags(parser, config, bare=("path",))
    parser.add_argument("--json", action="store_true", help="print the result as JSON only")
    parser.set_defaults(run=run)


def demo(arguments: argparse.Namespace) -> Answer:
    """Run the demo in a window, or without one where there is no display."""
    config = read_settings(arguments, DemoConfig)
    from napari_toposeg.demo.screen import missing_screen

    if not config.headless:
        fault = missing_screen()
        if fault is None:
            from napari_toposeg.demo.window import show

            show(config)
            return Answer("closed")
        print(f"no window: {fault}\ngoing on headless", file=sys.stderr)
    from napari_toposeg.demo.headless import run

    outcome = watch(run(config))
    if outcome.result is None:
        return Answer(f"stopped; {config.output} may hold a part of the files", {}, STOPPED)
    files = aligned(list(outcome.result.files.items()), "  ")
    return Answer(
        f"{outcome.result.summary}\nwritten to {config.output}:\n{files}", outcome.result.data
    )
