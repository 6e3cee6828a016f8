"""Calibration: closed forms, probabilities that are true by construction, and folders of maps."""

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch, UnreadableFile
from napari_toposeg.io import write_volume
from napari_toposeg.metrics import (
    brier_score,
    calibrate_folders,
    expected_calibration_error,
    measure_calibration,
    reliability,
)
from napari_toposeg.metrics.calibrated import REGIONS
from napari_toposeg.metrics.calibration import FOREGROUND, MOST_PROBABLE, near
from napari_toposeg.volume import Volume


def test_figures_of_four_voxels_by_hand():
    probability, truth = [0.1, 0.3, 0.8, 1.0], [0, 1, 1, 1]
    counted = reliability(probability, truth, bins=2)
    assert counted.rows() == [(0.0, 0.5, 2, 0.2, 0.5), (0.5, 1.0, 2, 0.9, 1.0)]
    assert expected_calibration_error(probability, truth, bins=2) == pytest.approx(0.2)
    assert brier_score(probability, truth) == pytest.approx((0.01 + 0.49 + 0.04) / 4)


def test_true_probabilities_have_no_calibration_error_and_shifted_ones_have_the_shift():
    random = np.random.default_rng(0)
    probability = random.uniform(0.2, 0.8, 200_000)
    truth = random.random(probability.size) < probability
    assert expected_calibration_error(probability, truth) < 0.01
    assert expected_calibration_error(probability + 0.15, truth) == pytest.approx(0.15, abs=0.01)
    expected = np.mean(probability * (1 - probability))
    assert brier_score(probability, truth) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_counts_are_numpys_histogram(bins):
    random = np.random.default_rng(1)
    probability, truth = random.random((3, 4, 5)), random.random((3, 4, 5)) < 0.5
    counted = reliability(probability, truth, bins=bins)
    assert np.array_equal(counted.voxels, np.histogram(probability, bins, (0, 1))[0])
    assert np.array_equal(counted.true, np.histogram(probability[truth], bins, (0, 1))[0])


def test_counts_of_parts_add_up_to_that_of_the_whole():
    random = np.random.default_rng(2)
    probability, truth = random.random(1000), random.random(1000) < 0.3
    parts = reliability(probability[:300], truth[:300]) + reliability(
        probability[300:], truth[300:]
    )
    whole = reliability(probability, truth)
    assert np.allclose(parts.rows(), whole.rows())
    assert parts.brier == pytest.approx(whole.brier)
    assert parts.expected_calibration_error == pytest.approx(whole.expected_calibration_error)


def test_certain_and_right_is_perfect_and_certain_and_wrong_is_worst():
    truth = np.array([0, 1, 1, 0, 1])
    assert (expected_calibration_error(truth, truth), brier_score(truth, truth)) == (0, 0)
    wrong = 1 - truth
    assert (expected_calibration_error(wrong, truth), brier_score(wrong, truth)) == (1, 1)


def softmax(seed: int, shape=(6, 7, 8)) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Return probabilities of two classes, and label maps drawn from them."""
    random = np.random.default_rng(seed)
    maps = random.dirichlet((2.0, 1.0, 1.0), shape)
    drawn = (random.random((*shape, 1)) > maps.cumsum(axis=-1)).sum(axis=-1)
    return {1: maps[..., 1], 2: maps[..., 2]}, drawn


def test_classes_foreground_and_the_most_probable_class_are_what_they_say():
    maps, truth = softmax(0)
    found = measure_calibration(maps, truth)
    assert list(found) == [1, 2, FOREGROUND, MOST_PROBABLE]
    assert found[1].brier == pytest.approx(brier_score(maps[1], truth == 1))
    both = maps[1] + maps[2]
    assert found[FOREGROUND].brier == pytest.approx(brier_score(both, truth > 0))
    stack = np.stack([1 - both, maps[1], maps[2]])
    expected = reliability(stack.max(axis=0), stack.argmax(axis=0) == truth)
    assert np.allclose(found[MOST_PROBABLE].rows(), expected.rows())


def test_labels_drawn_from_probabilities_are_calibrated():
    maps, truth = softmax(1, (40, 40, 40))
    for count in measure_calibration(maps, truth).values():
        assert count.expected_calibration_error < 0.01


def test_only_voxels_of_the_region_count():
    maps, truth = softmax(2)
    region = np.zeros(truth.shape, bool)
    region[:3] = True
    found = measure_calibration(maps, truth, region=region)
    assert found[1].voxels.sum() == region.sum()
    assert found[1].brier == pytest.approx(brier_score(maps[1][:3], truth[:3] == 1))


def test_near_is_a_box_about_the_truth_in_mm():
    truth = np.zeros((10, 20, 20), int)
    truth[5, 10, 3] = 1
    region = near(truth, (5.0, 1.0, 2.0), 4)
    assert np.argwhere(region).min(axis=0).tolist() == [4, 6, 1]
    assert np.argwhere(region).max(axis=0).tolist() == [6, 14, 5]
    assert near(np.zeros((2, 2, 2)), (1, 1, 1)).all()


def test_what_is_no_probability_is_refused():
    with pytest.raises(InvalidVolume, match="softmax"):
        reliability([1.2], [1])
    with pytest.raises(InvalidVolume, match="softmax"):
        reliability([np.nan], [1])
    with pytest.raises(ShapeMismatch, match="resample"):
        reliability([0.1, 0.2], [1])
    with pytest.raises(InvalidConfig, match="bins"):
        reliability([0.1], [1], bins=0)
    half = np.full((2, 2, 2), 0.6)
    with pytest.raises(InvalidVolume, match="softmax"):
        measure_calibration({1: half, 2: half}, np.zeros((2, 2, 2)))
    with pytest.raises(ShapeMismatch, match="class 1"):
        measure_calibration({1: half}, np.zeros((2, 2, 3)))


@pytest.fixture
def folders(tmp_path):
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    for seed in range(3):
        maps, truth = softmax(seed)
        volume = Volume(truth.astype(np.uint8), affine, modality="label")
        write_volume(volume, tmp_path / "truth" / f"case{seed}.nii.gz")
        for number, name in enumerate(("front", "back"), start=1):
            values = volume.with_voxels(maps[number].astype(np.float32), modality="probability")
            write_volume(values, tmp_path / "maps" / f"case{seed}_{name}_probability.nii.gz")
    return tmp_path / "maps", tmp_path / "truth"


def test_folders_give_every_class_over_all_cases(folders):
    found = calibrate_folders(*folders, ["front", "back"])
    maps, truth = zip(*map(softmax, range(3)), strict=True)
    briers = [brier_score(m[2], t == 2) for m, t in zip(maps, truth, strict=True)]
    summary = found.summary()[REGIONS[0]]
    assert summary["back"]["brier"]["mean"] == pytest.approx(np.mean(briers), abs=1e-6)
    assert summary["back"]["brier"]["low"] < np.mean(briers) < summary["back"]["brier"]["high"]
    assert found.pooled(REGIONS[0], "back").voxels.sum() == 3 * truth[0].size
    assert set(found.to_dict()["pooled"][REGIONS[1]]) == {
        "front",
        "back",
        FOREGROUND,
        MOST_PROBABLE,
    }


def test_a_missing_map_is_named(folders):
    with pytest.raises(UnreadableFile, match="case0_side_probability"):
        calibrate_folders(*folders, ["front", "side"])
    with pytest.raises(UnreadableFile, match="predict --probability"):
        calibrate_folders(folders[1], folders[1])


def write_case(folder, case: str, labels: list[int], *, maps: int = 2) -> None:
    """Write a truth with some labels, a slice each, and maps that say 0.3 everywhere."""
    truth = np.zeros((4, 5, 6), np.uint8)
    for place, label in enumerate(labels):
        truth[place] = label
    volume = Volume(truth, np.eye(4), modality="label")
    write_volume(volume, folder / "truth" / f"{case}.nii.gz")
    values = volume.with_voxels(np.full(truth.shape, 0.3, np.float32), modality="probability")
    for label in range(1, maps + 1):
        write_volume(values, folder / "maps" / f"{case}_{label}_probability.nii.gz")


@pytest.mark.parametrize("labels", [{"a": [1], "b": [1, 2]}, {"a": [], "b": [1]}, {"a": []}])
def test_all_cases_have_the_classes_of_all_truths_and_maps(tmp_path, labels):
    for case, of_case in labels.items():
        write_case(tmp_path, case, of_case)
    found = calibrate_folders(tmp_path / "maps", tmp_path / "truth")
    named = calibrate_folders(tmp_path / "maps", tmp_path / "truth", ["1", "2"])
    assert found.to_dict() == named.to_dict()
    assert {len(counts) for counts in found.cases[REGIONS[0]].values()} == {len(labels)}


def test_a_label_without_a_map_is_named(tmp_path):
    write_case(tmp_path, "a", [1, 3])
    with pytest.raises(UnreadableFile, match="a_3_probability"):
        calibrate_folders(tmp_path / "maps", tmp_path / "truth")


@pytest.mark.parametrize("classes", [None, ["1", "2"]])
def test_maps_are_of_the_case_of_their_whole_name(tmp_path, classes):
    write_case(tmp_path, "a", [1], maps=0)
    write_case(tmp_path, "a_b", [1, 2])
    write_case(tmp_path, "a_b_1", [1], maps=0)
    found = calibrate_folders(tmp_path / "maps", tmp_path / "truth", classes)
    assert {what: len(counts) for what, counts in found.cases[REGIONS[0]].items()} == {
        "1": 1,
        "2": 1,
        FOREGROUND: 1,
        MOST_PROBABLE: 1,
    }


def test_a_class_named_twice_has_no_maps_of_its_own(folders):
    with pytest.raises(InvalidConfig, match=r"twice \(front\)"):
        calibrate_folders(*folders, ["front", "front"])


def test_maps_of_named_classes_ask_for_the_names(folders):
    for classes in (None, ["left", "right"]):
        with pytest.raises(UnreadableFile, match="name the classes as the files do"):
            calibrate_folders(*folders, classes)
