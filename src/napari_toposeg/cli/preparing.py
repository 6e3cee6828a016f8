"""The prepare command: scans into a store, and which of them could not be read."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from napari_toposeg.cli.answers import STOPPED, Answer
from napari_toposeg.cli.flags import read_settings
from napari_toposeg.cli.watch import watch
from napari_toposeg.config import PrepareConfig

if TYPE_CHECKING:
    from napari_toposeg.io.store import StoredCase

BAD_INPUT = 2
"""Exit code where some files could not be read, though the rest is done."""


def prepare(arguments: argparse.Namespace) -> Answer:
    """Bring scans to one grid, into a store."""
    config = read_settings(arguments, PrepareConfig)
    from napari_toposeg.learning.prepare import prepare

    outcome = watch(prepare(config))
    if outcome.result is None:
        text = f"stopped; go on with the same command and --resume, {config.output} keeps its cases"
        return Answer(text, {"output": config.output, "stopped": True}, STOPPED)
    done = outcome.result
    data = {
        "output": done.store,
        "cases": [case.name for case in done.cases],
        "failed": dict(done.failed),
        "few_values": [case.name for case in done.cases if case.few_values],
        "stopped": False,
    }
    lines = [f"{len(done.cases)} cases in {done.store}", *left_out(done.failed)]
    lines += few_values(done.cases)
    return Answer("\n".join(lines), data, BAD_INPUT if done.failed else 0)


def left_out(failed: Mapping[str, str]) -> list[str]:
    """Say which cases are not in the store."""
    if not failed:
        return []
    many = f"{len(failed)} case{'s' * (len(failed) > 1)} could not be read and left out:"
    last = "mend the files and run again with --resume, or train without them"
    return [many, *(f"  {name}: {fault}" for name, fault in failed.items()), last]


def few_values(cases: "Sequence[StoredCase]") -> list[str]:
    """Say which cases look like label maps."""
    names = [case.name for case in cases if case.few_values]
    if not names:
        return []
    many = f"{len(names)} case{'s' * (len(names) > 1)} of a few whole numbers only"
    return [f"{many}, as label maps have: {', '.join(names)}; are they scans?"]
