"""Errors against a truth, a reference or wanted numbers: numbers, kinds, sizes, costs, mending."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from tests.plugin.topology.label_maps import two_bars, two_classes

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.plugin.canvas.label_values import classes_of
from napari_toposeg.plugin.topology.errors.comparison import (
    Comparison,
    compare_labels,
    compare_with_wanted,
)
from napari_toposeg.plugin.topology.errors.counting import BettiRow, count_mended, mended_alone
from napari_toposeg.plugin.topology.errors.found_defects import ALL
from napari_toposeg.plugin.topology.errors.wanted_defects import APART
from napari_toposeg.progress import finish
from napari_toposeg.topology import betti_numbers


def kinds(result: Comparison) -> list[str]:
    return sorted(result.defects.kind.tolist())


def noisy(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A tree of vessels in two classes, and the same with voxels lost, added and swapped."""
    tree = vessel_tree((32, 32, 32), seed=seed).truth.voxels > 0
    truth = np.where(np.arange(32) < 16, tree, 2 * tree).astype(np.uint8)
    random = np.random.default_rng(seed)
    prediction = truth.copy()
    prediction[random.random(truth.shape) < 0.03] = 0
    prediction[random.random(truth.shape) < 0.003] = 1
    return prediction, truth


def test_betti_numbers_of_the_two_bars_are_compared():
    result = finish(compare_labels(*two_bars()))
    assert [row.name for row in result.numbers] == ["label 1"]
    assert result.numbers[0].prediction == (3, 0, 0)
    assert result.numbers[0].truth == (2, 0, 0)
    assert result.numbers[0].error == (1, 0, 0)


def test_the_defects_of_the_two_bars_are_a_cut_a_bridge_and_a_speck():
    result = finish(compare_labels(*two_bars(), spacing=(2, 1, 0.5)))
    assert kinds(result) == ["merges", "splits", "spurious"]
    row = dict(zip(result.columns, next(r for r in result.rows() if r[2] == "merges"), strict=True))
    assert (row["class"], row["voxels"], row["mm3"]) == ("label 1", 4, 4.0)
    assert (row["change b0"], row["change b1"], row["change b2"]) == (1, 0, 0)
    assert (row["z"], row["x"]) == (4, 2) and row["y"] in (5, 6)
    assert row["cost"] == 4 * 0.5


def test_a_probability_says_what_an_error_costs():
    prediction, truth = two_bars()
    probability = np.where(prediction > 0, 0.9, 0.2)
    probability[8, 1, 1] = 0.51
    result = finish(compare_labels(prediction, truth, probability=probability))
    cost = dict(zip(result.defects.kind.tolist(), result.defects.cost.tolist(), strict=True))
    assert cost == pytest.approx({"merges": 4 * 0.4, "splits": 2 * 0.3, "spurious": 0.01})


def test_every_class_has_its_errors_and_its_numbers():
    result = finish(compare_labels(*two_classes(), names={0: "background", 2: "airway"}))
    assert [row.name for row in result.numbers] == ["all", "label 1", "airway"]
    assert result.numbers[2].error == (-1, 0, 0)
    assert [(r[0], r[2]) for r in result.rows() if r[1] == 2] == [("airway", "missing")]
    assert len(result.defects) == 4
    assert list(result.number_rows())[2] == ("airway", 2, 0, 0, 0, 1, 0, 0, -1, 0, 0)


def test_one_class_or_all_together_can_be_asked_for():
    prediction, truth = two_classes()
    one = finish(compare_labels(prediction, truth, value=2))
    assert kinds(one) == ["missing"] and one.defects.label.tolist() == [2]
    together = finish(compare_labels(np.minimum(prediction, 1), truth, together=True))
    assert set(together.defects.label.tolist()) == {ALL}
    assert len(together.defects) == 4


def test_a_voxel_of_a_wrong_class_is_an_error_of_two_classes():
    truth = np.zeros((5, 5, 9), np.uint8)
    truth[2, 2, 1:4], truth[2, 2, 4], truth[2, 2, 5:8] = 1, 2, 1
    prediction = np.where(truth == 2, 1, truth)
    result = finish(compare_labels(prediction, truth))
    assert kinds(result) == ["merges", "missing"]
    assert [result.defects.voxels_of(row).tolist() for row in (0, 1)] == [[112]] * 2


def test_many_values_are_ids_and_only_compared_together():
    ids = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    result = finish(compare_labels(ids, ids))
    assert [row.label for row in result.numbers] == [ALL] and len(result.defects) == 0


def test_without_a_truth_there_are_numbers_and_no_errors():
    result = finish(compare_labels(two_bars()[0], None))
    assert result.numbers[0].error is None and result.defects is None
    assert result.against == "nothing" and list(result.rows()) == []
    assert next(iter(result.number_rows()))[2:5] == (3, 0, 0)


def test_connectivity_decides_what_is_joined():
    corner = np.zeros((4, 4, 4), np.uint8)
    corner[1, 1, 1] = corner[2, 2, 2] = 1
    found = [finish(compare_labels(corner, None, connectivity=c)).numbers[0] for c in (26, 6)]
    assert [row.prediction.b0 for row in found] == [1, 2]


def test_arrays_of_two_shapes_are_refused():
    with pytest.raises(ShapeMismatch, match="resample"):
        next(compare_labels(np.zeros((2, 2, 2), int), np.zeros((2, 2, 3), int)))
    with pytest.raises(ShapeMismatch, match="probability"):
        next(compare_labels(*two_bars(), probability=np.zeros((2, 2, 2))))


def test_classes_are_those_of_both():
    assert classes_of(np.array([[0, 2]]), None, np.array([[5, 0], [70_000, -1]])) == (2, 5, 70_000)
    assert classes_of(np.array([[True, False]])) == (1,)
    assert classes_of(None) == ()


@pytest.mark.parametrize("connectivity", [26, 6])
def test_mending_one_error_does_what_its_row_says(connectivity):
    prediction, truth = noisy()
    result = finish(compare_labels(prediction, truth, connectivity=connectivity))
    row_of = {row.label: row for row in result.numbers}
    defects = result.defects
    assert len(defects) > 20
    for number in range(0, len(defects), 5):
        chosen = np.arange(len(defects)) == number
        label = int(defects.label[number])
        counted = finish(count_mended(prediction, defects, chosen, connectivity))
        assert counted == {label: mended_alone(row_of[label], defects, number)}


@pytest.mark.parametrize("connectivity", [26, 6])
def test_mending_all_errors_gives_the_numbers_of_the_truth(connectivity):
    prediction, truth = noisy(1)
    result = finish(compare_labels(prediction, truth, connectivity=connectivity))
    every = np.ones(len(result.defects), bool)
    counted = finish(count_mended(prediction, result.defects, every, connectivity))
    assert counted == {row.label: row.truth for row in result.numbers if row.label != ALL}


def test_wanted_numbers_name_the_edits_of_a_repair_as_errors():
    prediction, _ = two_bars()
    result = finish(compare_with_wanted(prediction, {1: (1, 0, 0)}))
    assert result.against == "wanted"
    assert result.numbers[0].truth == (1, 0, 0) and result.numbers[0].error == (2, 0, 0)
    found = dict(zip(result.defects.kind.tolist(), result.defects.size.tolist(), strict=True))
    assert found["splits"] == 2 and found["spurious"] == 1
    edits = result.defects.kind != APART
    counted = finish(count_mended(prediction, result.defects, edits, 26))
    assert counted == {1: (1, 0, 0)}


def test_components_beyond_the_wanted_are_listed_unless_they_are_dropped():
    labels = np.zeros((5, 5, 30), np.uint8)
    labels[1:4, 1:4, 1:12] = labels[1:4, 1:4, 13:20] = labels[1:4, 1:4, 21:26] = 1
    labels[2, 2, 28] = 1
    labels[2, 2, 15] = 0
    result = finish(compare_with_wanted(labels, {1: (1, 0, 0)}))
    apart = np.flatnonzero(result.defects.kind == APART)
    assert result.defects.size[apart].tolist() == [9 * 7 - 1, 9 * 5]
    assert result.defects.change[apart].tolist() == [[-1, 0, -1], [-1, 0, 0]]
    assert result.defects.centre[apart, 2].tolist() == [16, 23]


@pytest.mark.parametrize("wanted", [(1, 0, 0), (2, 1, 0)])
def test_errors_against_wanted_numbers_lead_to_these_numbers(wanted):
    prediction, _ = noisy(2)
    result = finish(compare_with_wanted(prediction, {1: wanted, 2: (1, 0, 0)}))
    every = np.ones(len(result.defects), bool)
    counted = finish(count_mended(prediction, result.defects, every, 26))
    promised = {n: tuple(r.betti) for n, r in result.proposal.found.repairs.items()}
    assert {number: tuple(its) for number, its in counted.items()} == promised
    assert tuple(betti_numbers(result.proposal.labels == 2)) == (1, 0, 0)


def test_numbers_that_cannot_be_wanted_are_refused():
    with pytest.raises(InvalidConfig, match="label 7 is not"):
        next(compare_with_wanted(two_bars()[0], {7: (1, 0, 0)}))


def test_the_error_of_a_class_is_a_subtraction():
    row = BettiRow("vessel", betti_numbers(two_bars()[0]), betti_numbers(two_bars()[1]))
    assert row.error == (1, 0, 0)
