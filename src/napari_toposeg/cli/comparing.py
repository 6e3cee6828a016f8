"""The compare command: many runs of one config, then one table."""

import argparse
from typing import TYPE_CHECKING

from napari_toposeg.cli.answers import STOPPED, Answer, aligned
from napari_toposeg.cli.flags import Commands, add_flags, read_settings
from napari_toposeg.cli.watch import watch
from napari_toposeg.config import CompareConfig

if TYPE_CHECKING:
    from napari_toposeg.comparison.running import Comparison

BAD_INPUT, OUR_FAULT = 2, 1
"""Exit codes where some runs failed, though the others are done."""

IN_FILE = ("phantoms", "arms", "pretrain", "finetune", "predict")
"""Settings that only the file can say."""


def add_compare(commands: Commands) -> None:
    """Add ``compare`` and its flags."""
    text = "compare ways to train, on few labels and many"
    parser = commands.add_parser("compare", help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_flags(parser, CompareConfig, without=IN_FILE)
    parser.add_argument(
        "--plan", action="store_true", help="list the runs, what is done of them, and start none"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON only")
    parser.set_defaults(run=compare)


def compare(arguments: argparse.Namespace) -> Answer:
    """Run a comparison, or tell what it would run."""
    config = read_settings(arguments, CompareConfig)
    from napari_toposeg.comparison.running import Comparison, compare
    from napari_toposeg.comparison.writing import write_results

    if arguments.plan:
        return planned(Comparison.of(config))
    outcome = watch(compare(config))
    comparison = outcome.result or Comparison.of(config)
    files = write_results(comparison)
    text = [f"written to {config.output}:", aligned(list(files.items()), "  ")]
    if comparison.failed:
        text += ["failed:", aligned(list(comparison.failed.items()), "  ")]
    done = sum(map(comparison.is_done, comparison.trials))
    text.insert(0, f"{done} of {len(comparison.trials)} runs are done")
    data = {"output": config.output, "files": list(files), "failed": comparison.failed}
    data |= {"runs": len(comparison.trials), "done": done, "stopped": outcome.stopped}
    if outcome.stopped:
        return Answer("\n".join([*text, "go on: the same command"]), data, STOPPED)
    code = OUR_FAULT if comparison.broken else BAD_INPUT if comparison.failed else 0
    return Answer("\n".join(text), data, code)


def planned(comparison: "Comparison") -> Answer:
    """Say which runs there are and which are done."""
    rows = [
        (trial.label, "done" if comparison.is_done(trial) else "to do", trial.config.steps)
        for trial in comparison.trials
    ]
    data = {"runs": [{"run": run, "state": state, "steps": steps} for run, state, steps in rows]}
    return Answer(aligned([("run", "state", "steps"), *rows]), data)
