"""The compare command: the plan, the table, and an exit code that says what failed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

# Fixtures of the comparison's own tests.
from tests.comparison.conftest import scans, settings

from napari_toposeg.cli import main
from napari_toposeg.comparison.running import Comparison
from napari_toposeg.config import CompareConfig
from napari_toposeg.progress import Step

__all__ = ["scans", "settings"]

Make = Callable[..., CompareConfig]
RUNNING = "napari_toposeg.comparison.running.compare"


@pytest.fixture
def file(settings: Make, tmp_path: Path) -> Path:
    """The settings of a comparison, as a file."""
    path = tmp_path / "compare.toml"
    settings(counts=[1], seeds=[0]).to_toml(path)
    return path


def test_the_plan_lists_runs_and_begins_none(
    file: Path, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    assert main(["compare", "--config", str(file), "--plan", "--seeds", "0", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [run["label"] for run in answer["runs"]] == [
        "scratch/1/0",
        "mae pretraining",
        "pretrained/1/0",
        "scratch/1/1",
        "pretrained/1/1",
    ]
    assert {run["state"] for run in answer["runs"]} == {"to do"}
    assert not (tmp_path / "out" / "finetuned").exists()


def test_what_was_compared_is_answered(
    file: Path, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    words = ["compare", "--config", str(file), "--only", "scratch/*"]
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["runs"], answer["done"], answer["failed"]) == (2, 1, {})
    assert "table.md" in answer["files"]
    assert main(words) == 0
    out, _ = capsys.readouterr()
    assert "1 of 2 runs are done" in out and str(tmp_path / "out") in out
    # Of the arm that was run, the pace is known from then on.
    assert main(["compare", "--config", str(file), "--plan", "--only", "scratch/*"]) == 0
    assert "scratch/1/0  done" in capsys.readouterr().out


@pytest.mark.parametrize(("broken", "code"), [(set(), 2), ({"scratch/1/0"}, 1)])
def test_failed_runs_are_named_and_told_by_the_exit_code(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    broken: set[str],
    code: int,
) -> None:
    def failing(config: CompareConfig):
        yield Step(1, 1, message="1 of 2, scratch/1/0: training")
        comparison = Comparison.of(config)
        comparison.failed["scratch/1/0"] = "the loss became nan"
        comparison.broken |= broken
        return comparison

    monkeypatch.setattr(RUNNING, failing)
    assert main(["compare", "--config", str(file)]) == code
    out, _ = capsys.readouterr()
    assert "scratch/1/0  the loss became nan" in out


def test_settings_that_only_the_file_has_are_no_flags(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    out, _ = capsys.readouterr()
    assert "--counts" in out and "--arms" not in out and "--finetune" not in out


def test_all_labelled_cases_can_be_asked_for_by_their_word(
    file: Path, capsys: pytest.CaptureFixture
) -> None:
    words = ["compare", "--config", str(file), "--plan", "--json", "--only", "scratch/*"]
    assert main([*words, "--counts", "2", "all"]) == 0
    labels = [run["label"] for run in json.loads(capsys.readouterr().out)["runs"]]
    assert labels == ["scratch/2/0", "scratch/all/0"]
    assert main([*words, "--counts", "most"]) == 2
    assert "counts: Input should be a valid integer" in capsys.readouterr().err


def test_a_wrong_config_is_one_message(file: Path, capsys: pytest.CaptureFixture) -> None:
    file.write_text(file.read_text("utf-8").replace("counts = [\n    1,\n]", "counts = [9]"))
    assert main(["compare", "--config", str(file)]) == 2
    assert "9 labelled cases are asked for and the pool has 3" in capsys.readouterr().err
