"""Defects: exact against flipping each error and counting again, and named for what they do."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

sys.path.append(str(Path(__file__).parent))

from oracles.defects import by_flipping, cases

from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch
from napari_toposeg.phantoms import torus, vessel_tree
from napari_toposeg.topology import KINDS, betti_numbers, find_defects, find_defects_by_class


def by_defects(prediction, truth, connectivity):
    defects = find_defects(prediction, truth, connectivity=connectivity)
    firsts = [tuple(np.argwhere(defects.labels == i + 1)[0]) for i in range(len(defects))]
    values = zip(defects.size.tolist(), map(tuple, defects.change.tolist()), strict=True)
    return dict(zip(firsts, values, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_changes_are_those_found_by_flipping_on_random_masks(seed):
    for prediction, truth, connectivity in cases(200, seed):
        expected = by_flipping(prediction, truth, connectivity)
        assert by_defects(prediction, truth, connectivity) == expected


@pytest.mark.parametrize("connectivity", [26, 6])
def test_changes_are_those_found_by_flipping_on_smooth_masks(connectivity):
    random = np.random.default_rng(0)
    field = ndimage.gaussian_filter(random.standard_normal((24, 26, 28)), 1.5)
    other = field + 0.3 * ndimage.gaussian_filter(random.standard_normal(field.shape), 1)
    level = np.quantile(field, 0.7)
    expected = by_flipping(other > level, field > level, connectivity)
    assert len(expected) > 100
    assert any(change != (0, 0, 0) for _, change in expected.values())
    assert by_defects(other > level, field > level, connectivity) == expected


def bar() -> np.ndarray:
    mask = np.zeros((5, 5, 11), bool)
    mask[1:4, 1:4, 1:10] = True
    return mask


def ring() -> np.ndarray:
    mask = np.zeros((3, 7, 7), bool)
    mask[1, 1:6, 1:6] = True
    mask[1, 3, 3] = False
    return mask


def box() -> np.ndarray:
    mask = np.zeros((7, 7, 7), bool)
    mask[1:6, 1:6, 1:6] = True
    mask[2:5, 2:5, 2:5] = False
    return mask


def edited(mask: np.ndarray, value: bool, *place) -> np.ndarray:
    copy = mask.copy()
    copy[place] = value
    return copy


CASES = {
    "splits": (edited(bar(), False, slice(None), slice(None), 5), bar()),
    "merges": (bar(), edited(bar(), False, slice(None), slice(None), 5)),
    "spurious": (edited(bar() & False, True, 2, 2, 2), bar() & False),
    "missing": (bar() & False, bar()),
    "breaks a loop": (edited(ring(), False, 1, slice(1, 3), 3), ring()),
    "fills a loop": (edited(ring(), True, 1, 3, 3), ring()),
    "makes a loop": (ring(), edited(ring(), True, 1, 3, 3)),
    "makes a cavity": (edited(bar(), False, 2, 2, 5), bar()),
    "fills a cavity": (edited(box(), True, slice(2, 5), slice(2, 5), slice(2, 5)), box()),
    "opens a cavity": (edited(box(), False, 1, 3, 3), box()),
    "harmless": (edited(bar(), True, 2, 2, 10), bar()),
}


@pytest.mark.parametrize("kind", CASES)
def test_kind_says_what_the_error_does(kind):
    defects = find_defects(*CASES[kind])
    assert defects.kind.tolist() == [kind]
    assert kind in KINDS


def test_false_positive_can_make_a_loop_and_a_cavity():
    broken = edited(ring(), False, 1, slice(1, 3), 3)
    assert find_defects(ring(), broken).kind.tolist() == ["makes a loop"]
    open_box = edited(box(), False, 1, 3, 3)
    assert find_defects(box(), open_box).kind.tolist() == ["makes a cavity"]


def test_bridge_between_three_bars_merges_and_closes_loops():
    grid = np.zeros((9, 9), bool)
    grid[:, ::4] = True
    bridged = grid.copy()
    bridged[[2, 6]] = True
    both = find_defects(bridged, grid)
    assert both.kind.tolist() == ["makes a loop"] * 4
    once = grid.copy()
    once[2] = True
    assert find_defects(once, grid).kind.tolist() == ["merges", "merges"]


def test_several_changes_at_once_are_mixed():
    truth = np.zeros((5, 5, 5), bool)
    truth[:, 2, 2] = True
    island = truth & False
    island[2, 2, 2] = True
    hollow = np.ones((5, 5, 5), bool) ^ edited(truth & False, True, *[slice(1, 4)] * 3)
    defects = find_defects(island, hollow)
    assert defects.kind[defects.size > 1].tolist() == ["mixed"]
    assert defects.change[defects.size > 1].tolist() == [[1, 0, 1]]


def test_equal_numbers_without_a_deformation_are_only_compensated():
    # Taking the error away opens the hole at (3, 2) and leaves a new one at (1, 1).
    prediction = np.ones((5, 4), bool)
    prediction[[2, 3], [3, 2]] = False
    truth = prediction.copy()
    truth[[0, 0, 1, 1, 2, 3], [2, 3, 1, 3, 2, 3]] = False
    assert betti_numbers(prediction) == betti_numbers(truth) == (1, 1, 0)
    assert find_defects(prediction, truth).kind.tolist() == ["compensated"]


def test_connectivity_decides_whether_a_corner_contact_merges():
    truth = np.zeros((4, 4), bool)
    truth[0, 0] = truth[2, 2] = True
    prediction = truth.copy()
    prediction[1, 1] = True
    assert find_defects(prediction, truth).kind.tolist() == ["merges"]
    assert find_defects(prediction, truth, connectivity=4).kind.tolist() == ["spurious"]


def test_cut_vessels_of_a_tree_are_splits():
    truth = vessel_tree((40, 40, 40), seed=1).truth.voxels > 0
    prediction = truth.copy()
    prediction[20] = False
    defects = find_defects(prediction, truth)
    pieces = betti_numbers(prediction).b0 - betti_numbers(truth).b0
    assert pieces > 3
    assert -defects.change[:, 0].sum() == pieces
    assert set(defects.kind) == {"splits"}


def test_hole_plugged_in_a_torus_fills_its_loop():
    truth = torus((32, 32, 32)).truth.voxels > 0
    prediction = truth.copy()
    prediction[16] = ndimage.binary_fill_holes(truth[16])
    defects = find_defects(prediction, truth)
    assert defects.kind.tolist() == ["fills a loop"]
    assert defects.change.tolist() == [[0, 1, 0]]


def test_labels_sizes_and_centres_belong_together():
    random = np.random.default_rng(1)
    prediction, truth = random.random((2, 9, 10, 11)) < 0.3
    defects = find_defects(prediction, truth)
    assert ((defects.labels > 0) == (prediction != truth)).all()
    assert (np.bincount(defects.labels.ravel())[1:] == defects.size).all()
    assert (defects.labels[tuple(defects.centre.T)] == np.arange(len(defects)) + 1).all()
    assert (defects.is_critical == ~np.isin(defects.kind, ["harmless", "compensated"])).all()


def test_effects_of_single_errors_need_not_add_up():
    # Two bars joined by two bridges: taking away either one leaves them joined.
    truth = np.zeros((5, 7), bool)
    truth[[0, 4]] = True
    prediction = truth.copy()
    prediction[1:4, [1, 5]] = True
    defects = find_defects(prediction, truth)
    assert defects.kind.tolist() == ["makes a loop", "makes a loop"]
    assert betti_numbers(prediction)[0] - betti_numbers(truth)[0] == -1


@pytest.mark.parametrize("shape", [(6, 6), (4, 5, 6), (1, 1, 1)])
@pytest.mark.parametrize("value", [0, 1])
def test_equal_masks_have_no_defects(shape, value):
    defects = find_defects(np.full(shape, value), np.full(shape, value))
    assert len(defects) == 0
    assert defects.change.shape == (0, 3)
    assert defects.centre.shape == (0, len(shape))
    assert not defects.labels.any()


def test_whole_volume_missing_or_spurious():
    full, none = np.ones((3, 4, 5)), np.zeros((3, 4, 5))
    assert find_defects(none, full).kind.tolist() == ["missing"]
    assert find_defects(full, none).kind.tolist() == ["spurious"]


def test_masks_that_do_not_fit_are_refused():
    with pytest.raises(ShapeMismatch, match="resample"):
        find_defects(np.zeros((3, 3)), np.zeros((3, 4)))
    with pytest.raises(InvalidVolume):
        find_defects(np.zeros(3), np.zeros(3))
    with pytest.raises(InvalidConfig):
        find_defects(np.zeros((3, 3)), np.zeros((3, 3)), connectivity=26)


@pytest.mark.parametrize("connectivity", [26, 6])
def test_turning_mirroring_and_padding_change_nothing(connectivity):
    random = np.random.default_rng(5)
    prediction, truth = random.random((2, 7, 8, 9)) < 0.45

    def effects(*masks):
        defects = find_defects(*masks, connectivity=connectivity)
        return sorted(zip(defects.size.tolist(), map(tuple, defects.change.tolist()), strict=True))

    expected = effects(prediction, truth)
    turns = (
        lambda mask: mask.transpose(2, 0, 1),
        lambda mask: mask[::-1, :, ::-1],
        lambda mask: np.pad(mask, 2),
    )
    for turn in turns:
        assert effects(turn(prediction), turn(truth)) == expected


@pytest.mark.parametrize("connectivity", [26, 6])
def test_slabs_worked_side_by_side_agree_with_their_volume_worked_whole(connectivity, monkeypatch):
    random = np.random.default_rng(6)
    field = ndimage.gaussian_filter(random.standard_normal((40, 30, 70)), 1)
    prediction = field > 0.05
    truth = prediction ^ (random.random(field.shape) < 0.05)

    def found():
        defects = find_defects(prediction, truth, connectivity=connectivity)
        return defects.labels, defects.change, defects.kind, betti(prediction)

    def betti(mask):
        return betti_numbers(mask, connectivity=connectivity)

    whole = found()
    monkeypatch.setattr("napari_toposeg.topology.masks.slabs.ROWS_WORTH_A_THREAD", 100)
    monkeypatch.setattr("napari_toposeg.topology.masks.slabs.processors", lambda: 5)
    for a, b in zip(found(), whole, strict=True):
        assert np.array_equal(a, b)


def test_several_threads_at_once_find_the_same():
    pairs = [(prediction, truth) for prediction, truth, c in cases(60, 9) if c == 26]
    expected = [find_defects(*pair).change.tolist() for pair in pairs]
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda pair: find_defects(*pair).change.tolist(), pairs)
        assert list(found) == expected


def test_progress_rises_to_one_and_an_exception_in_it_ends_the_work():
    random = np.random.default_rng(0)
    masks = random.random((2, 9, 9, 9)) < 0.5
    told = []
    find_defects(*masks, progress=told.append)
    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == 1.0

    def stop(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_defects(*masks, progress=stop)


@pytest.mark.parametrize("offset", [0, -3, 100_000])
def test_defects_of_classes_are_those_of_their_masks(offset):
    random = np.random.default_rng(2)
    prediction, truth = random.integers(0, 4, (2, 6, 7, 8))
    truth[truth == 3] = 5
    prediction, truth = (np.where(a > 0, a + offset, 0) for a in (prediction, truth))
    found = find_defects_by_class(prediction, truth, connectivity=6)
    assert set(found) == (set(np.unique(prediction)) | set(np.unique(truth))) - {0}
    for number, defects in found.items():
        expected = find_defects(prediction == number, truth == number, connectivity=6)
        for field in ("labels", "kind", "change", "size", "centre"):
            assert np.array_equal(getattr(defects, field), getattr(expected, field))


def test_a_torus_too_thin_or_too_thick_is_harmless():
    truth = torus((24, 24, 24)).truth.voxels > 0
    for prediction in (ndimage.binary_erosion(truth), ndimage.binary_dilation(truth)):
        assert betti_numbers(prediction) == betti_numbers(truth) == (1, 1, 0)
        assert set(find_defects(prediction, truth).kind) == {"harmless"}


def test_label_maps_of_fractions_have_no_classes():
    with pytest.raises(InvalidVolume, match="whole numbers"):
        find_defects_by_class(np.full((3, 3), 0.5), np.zeros((3, 3)))
