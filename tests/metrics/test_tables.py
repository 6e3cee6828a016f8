"""Cases and folders: classes, grids, intervals over cases, JSON."""

import json

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch, UnreadableFile
from napari_toposeg.io import write_volume
from napari_toposeg.metrics import (
    CATALOGUE,
    METRICS,
    MeasureTable,
    dice,
    measure_case,
    measure_exactness,
    measure_folders,
)
from napari_toposeg.phantoms import torus
from napari_toposeg.volume import Volume

BEST_AT_1 = ("dice", "surface_dice", "cldice", "betti_exact")
AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])


def label_map(seed: int, *, classes: int = 2, shape=(8, 9, 10)) -> Volume:
    voxels = np.random.default_rng(seed).integers(0, classes + 1, shape).astype(np.uint8)
    return Volume(voxels, AFFINE, modality="label", name=f"case{seed}")


@pytest.fixture
def folders(tmp_path):
    """Three cases with partners, one prediction and one truth without."""
    for seed in range(3):
        write_volume(label_map(seed), tmp_path / "truth" / f"case{seed}.nii.gz")
        noisy = label_map(seed).voxels.copy()
        noisy[seed] = 0
        write_volume(label_map(seed).with_voxels(noisy), tmp_path / "found" / f"case{seed}.nrrd")
    write_volume(label_map(8), tmp_path / "truth" / "lonely.nii.gz")
    write_volume(label_map(9), tmp_path / "found" / "extra.nii.gz")
    return tmp_path / "found", tmp_path / "truth"


def test_perfect_prediction_has_perfect_metrics():
    truth = torus((24, 24, 24)).truth
    (metrics,) = measure_case(truth, truth).values()
    best = {metric.name: float(metric.name in BEST_AT_1) for metric in CATALOGUE}
    assert metrics == best
    assert list(metrics) == list(METRICS)
    assert measure_exactness(truth, truth) == 1


def test_lost_loop_is_one_error_of_b1():
    truth = torus((24, 24, 24)).truth
    cut = truth.voxels.copy()
    cut[:, 12, :12] = 0
    metrics = measure_case(truth.with_voxels(cut), truth)["1"]
    assert [metrics[f"betti_error_{k}"] for k in range(3)] == [0, 1, 0]
    assert metrics["betti_exact"] == 0
    assert metrics["betti_matching_error"] == 1
    assert metrics["defects_loops"] == 1
    assert 0.9 < metrics["dice"] < 1


def test_each_class_is_measured_by_itself():
    prediction, truth = label_map(0), label_map(1)
    measured = measure_case(prediction, truth)
    assert list(measured) == ["1", "2"]
    for label in (1, 2):
        expected = dice(prediction.voxels == label, truth.voxels == label)
        assert measured[str(label)]["dice"] == pytest.approx(expected)
    named = measure_case(prediction, truth, ["anterior", "posterior"])
    assert list(named.values()) == list(measured.values())


def test_class_absent_from_both_maps_is_measured_only_if_named():
    ones = label_map(0, classes=1)
    assert list(measure_case(ones, ones)) == ["1"]
    assert measure_case(ones, ones, ["here", "absent"])["absent"]["dice"] == 1


def test_a_class_cannot_be_named_twice(folders):
    ones = label_map(0, classes=1)
    for measured in (measure_case, measure_exactness):
        with pytest.raises(InvalidConfig, match=r"twice \(x\)"):
            measured(ones, ones, ["x", "x"])
    with pytest.raises(InvalidConfig, match="name of its own"):
        measure_folders(*folders, ["x", "y", "x"])


def test_labels_as_floats_are_fine_and_probabilities_are_not():
    truth = label_map(0)
    assert measure_case(truth.with_voxels(truth.voxels.astype(np.float32)), truth)["1"]["dice"] == 1
    with pytest.raises(InvalidVolume, match="whole numbers"):
        measure_case(truth.with_voxels(truth.voxels * 0.3), truth)


def test_other_grids_are_refused():
    truth = label_map(0)
    moved = AFFINE.copy()
    moved[0, 3] = 0.5
    with pytest.raises(ShapeMismatch, match=r"0\.5 mm"):
        measure_case(Volume(truth.voxels, moved), truth)
    with pytest.raises(ShapeMismatch, match="resample"):
        measure_case(label_map(0, shape=(8, 9, 11)), truth)
    rounded = AFFINE + 1e-6
    rounded[3] = AFFINE[3]
    assert measure_case(Volume(truth.voxels, rounded), truth)["1"]["dice"] == 1


def test_folders_are_matched_by_case_name(folders):
    table = measure_folders(*folders)
    assert set(table.exact) == {"case0", "case1", "case2"}
    assert [(row["case"], row["class"]) for row in table.rows] == [
        (f"case{seed}", label) for seed in range(3) for label in "12"
    ]
    assert table.only_prediction == ("extra",)
    assert table.only_truth == ("lonely",)
    again = measure_case(
        label_map(1).with_voxels(
            np.where(np.arange(8)[:, None, None] == 1, 0, label_map(1).voxels)
        ),
        label_map(1),
    )
    assert {metric: table.rows[2][metric] for metric in METRICS} == pytest.approx(again["1"])


def test_a_class_of_one_case_is_measured_in_every_case(folders):
    only = np.where(label_map(1).voxels == 2, 0, label_map(1).voxels)
    for folder, ending in zip(folders, ("nrrd", "nii.gz"), strict=True):
        write_volume(label_map(1).with_voxels(only), folder / f"case1.{ending}")
        write_volume(label_map(2).with_voxels(only * 0), folder / f"case2.{ending}")
    table = measure_folders(*folders)
    assert table.cases == ("case0", "case1", "case2") and table.classes == ("1", "2")
    assert table.rows == measure_folders(*folders, ["1", "2"]).rows


def test_folders_without_a_common_name_are_refused(folders, tmp_path):
    write_volume(label_map(0), tmp_path / "other" / "stranger.nii.gz")
    with pytest.raises(UnreadableFile, match=r"stranger.*case0"):
        measure_folders(tmp_path / "other", folders[1])


def test_folder_with_another_grid_names_the_case(folders):
    write_volume(label_map(0, shape=(3, 3, 3)), folders[0] / "case0.nrrd")
    with pytest.raises(ShapeMismatch, match="case case0"):
        measure_folders(*folders)


def table_of(values: list[float], seed: int = 0) -> MeasureTable:
    rows = [
        {"case": f"case{i}", "class": "1"} | dict.fromkeys(METRICS, value)
        for i, value in enumerate(values)
    ]
    return MeasureTable(tuple(rows), parts=("dice", "surface"), seed=seed)


def test_interval_covers_the_mean_of_a_normal_sample_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        interval = table_of(random.normal(0.5, 0.1, 30).tolist()).summary()["1"]["dice"]
        covered += interval["low"] <= 0.5 <= interval["high"]
    assert 0.85 <= covered / 100 <= 0.99


def test_interval_is_seeded():
    values = [0.13, 0.41, 0.52, 0.97, 0.02, 0.66, 0.38]
    first, again, other = (table_of(values, seed).summary()["1"]["dice"] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first["mean"] == other["mean"] == pytest.approx(np.mean(values))
    assert first["low"] < first["mean"] < first["high"]


def test_one_case_has_no_interval():
    summary = table_of([0.7]).summary()["1"]["dice"]
    assert summary["mean"] == pytest.approx(0.7)
    assert np.isnan(summary["low"])
    assert summary["cases"] == 1


def test_infinite_distances_are_counted_and_not_averaged():
    summary = table_of([2.0, np.inf, 4.0]).summary()["1"]["hausdorff95"]
    assert (summary["mean"], summary["cases"], summary["infinite"]) == (3.0, 2, 1)


def test_mean_over_classes_takes_the_case_as_its_unit():
    rows = [
        {"case": case, "class": label} | dict.fromkeys(METRICS, value)
        for case, label, value in [("a", "1", 0.0), ("a", "2", 1.0), ("b", "1", 1.0)]
    ]
    summary = MeasureTable(tuple(rows)).summary()
    assert summary["mean"]["dice"]["mean"] == pytest.approx((0.5 + 1.0) / 2)
    assert summary["mean"]["dice"]["cases"] == 2


def test_only_the_parts_asked_for_are_measured(folders):
    table = measure_folders(*folders, parts=("dice", "matching"))
    assert [metric.name for metric in table.metrics] == ["dice", "betti_matching_error"]
    assert set(table.rows[0]) == {"case", "class", "dice", "betti_matching_error"}
    assert not table.exact
    assert "exact" not in table.summary()["mean"]
    whole = measure_folders(*folders).rows[0]
    assert table.rows[0] == {name: whole[name] for name in table.rows[0]}
    with pytest.raises(InvalidConfig, match="volume"):
        measure_folders(*folders, parts=("volume",))


def test_a_case_is_exact_where_its_classes_and_their_union_are():
    truth = np.zeros((7, 7, 9), np.uint8)
    truth[2:5, 2:5, 1:4], truth[2:5, 2:5, 4:7] = 1, 2
    apart = np.zeros_like(truth)
    apart[2:5, 2:5, 1:4], apart[2:5, 2:5, 5:8] = 1, 2
    true, found = (Volume(voxels, AFFINE, modality="label") for voxels in (truth, apart))
    assert [row["betti_exact"] for row in measure_case(found, true).values()] == [1, 1]
    assert measure_exactness(found, true) == 0
    assert measure_exactness(true, true) == 1
    assert measure_exactness(found, true, ["first"]) == 1, "the second class is not asked for"


def test_json_is_strict_and_complete(folders, tmp_path):
    empty = label_map(2).with_voxels(np.zeros((8, 9, 10), np.uint8))
    write_volume(empty, folders[0] / "case2.nrrd")
    measure_folders(*folders).to_json(tmp_path / "out" / "table.json")

    def refuse(constant):
        raise AssertionError(constant)

    text = (tmp_path / "out" / "table.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=refuse)
    assert content["connectivity"] == 26
    assert content["rows"][4]["hausdorff95"] is None
    assert content["summary"]["1"]["hausdorff95"]["infinite"] == 1
    assert set(content["summary"]) == {"1", "2", "mean"}
