"""A run that waits for a better score ends where the scores say, and resumes to the same end."""

import json
import math

import pytest

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.checkpoints import read_tensors
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.finetuning import Segmentation
from napari_toposeg.learning.task import Evaluation
from napari_toposeg.phantoms import ball

SCORES = [0.2, 0.5, 0.4, 0.5, 0.3, 0.6, 0.1, 0.1]
"""One a validation. Equal is not better: two in a row fail at the fourth, three at the fifth."""


@pytest.fixture
def settings(tmp_path) -> FinetuneConfig:
    return FinetuneConfig.create(
        checkpoint="none",
        network="resenc-unet",
        size="nano",
        crop=(8, 8, 8),
        spacing=(3.0, 3.0, 3.0),
        output=tmp_path / "run",
        steps=len(SCORES),
        every=1,
        batch=1,
        threads=1,
        device="cpu",
        previews=False,
    )


@pytest.fixture
def scripted(monkeypatch) -> None:
    """Score the model at a step by the script, whatever it is."""
    before = Segmentation.losses

    def losses(task, network, batch, step):
        task.at = step
        return before(task, network, batch, step)

    def evaluate(task, network):
        yield from ()
        score = SCORES[task.at - 1]
        return Evaluation(score, {"dice": score})

    monkeypatch.setattr(Segmentation, "losses", losses)
    monkeypatch.setattr(Segmentation, "evaluate", evaluate)


def train(config: FinetuneConfig, *, validation: bool = True):
    phantom = ball((12, 12, 12), spacing=(3.0, 3.0, 3.0), seed=1)
    case = Case("ball", phantom.image, phantom.truth)
    kept = [Case("kept", phantom.image, phantom.truth, "validation")] if validation else []
    return [step for step in finetune(config, [case, *kept]) if step.losses]


@pytest.mark.parametrize(("patience", "last", "best"), [(2, 4, 4), (3, 5, 4), (4, 8, 6), (0, 8, 6)])
def test_a_run_ends_after_so_many_validations_without_a_better_score(
    settings, scripted, patience, last, best
):
    steps = train(settings.model_copy(update={"patience": patience}))
    assert [step.step for step in steps] == list(range(1, last + 1))
    kept = [step.step for step in steps if step.checkpoint.name == "best.safetensors"]
    assert kept[-1] == best
    ending = f"no better score in {patience} validations" if last < len(SCORES) else "training"
    assert ending in steps[-1].message
    lines = (settings.output / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    assert ending in json.loads(lines[-1])["message"]


def test_a_killed_run_ends_where_the_whole_one_does(settings, scripted, tmp_path):
    waiting = settings.model_copy(update={"patience": 3})
    whole = train(waiting.model_copy(update={"output": tmp_path / "whole"}))
    phantom = ball((12, 12, 12), spacing=(3.0, 3.0, 3.0), seed=1)
    cases = [
        Case("ball", phantom.image, phantom.truth),
        Case("kept", phantom.image, phantom.truth, "validation"),
    ]
    killed = finetune(waiting, cases)
    for step in killed:
        if step.step == 4 and step.losses:
            break
    killed.close()
    rest = train(waiting.model_copy(update={"resume": True}))
    assert [step.losses for step in rest] == [step.losses for step in whole[4:]]
    assert not train(waiting.model_copy(update={"resume": True}))


def test_a_run_that_ended_early_goes_on_as_if_it_had_not(settings, scripted, tmp_path):
    whole = train(settings.model_copy(update={"output": tmp_path / "whole"}))
    train(settings.model_copy(update={"patience": 2}))
    rest = train(settings.model_copy(update={"resume": True}))
    assert [step.losses for step in rest] == [step.losses for step in whole[4:]]
    weights = (
        read_tensors(folder / "last.safetensors")
        for folder in (settings.output, tmp_path / "whole")
    )
    one, other = weights
    assert all(one[name].equal(other[name]) for name in other)


def test_a_run_that_is_never_judged_takes_all_steps_and_says_so(settings):
    config = settings.model_copy(update={"patience": 1, "steps": 3})
    phantom = ball((12, 12, 12), spacing=(3.0, 3.0, 3.0), seed=1)
    first = next(finetune(config, [Case("ball", phantom.image, phantom.truth)]))
    assert any("no case to judge it on" in note for note in first.notes)
    assert len(train(config, validation=False)) == 3


def test_the_rate_follows_the_planned_steps(settings, scripted):
    """Ending early changes no step before the end."""
    losses = [
        [step.losses["loss"] for step in train(settings.model_copy(update=changes))]
        for changes in ({"patience": 2}, {"output": settings.output / "other"})
    ]
    assert losses[0] == losses[1][: len(losses[0])]
    assert math.isfinite(losses[0][-1])
