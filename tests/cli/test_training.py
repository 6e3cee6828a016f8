"""The commands that train: the plan first, the best model last, Ctrl-C keeps it."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_toposeg.cli import main
from napari_toposeg.config import PretrainConfig
from napari_toposeg.progress import Step


def training_steps(config: PretrainConfig) -> Iterator[Step]:
    """Run three steps and leave a best checkpoint at the second."""
    best = config.output / "best.safetensors"
    planned = config.model_copy(update={"crop": (8, 16, 24)}).model_dump()
    yield Step(0, 3, message="planned", plan=planned, notes=("the crop is mostly padding",))
    yield Step(0, 3, message="about 2 min, 1.0 GB of 4.0 GB free", forecast={"seconds": 120.0})
    for number in (1, 2, 3):
        if number == 2:
            config.output.mkdir(parents=True)
            best.write_bytes(b"weights")
        yield Step(number, 3, losses={"loss": 1 / number}, message="training")


def test_training_prints_the_plan_first_and_the_best_last(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    seen = stub_run("pretrain", training_steps)
    run = tmp_path / "run"
    assert main(["pretrain", "--data", "a", "--output", str(run), "--steps", "3"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("plan\n") and "a machine" in out and "0.6" in out
    assert re.search(r"^  crop +8 16 24$", out, re.MULTILINE)
    assert "note: the crop is mostly padding" in out
    assert "forecast: about 2 min" in out
    assert str(run / "best.safetensors") in out
    assert "3/3" in err and "loss=0.3333" in err
    assert seen[0].steps == 3


def test_a_run_with_no_step_left_is_told_as_done(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "best.safetensors").write_bytes(b"weights")
    stub_run("pretrain", lambda config: (next(steps) for steps in [training_steps(config)]))
    assert main(["pretrain", "--data", "a", "--output", str(tmp_path), "--resume"]) == 0
    out, _ = capsys.readouterr()
    assert "all steps were taken before" in out and "stopped" not in out
    assert f"best model: {tmp_path / 'best.safetensors'}" in out


def test_json_is_all_that_reaches_stdout(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    stub_run("pretrain", training_steps)
    assert main(["pretrain", "--data", "a", "--output", str(tmp_path / "run"), "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["forecast"] == {"seconds": 120.0}
    assert answer["step"] == 3 and answer["best"].endswith("best.safetensors")
    assert err.startswith("plan\n")


def test_ctrl_c_ends_after_the_step_and_keeps_the_best(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    closed = []

    def interrupted(config):
        try:
            for step in training_steps(config):
                if step.step == 2:
                    os.kill(os.getpid(), signal.SIGINT)
                yield step
        finally:
            closed.append(True)

    stub_run("finetune", interrupted)
    words = ["finetune", "--checkpoint", "none", "--output", str(tmp_path / "run")]
    before = signal.getsignal(signal.SIGINT)
    assert main(words) == 130
    out, _ = capsys.readouterr()
    assert "stopped: step 2 of 3" in out
    assert f"best kept at {tmp_path / 'run' / 'best.safetensors'}" in out
    assert closed == [True]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_that_ended_early_says_why(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    why = "ended early, no better score in 2 validations"
    ended = Step(40, 100, losses={"loss": 0.5}, message=why)
    stub_run("pretrain", lambda config: (each for each in [ended]))
    assert main(["pretrain", "--data", "a", "--output", str(tmp_path / "run")]) == 0
    assert f"{why}: step 40 of 100" in capsys.readouterr().out
