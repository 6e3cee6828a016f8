"""The commands that use a segmentation model: predict with it, and calibrate it."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_toposeg.cli.answers import STOPPED, Answer, aligned
from napari_toposeg.cli.flags import read_settings
from napari_toposeg.cli.watch import watch
from napari_toposeg.config import CalibrateConfig, PredictConfig

if TYPE_CHECKING:
    from napari_toposeg.learning.repairing import ClassChange

Changes = Mapping[str, Sequence["ClassChange"]]


def predict(arguments: argparse.Namespace) -> Answer:
    """Segment files, and encode them."""
    config = read_settings(arguments, PredictConfig)
    from napari_toposeg.learning.predict import predict

    outcome = watch(predict(config))
    if outcome.result is None:
        text = f"stopped; the files that were done are in {config.output}"
        return Answer(text, {"output": config.output, "stopped": True}, STOPPED)
    done = outcome.result
    data = {"output": config.output, "written": done.files, "stopped": False}
    lines = [f"written: {path}" for path in done.files]
    if config.repair:
        data |= {
            "connectivity": 26,
            "reached": not missing(done.repairs),
            "repairs": {name: described(changes) for name, changes in done.repairs.items()},
        }
        lines += told(done.repairs)
    return Answer("\n".join(lines), data)


def described(changes: Sequence["ClassChange"]) -> dict[str, dict[str, Any]]:
    """Return what was changed of each class of a case as plain data."""
    return {
        change.name: {key: value for key, value in asdict(change).items() if key != "name"}
        | {"reached": change.reached}
        for change in changes
    }


def told(repairs: Changes) -> Iterator[str]:
    """Yield what was repaired, and what was not reached, for a person."""
    touched = [change for changes in repairs.values() for change in changes if change.edits]
    voxels = sum(change.added + change.removed for change in touched)
    yield (
        f"repaired: {len(touched)} classes of {len(repairs)} cases, {voxels} voxels changed; "
        "components, loops and cavities are counted 26-connected"
    )
    lacking = missing(repairs)
    if lacking:
        yield f"not reached: {len(lacking)}"
        yield aligned(lacking, "  ")


def missing(repairs: Changes) -> list[tuple[str, str, str]]:
    """Return case, class and reason of what was not reached."""
    return [
        (case, change.name, change.reason)
        for case, changes in repairs.items()
        for change in changes
        if not change.reached
    ]


def calibrate(arguments: argparse.Namespace) -> Answer:
    """Fit a model's temperature, and note it in its card."""
    config = read_settings(arguments, CalibrateConfig)
    from napari_toposeg.learning.calibrate import calibrate

    outcome = watch(calibrate(config))
    if outcome.result is None:
        return Answer("stopped; the model is as it was", {"stopped": True}, STOPPED)
    done = outcome.result
    data = asdict(done) | {"stopped": False}
    rows = [(f"within {done.near:g} mm of the structures", "before", "after")] + [
        (name, f"{before:.4f}", f"{done.after[name]:.4f}") for name, before in done.before.items()
    ]
    text = [
        f"temperature {done.temperature:.3f}, from {done.cases} cases; noted in {done.model}",
        aligned(rows),
    ]
    return Answer("\n".join(text), data)
