"""Predict and calibrate: what can be asked for, and what is answered."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_toposeg.cli import build_parser, main
from napari_toposeg.cli.flags import read_settings
from napari_toposeg.config import PredictConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.progress import Step

CLASSES = ("artery", "vein")
WORDS = "predict --model m --images a.nii --output out"


def settings(words: str) -> PredictConfig:
    return read_settings(build_parser().parse_args(f"{WORDS} {words}".split()), PredictConfig)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("", {}),
        ("--repair 1,0,0", {1: (1, 0, 0), 2: (1, 0, 0)}),
        ("--repair 1 2 0", {1: (1, 2, 0), 2: (1, 2, 0)}),
        ("--repair vein=1,0,0", {2: (1, 0, 0)}),
        ("--repair 2=1,0,0", {2: (1, 0, 0)}),
        ("--repair artery=2,0,0 vein=1,1,0", {1: (2, 0, 0), 2: (1, 1, 0)}),
        ("--repair artery=2,0,0 --repair vein=1,1,0", {1: (2, 0, 0), 2: (1, 1, 0)}),
        ("--repair 1,0,0 vein=1,1,0", {1: (1, 0, 0), 2: (1, 1, 0)}),
    ],
)
def test_betti_numbers_are_wanted_of_all_classes_or_of_some(words: str, wanted: dict) -> None:
    assert settings(words).wanted_of(CLASSES) == wanted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--repair 1,0", "three counts"),
        ("--repair 1,0,x", "three counts"),
        ("--repair vein=-1,0,0", "three counts"),
        ("--repair 1 0", "three counts"),
        ("--repair vein=1,0,0 vein=2,0,0", "given twice for vein"),
        ("--repair vein=0,1,0", "loops or cavities of nothing"),
    ],
)
def test_what_is_no_betti_numbers_is_refused(words: str, said: str) -> None:
    with pytest.raises(InvalidConfig, match=said):
        settings(words)


def test_a_class_that_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidConfig, match=r"names nerve.*artery, vein"):
        settings("--repair nerve=1,0,0").wanted_of(CLASSES)


def test_one_model_or_several_are_given() -> None:
    assert settings("").model == ("m",)
    assert settings("--model b c --flips zx").model == ("m", "b", "c")
    assert PredictConfig.create(model="m", images=("a",), output="out").model == ("m",)


def test_a_file_of_settings_says_what_is_wanted(tmp_path: Path) -> None:
    config = settings("--repair artery=2,0,0")
    config.to_toml(tmp_path / "predict.toml")
    assert PredictConfig.from_toml(tmp_path / "predict.toml") == config


def change(name: str, **values: object) -> object:
    from napari_toposeg.learning.repairing import ClassChange

    usual = {"before": (3, 0, 0), "after": (1, 0, 0), "wanted": (1, 0, 0), "edits": 2, "added": 5}
    return ClassChange(**(usual | {"name": name, "removed": 7, "reason": ""} | values))


def predicted(_config):
    yield Step(1, 1)
    lacking = change("vein", after=(1, 2, 0), reason="2 loops instead of 0")
    repairs = {"a.nii": (change("artery"), lacking)}
    return SimpleNamespace(files=(Path("out/a.nii"),), repairs=repairs)


def test_the_answer_says_what_was_changed_and_what_was_not_reached(stub_run, capsys) -> None:
    stub_run("predict", predicted)
    assert main([*WORDS.split(), "--repair", "1,0,0", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["connectivity"] == 26 and answer["reached"] is False
    artery, vein = (answer["repairs"]["a.nii"][name] for name in CLASSES)
    assert artery == {
        "before": [3, 0, 0], "after": [1, 0, 0], "wanted": [1, 0, 0], "edits": 2, "added": 5,
        "removed": 7, "reason": "", "reached": True,
    }  # fmt: skip
    assert vein["reached"] is False and vein["reason"] == "2 loops instead of 0"
    main([*WORDS.split(), "--repair", "1,0,0"])
    text = capsys.readouterr().out
    assert "24 voxels changed" in text and "26-connected" in text
    assert "a.nii  vein  2 loops instead of 0" in text


def test_without_a_wish_nothing_is_said_of_repairs(stub_run, capsys) -> None:
    stub_run("predict", predicted)
    main([*WORDS.split(), "--json"])
    assert "repairs" not in json.loads(capsys.readouterr().out)


def test_calibrate_tells_the_temperature_and_what_it_changed(stub_run, capsys) -> None:
    from napari_toposeg.learning.calibrate import Calibrated

    def calibrated(_config):
        yield Step(1, 1)
        return Calibrated(
            Path("run/best.safetensors"), 1.25, 12, 10.0, {"error": 0.05}, {"error": 0.01}
        )

    stub_run("calibrate", calibrated)
    words = ["calibrate", "--model", "run", "--images", "i", "--labels", "l"]
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["temperature"], answer["before"], answer["after"]) == (
        1.25, {"error": 0.05}, {"error": 0.01}
    )  # fmt: skip
    main(words)
    assert "temperature 1.250, from 12 cases" in capsys.readouterr().out
