"""Several models on one truth: names, common cases, tests, and the files that are written."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.config import MeasureConfig
from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.io import write_volume
from napari_toposeg.metrics import MEAN, METRICS, measure, measure_case
from napari_toposeg.metrics.models import name_models
from napari_toposeg.volume import Volume

AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])
CASES = 6


def truth(number: int) -> Volume:
    voxels = np.random.default_rng(number).integers(0, 3, (6, 7, 8)).astype(np.uint8)
    return Volume(voxels, AFFINE, modality="label", name=f"case{number}")


def damaged(number: int, share: float) -> Volume:
    true = truth(number)
    random = np.random.default_rng(100 + number)
    return true.with_voxels(np.where(random.random(true.shape) < share, 0, true.voxels))


@pytest.fixture
def config(tmp_path) -> MeasureConfig:
    """Write two models; the second lacks the last case."""
    for number in range(CASES):
        name = f"case{number}.nii.gz"
        write_volume(truth(number), tmp_path / "truth" / name)
        write_volume(damaged(number, 0.1), tmp_path / "good" / name)
        if number < CASES - 1:
            write_volume(damaged(number, 0.4), tmp_path / "bad" / name)
    folders = [tmp_path / "good", tmp_path / "bad"]
    return MeasureConfig.create(prediction=folders, truth=tmp_path / "truth", classes=["a", "b"])


def test_models_are_tested_on_the_cases_that_all_have(config):
    measured = measure(config)
    assert list(measured.tables) == ["good", "bad"]
    (test,) = measured.tests()["dice"]
    expected = [
        np.mean([good[name]["dice"] - bad[name]["dice"] for name in "ab"])
        for number in range(CASES - 1)
        for good, bad in [
            [
                measure_case(damaged(number, share), truth(number), ["a", "b"])
                for share in (0.1, 0.4)
            ]
        ]
    ]
    assert test.cases == CASES - 1
    assert test.difference == pytest.approx(np.mean(expected))
    assert test.p == pytest.approx(2 / 2 ** (CASES - 1)), "all ranks on one side"
    assert measured.tests("a")["dice"][0].difference > 0
    assert set(measured.tests("a")) == set(METRICS)
    assert set(measured.tests()) == {*METRICS, "exact"}


def test_one_model_has_no_tests_and_its_table_as_json(config):
    alone = measure(config.model_copy(update={"prediction": config.prediction[:1]}))
    assert alone.tests() == {}
    assert alone.to_dict() == alone.first.to_dict()


def test_json_of_several_models_is_strict_and_has_the_tests(config, tmp_path):
    measure(config).to_json(tmp_path / "m.json")

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads((tmp_path / "m.json").read_text(), parse_constant=refuse)
    assert set(content["models"]) == {"good", "bad"}
    assert set(content["paired"]) == {MEAN, "a", "b"}
    (dice,) = [row for row in content["paired"][MEAN] if row["metric"] == "dice"]
    assert (dice["first"], dice["second"], dice["cases"]) == ("good", "bad", CASES - 1)


def test_csv_has_a_row_for_each_model_case_and_class(config, tmp_path):
    measured = measure(config)
    measured.to_csv(tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (CASES + CASES - 1) * 3
    assert list(rows[0]) == ["model", "case", "class", *METRICS, "exact"]
    first = measured.tables["good"].rows[0]
    assert float(rows[0]["dice"]) == first["dice"]
    whole = [row for row in rows if row["class"] == MEAN]
    assert {row["exact"] for row in whole} <= {"0.0", "1.0"}
    assert all(row["exact"] == "" for row in rows if row["class"] != MEAN)


def test_models_are_named_by_as_much_of_their_place_as_tells_them_apart():
    folders = [Path("/a/one/raw"), Path("/a/two/raw"), Path("/a/two/fix")]
    assert list(name_models(folders)) == ["one/raw", "two/raw", "two/fix"]
    assert list(name_models(folders[1:])) == ["raw", "fix"]
    with pytest.raises(InvalidConfig, match="twice"):
        name_models([Path("a"), Path("b/../a")])


def lump(edge: int) -> Volume:
    voxels = np.zeros((8, 8, 8), np.uint8)
    voxels[1 : 1 + edge, 1 : 1 + edge, 1 : 1 + edge] = 1
    return Volume(voxels, AFFINE, modality="label")


@pytest.fixture
def tumours(tmp_path) -> MeasureConfig:
    """Write a tumour in 2 of 8 cases; a model that finds it small, and one that invents 6 more."""
    for number in range(8):
        name, ill = f"case{number}.nii.gz", number < 2
        write_volume(lump(4 if ill else 0), tmp_path / "truth" / name)
        write_volume(lump(3 if ill else 0), tmp_path / "careful" / name)
        write_volume(lump(4 if ill else 2), tmp_path / "eager" / name)
    folders = [tmp_path / "careful", tmp_path / "eager"]
    return MeasureConfig.create(prediction=folders, truth=tmp_path / "truth")


def test_a_case_without_a_class_counts_for_every_model(tumours):
    measured = measure(tumours)
    for table in measured.tables.values():
        assert [row["case"] for row in table.rows] == [f"case{number}" for number in range(8)]
        summary = table.summary()[MEAN]
        assert summary["dice"]["cases"] == summary["exact"]["cases"] == 8
        assert summary["exact"]["mean"] == np.mean(list(table.exact.values()))
    (dice,), (exact,) = (measured.tests()[name] for name in ("dice", "exact"))
    assert (dice.cases, exact.cases) == (8, 8)
    assert dice.difference > 0 and exact.difference == 6 / 8


def test_classes_that_occur_are_measured_as_classes_that_are_named(tumours):
    named = measure(tumours.model_copy(update={"classes": ("1",)}))
    assert measure(tumours).to_dict() == named.to_dict()


def test_a_class_that_one_model_invents_is_right_in_the_others(tumours):
    true = lump(4)
    invented = true.with_voxels(np.where(np.arange(8) == 7, 3, true.voxels).astype(np.uint8))
    write_volume(invented, tumours.prediction[1] / "case0.nii.gz")
    tables = measure(tumours).tables
    assert [table.classes for table in tables.values()] == [("1", "3")] * 2
    right, wrong = (
        [row["dice"] for row in table.rows if row["class"] == "3"] for table in tables.values()
    )
    assert right == [1] * 8 and wrong == [0] + [1] * 7


def test_a_model_that_finds_nothing_where_nothing_is_has_all_cases(tumours):
    healthy = tumours.truth.parent / "healthy"
    for number in range(2, 8):
        write_volume(lump(0), healthy / f"case{number}.nii.gz")
    folders = (healthy, tumours.prediction[1])
    (test,) = measure(tumours.model_copy(update={"prediction": folders})).tests()["dice"]
    assert (test.cases, test.difference, test.better) == (6, 1, "healthy")


def test_maps_without_any_class_are_refused_unless_it_is_named(tumours):
    for number in range(2):
        (tumours.truth / f"case{number}.nii.gz").unlink()
    clean = tumours.model_copy(update={"prediction": tumours.prediction[:1]})
    with pytest.raises(InvalidVolume, match=r"no class is in any prediction or truth.*--classes"):
        measure(clean)
    named = measure(clean.model_copy(update={"classes": ("tumour",)}))
    assert named.first.summary()["tumour"]["dice"]["cases"] == 6


def test_probabilities_come_one_folder_a_model(config):
    wrong = config.model_copy(update={"probabilities": (config.truth,)})
    with pytest.raises(InvalidConfig, match="one for each"):
        measure(wrong)


def test_probability_maps_beside_the_label_maps_are_no_cases(config):
    folder = config.prediction[0]
    whole = truth(0)
    for name in "ab":
        values = whole.with_voxels(np.full(whole.shape, 0.25, np.float32), modality="probability")
        for number in range(CASES):
            write_volume(values, folder / f"case{number}_{name}_probability.nii.gz")
    for beside in ("uncertainty", "disagreement"):
        write_volume(values, folder / f"case0_{beside}.nii.gz")
    alone = config.model_copy(update={"prediction": (folder,), "probabilities": (folder,)})
    measured = measure(alone)
    assert measured.first.only_prediction == ()
    share = np.mean([np.mean(truth(number).voxels == 1) for number in range(CASES)])
    found = measured.calibration["good"].pooled("all voxels", "a")
    assert found.expected_calibration_error == pytest.approx(abs(share - 0.25))
    assert "calibration" in measured.to_dict()
