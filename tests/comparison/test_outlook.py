"""The time that runs will take is told before they are made, planned steps or not."""

import json
from collections.abc import Callable

import pytest

from napari_toposeg.comparison.outlook import Outlook, look_ahead
from napari_toposeg.comparison.running import Comparison
from napari_toposeg.config import CompareConfig
from napari_toposeg.progress import finish

Make = Callable[..., CompareConfig]
ONE_ARM = {"arms": [{"name": "scratch"}], "seeds": [0, 1]}


def outlook(config: CompareConfig) -> Outlook:
    return finish(look_ahead(Comparison.of(config)))


def lay_trained(comparison: Comparison, label: str, seconds: float) -> None:
    """Leave what a run that is trained and not judged leaves."""
    (trial,) = (trial for trial in comparison.trials if trial.label == label)
    trial.folder.mkdir(parents=True)
    (trial.folder / "best.safetensors").touch()
    spent = {"cpu_seconds": seconds, "seconds": seconds, "closed": True}
    (trial.folder / "spent.json").write_text(json.dumps(spent), "utf-8")


@pytest.mark.parametrize("steps", [0, 40])
def test_a_run_takes_as_long_as_its_arm_did_before(settings: Make, steps: int) -> None:
    base = settings()
    config = settings(**ONE_ARM, counts=[1], finetune=base.finetune | {"steps": steps})
    lay_trained(Comparison.of(config), "scratch/1/0", 60.0)
    trained, other = outlook(config).runs
    assert (trained.state, other.state) == ("trained", "to do")
    assert other.seconds == 60.0


def test_steps_that_are_planned_by_the_labels_are_timed_count_by_count(settings: Make) -> None:
    base = settings()
    config = settings(**ONE_ARM, counts=[1, 2], finetune=base.finetune | {"steps": 0})
    for label, seconds in {"scratch/1/0": 60.0, "scratch/2/0": 90.0}.items():
        lay_trained(Comparison.of(config), label, seconds)
    found = {run.label: run.seconds for run in outlook(config).runs if run.state == "to do"}
    assert found == {"scratch/1/1": 60.0, "scratch/2/1": 90.0}


@pytest.mark.parametrize(("steps", "known"), [(0, True), (100, True), (3, False)])
def test_a_run_is_measured_where_none_of_its_arm_was_made(
    settings: Make, steps: int, known: bool
) -> None:
    base = settings()
    one = {**ONE_ARM, "counts": [1], "seeds": [0]}
    (run,) = outlook(settings(**one, finetune=base.finetune | {"steps": steps})).runs
    assert run.state == "to do" and (run.seconds is not None) == known
