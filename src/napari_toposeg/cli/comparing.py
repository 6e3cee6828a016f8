"""The compare command: many runs of one config, then one table."""

import argparse

from napari_toposeg.cli.answers import STOPPED, Answer, aligned, duration
from napari_toposeg.cli.flags import Commands, add_flags, read_settings
from napari_toposeg.cli.watch import watch
from napari_toposeg.config import CompareConfig

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
        "--plan",
        action="store_true",
        help="list the runs, what is done and how long the rest will take, and begin none",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON only")
    parser.set_defaults(run=compare)


def compare(arguments: argparse.Namespace) -> Answer:
    """Run a comparison, or tell what it would run."""
    config = read_settings(arguments, CompareConfig)
    if arguments.plan:
        return planned(config)
    from napari_toposeg.comparison.running import Comparison, compare
    from napari_toposeg.comparison.writing import write_results

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


def planned(config: CompareConfig) -> Answer:
    """Say which runs there are, which are done, and how long the others will take."""
    from napari_toposeg.comparison.outlook import look_ahead
    from napari_toposeg.comparison.running import Comparison

    outcome = watch(look_ahead(Comparison.of(config)))
    if outcome.result is None:
        return Answer("stopped", {"stopped": True}, STOPPED)
    outlook = outcome.result
    rows = [
        (
            run.label,
            run.state,
            run.steps or "planned",
            "" if run.seconds is None else duration(run.seconds),
        )
        for run in outlook.runs
    ]
    left = sum(run.state != "done" for run in outlook.runs)
    text = [aligned([("run", "state", "steps", "about"), *rows]), f"{left} are left"]
    if outlook.seconds:
        text[-1] += f", about {duration(outlook.seconds)} of one process"
    data = {"runs": [run._asdict() for run in outlook.runs], "seconds": outlook.seconds}
    return Answer("\n".join(text), data)
