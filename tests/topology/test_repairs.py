"""Repairs reach what is wanted, count what they say, cost little, and say what the map lacks."""

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

sys.path.append(str(Path(__file__).parent))

from oracles.repairs import check, check_edits, fields
from oracles.repairs import maps as random_maps

from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch
from napari_toposeg.phantoms import hollow_ball, linked_rings, torus, vessel_tree
from napari_toposeg.topology import betti_numbers, repair, repair_by_class
from napari_toposeg.topology.mending.bridges import find_bridges
from napari_toposeg.topology.mending.cores import grow_cores
from napari_toposeg.topology.mending.repairing import give_back
from napari_toposeg.topology.mending.task import Task
from napari_toposeg.topology.mending.told import Told


def chance(hu: np.ndarray, level: float = -400.0, slope: float = 80.0) -> np.ndarray:
    """A map as a network gives it, from a phantom's HU."""
    return 1 / (1 + np.exp(-(hu.astype(np.float32) - level) / slope))


def noisy_vessels(side: int = 40, seed: int = 0) -> np.ndarray:
    hu = vessel_tree((side,) * 3, seed=seed).image.voxels.astype(np.float32)
    return chance(ndimage.gaussian_filter(hu, 0.5), level=-450)


def drawn(*rows: str) -> np.ndarray:
    """A map in which each digit is a tenth and # is 1."""
    return np.array([[1.0 if c == "#" else int(c) / 10 for c in row] for row in rows])


def test_repairs_of_random_maps_are_what_they_say():
    assert check(150, seed=1) == 150


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("connectivity", [26, 6])
def test_noisy_vessels_become_one_tree(seed, connectivity):
    field = noisy_vessels(seed=seed)
    found = repair(field, (1, 0, 0), connectivity=connectivity)
    assert betti_numbers(field > 0.5, connectivity=connectivity) != (1, 0, 0)
    assert found.reached and found.reason == ""
    assert betti_numbers(found.mask, connectivity=connectivity) == (1, 0, 0)
    check_edits(found, field, connectivity, np.random.default_rng(0), f"seed {seed}")


@pytest.mark.parametrize("wanted", [(1, 0, 0), (2, 0, 0), (1, 2, 0), (2, 1, 1), (5, 3, 2)])
def test_smooth_fields_become_what_is_wanted(wanted):
    for field, connectivity in fields(4, seed=3):
        found = repair(field, wanted, connectivity=connectivity)
        assert found.reached, found.reason
        assert betti_numbers(found.mask, connectivity=connectivity) == wanted


def test_cost_is_mostly_less_than_half_of_growing_alone():
    ratios = []
    for field, connectivity in fields(7, seed=8):
        task = Task(field - 0.5, np.ones(field.shape, bool), connectivity)
        label, _ = ndimage.label(field > 0.5, np.ones((3, 3, 3)) if connectivity == 26 else None)
        largest = label == 1 + np.argmax(np.bincount(label.ravel())[1:])
        alone = task.cost(grow_cores(task, largest, task.margin))
        ratios.append(repair(field, (1, 0, 0), connectivity=connectivity).cost / alone)
    assert max(ratios) <= 1
    assert np.mean(ratios) < 0.5


@pytest.mark.parametrize(("connectivity", "usual"), [(8, 1.15), (4, 1.2)])
def test_cost_is_near_the_least_of_all_masks(connectivity, usual):
    shape = (3, 4)
    masks = (np.arange(1 << 12)[:, None] >> np.arange(12) & 1).astype(bool).reshape(-1, *shape)
    numbers = [betti_numbers(mask, connectivity=connectivity) for mask in masks]
    right = masks[[n == (1, 0, 0) for n in numbers]]
    random = np.random.default_rng(0)
    ratios = []
    for _ in range(60):
        field = random.random(shape)
        costs = np.where(right != (field > 0.5), np.abs(field - 0.5), 0).sum(axis=(1, 2))
        found = repair(field, (1, 0, 0), connectivity=connectivity).cost
        assert found > costs.min() - 1e-12
        ratios.append((found + 1e-3) / (costs.min() + 1e-3))
    assert np.median(ratios) < 1 + 1e-9
    assert np.mean(ratios) < usual


@pytest.mark.parametrize("seed", range(3))
def test_no_voxel_of_an_edit_can_be_dropped(seed):
    for field, connectivity in random_maps(60, seed=seed):
        found = repair(field, (1, 0, 0), connectivity=connectivity)
        for voxel in np.flatnonzero(found.mask != (field > 0.5)):
            without = found.mask.copy()
            without.ravel()[voxel] ^= True
            assert betti_numbers(without, connectivity=connectivity) != found.betti


def test_giving_back_keeps_the_numbers_and_never_costs_more():
    random = np.random.default_rng(5)
    spared = 0.0
    for field, connectivity in random_maps(120, seed=4):
        task = Task(field - 0.5, np.ones(field.shape, bool), connectivity)
        mask = task.mask ^ (random.random(field.shape) < 0.3)
        given = give_back(task, mask)
        assert task.count(given) == task.count(mask)
        assert not ((given != task.mask) & (mask == task.mask)).any()
        spared += task.cost(mask) - task.cost(given)
        assert np.array_equal(give_back(task, given), given)
    assert spared > 0


def test_a_gap_of_one_voxel_is_closed_with_one():
    labels = np.zeros((5, 7, 15), bool)
    labels[1:4, 2:5, 1:14] = True
    labels[1:4, 2:5, 7] = False
    found = repair(np.where(labels, 0.75, 0.25), (1, 0, 0))
    assert [len(edit.voxels) for edit in found.edits] == [1]
    assert found.cost == pytest.approx(0.25)


def test_a_broken_branch_is_joined_and_a_speck_dropped():
    field = drawn("####40####00060", "000000000000000")
    found = repair(field, (1, 0))
    assert [(edit.adds, len(edit.voxels)) for edit in found.edits] == [(True, 2), (False, 1)]
    assert found.mask[0, :5].all() and not found.mask[0, 13]
    assert [edit.cost for edit in found.edits] == pytest.approx([0.6, 0.1])
    assert [edit.change for edit in found.edits] == [(-1, 0, 0), (-1, 0, 0)]


def test_a_way_of_any_length_is_worth_a_heavy_branch():
    field = np.zeros((9, 9, 40))
    field[2:7, 2:7, :8] = field[2:7, 2:7, -8:] = 1
    found = repair(field, (1, 0, 0))
    assert [edit.adds for edit in found.edits] == [True]
    assert found.cost == pytest.approx(0.5 * 24)


def test_the_cheaper_of_cut_and_fill_is_taken():
    thick = drawn("#####", "##4##", "#####")
    filled = repair(thick, (1, 0))
    assert [edit.voxels.tolist() for edit in filled.edits] == [[7]]
    thin = drawn("##6##", "#000#", "#####")
    cut = repair(thin, (1, 0))
    assert [edit.voxels.tolist() for edit in cut.edits] == [[2]]


def test_a_cavity_is_filled_or_opened():
    ball = np.ones((5, 5, 5))
    ball[2, 2, 2] = 0.4
    assert repair(ball, (1, 0, 0)).mask.all()
    ball[2, 2, 2] = 0
    ball[2, 2, 3:] = 0.51
    assert not repair(ball, (1, 0, 0)).mask[2, 2, 2:].any()


def test_phantoms_keep_their_loops_and_cavities():
    for phantom in (torus((28,) * 3), hollow_ball((28,) * 3), linked_rings((36,) * 3)):
        field = chance(phantom.image.voxels)
        assert repair(field, phantom.betti).mask.sum() > 200
        assert repair(field, phantom.betti).reached
        assert repair(field, (1, 0, 0)).reached


def test_of_several_loops_the_dearest_to_cut_stay():
    field = drawn("#########", "#000#0006", "#########")
    found = repair(field, (1, 1))
    assert [edit.voxels.tolist() for edit in found.edits] == [[17]]


def test_touching_rings_are_parted():
    rings = np.zeros((5, 13))
    rings[:, :6] = rings[:, 7:] = 1
    rings[1:4, 1:5] = rings[1:4, 8:12] = 0
    rings[2, 6] = 0.7
    found = repair(rings, (2, 2), connectivity=4)
    assert [edit.voxels.tolist() for edit in found.edits] == [[2 * 13 + 6]]
    assert repair(rings, (1, 2), connectivity=4).edits == ()


def test_a_faint_loop_is_closed_and_a_faint_component_added():
    ring = drawn("####", "#00#", "#4##")
    closed = repair(ring, (1, 1), connectivity=4)
    assert [edit.voxels.tolist() for edit in closed.edits] == [[9]]
    spots = drawn("900", "000", "003")
    assert repair(spots, (2, 0)).mask.ravel().nonzero()[0].tolist() == [0, 8]


def test_a_shell_with_holes_is_closed():
    box = np.full((9, 9, 9), 0.0)
    box[1:8, 1:8, 1:8] = 1
    box[2:7, 2:7, 2:7] = 0
    box[1, 4, 4] = box[7, 4, 4] = box[4, 1, 4] = 0.3
    assert betti_numbers(box > 0.5) == (1, 2, 0)
    found = repair(box, (1, 0, 1))
    assert found.reached
    assert found.cost == pytest.approx(0.6)


def test_a_dip_becomes_a_cavity():
    ball = np.ones((5, 5, 5))
    ball[2, 2, 2] = 0.8
    found = repair(ball, (1, 0, 1))
    assert [edit.change for edit in found.edits] == [(0, 0, 1)]


def test_what_the_map_does_not_have_is_said():
    distance = np.linalg.norm(np.indices((9, 9, 9)) - 4, axis=0)
    found = repair(1 - distance / 8, (1, 1, 0))
    assert not found.reached
    assert found.reason == "0 of 1 loops: over all thresholds the map has 0 loops"
    full = repair(np.ones((2, 2)), (3, 0))
    assert not full.reached
    assert full.reason.startswith("1 of 3 components: the grid has no room")


def test_as_many_components_as_the_grid_holds():
    assert repair(np.ones((5, 4, 3)), (12, 0, 0)).reached
    assert repair(np.zeros((5, 4, 3)), (12, 0, 0)).reached
    assert repair(np.ones((3, 4)), (6, 0), connectivity=4).reached


def test_nothing_can_be_wanted():
    found = repair(drawn("909"), (0, 0))
    assert not found.mask.any()
    assert [edit.adds for edit in found.edits] == [False, False]
    assert repair(np.zeros((3, 3, 3)), (0, 0, 0)).edits == ()


def test_edits_can_be_refused():
    field = drawn("####40####00060", "000000000000000")
    found = repair(field, (1, 0))
    assert [edit.adds for edit in found.edits] == [True, False]
    some = found.with_edits([False, True])
    assert some.betti == (2, 0, 0)
    assert not some.reached
    assert some.reason == "2 components instead of 1, with 1 edits refused"
    assert [edit.accepted for edit in some.edits] == [False, True]
    assert some.cost == pytest.approx(found.edits[1].cost)
    again = some.with_edits([True, True])
    assert again.reached
    assert np.array_equal(again.mask, found.mask)
    none = found.with_edits([False, False])
    assert np.array_equal(none.mask, field > 0.5)
    with pytest.raises(ShapeMismatch, match="1 answers for 2 edits"):
        found.with_edits([True])


def test_a_mask_that_is_right_is_left_alone():
    field = noisy_vessels()
    once = repair(field, (1, 0, 0)).mask
    assert repair(once.astype(np.float32), (1, 0, 0)).edits == ()


def test_scale_and_type_do_not_matter():
    field = np.round(noisy_vessels(24) * 200)
    expected = repair(field, (1, 0, 0), threshold=90.0).mask
    for dtype in (np.uint8, np.int16, np.float16, np.float32):
        assert np.array_equal(repair(field.astype(dtype), (1, 0, 0), threshold=90.0).mask, expected)
    shifted = repair(field - 90, (1, 0, 0), threshold=0)
    assert np.array_equal(shifted.mask, expected)


def test_the_map_is_not_changed_and_threads_agree():
    field = noisy_vessels(32)
    field.setflags(write=False)
    with ThreadPoolExecutor(2) as threads:
        masks = [r.mask for r in threads.map(lambda n: repair(field, (n, 1, 0)), [1, 2, 1, 2])]
    assert np.array_equal(masks[0], masks[2])
    assert np.array_equal(masks[1], masks[3])


def test_progress_rises_and_can_cancel():
    told: list[float] = []
    repair(noisy_vessels(32), (1, 1, 0), progress=told.append)
    assert told == sorted(told)
    assert told[0] < 0.2
    assert told[-1] == 1

    def cancel(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repair(noisy_vessels(32), (1, 0, 0), progress=cancel)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ((1, 0, 0, 0), "three counts"),
        ((1,), "three counts"),
        ((-1, 0, 0), "three counts"),
        ((1, 0.5, 0), "three counts"),
        ((1, 0, 1), "2D map"),
        ((0, 1, 0), "without a component"),
    ],
)
def test_numbers_that_cannot_be_are_refused(wanted, message):
    with pytest.raises(InvalidConfig, match=message):
        repair(np.zeros((4, 4)), wanted)


def test_maps_that_cannot_be_are_refused():
    with pytest.raises(InvalidVolume, match="NaN or infinite"):
        repair(np.array([[0.0, np.nan]]), (1, 0))
    with pytest.raises(InvalidVolume, match="2D"):
        repair(np.zeros((2, 3, 4, 5)), (1, 0, 0))
    with pytest.raises(InvalidConfig, match="connectivity 6"):
        repair(np.zeros((4, 4)), (1, 0), connectivity=6)


def test_classes_are_repaired_from_the_largest_on():
    one = drawn("#####", "#####", "00000", "00000", "0000#")
    two = drawn("00000", "00000", "0##00", "00000", "0##00")
    found = repair_by_class({2: two, 1: one}, (1, 0))
    assert list(found.repairs) == [1, 2]
    assert found.reached and found.reason == ""
    for number in (1, 2):
        assert betti_numbers(found.labels == number) == (1, 0, 0)


def test_a_voxel_freed_goes_to_the_next_class():
    one = drawn("###00600000")
    two = drawn("00005500000") + 0.05
    found = repair_by_class({1: one, 2: two}, (1, 0))
    assert found.labels.tolist() == [[1, 1, 1, 0, 2, 2, 0, 0, 0, 0, 0]]


def test_no_voxel_is_taken_from_a_class_already_repaired():
    wall, halves = np.zeros((5, 7)), np.zeros((5, 7))
    wall[:, 2:5] = 1
    halves[:, :2] = halves[:, 5:] = 1
    halves[2] = 0.6
    halves[2, 2:5] = 0.45
    found = repair_by_class(np.stack([np.full((5, 7), 0.2), halves, wall]), {1: (1, 0), 2: (1, 0)})
    assert found.repairs.keys() == {1, 2}
    first = next(iter(found.repairs))
    assert np.array_equal(found.labels == first, found.repairs[first].mask)
    assert np.count_nonzero(found.labels == 1) + np.count_nonzero(found.labels == 2) > 20
    cut_off = repair_by_class({1: wall, 2: np.pad(np.ones((5, 1)), ((0, 0), (1, 5)))}, (20, 0))
    assert not cut_off.reached
    assert "class 2" in cut_off.reason
    assert "voxels of class 1 were not to be taken" in cut_off.reason


def test_no_bridge_crosses_what_is_sure_where_that_is_asked_for():
    row = drawn("#####10001#####8")
    joined = repair_by_class({1: row}, (1, 0), threshold=0.5)
    assert np.count_nonzero(joined.labels) == 16
    dropped = repair_by_class({1: row}, (1, 0), threshold=0.5, sure=0.45)
    assert np.flatnonzero(dropped.labels).tolist() == [10, 11, 12, 13, 14, 15]
    doubtful = repair_by_class({1: row}, (1, 0), threshold=0.5, sure=0.55)
    assert np.array_equal(doubtful.labels, joined.labels)
    with pytest.raises(InvalidConfig, match="sure"):
        repair_by_class({1: row}, (1, 0), sure=0.0)


def test_no_bridge_crosses_another_class_where_surety_is_asked_for():
    maps = {1: drawn("9994999"), 2: drawn("0005000")}
    joined = repair_by_class(maps, {1: (1, 0)}, free=[2], threshold=0.1)
    apart = repair_by_class(maps, {1: (1, 0)}, free=[2], threshold=0.1, sure=2.0)
    assert joined.reached and joined.labels.tolist() == [[1] * 7]
    assert apart.reached and np.count_nonzero(apart.labels == 1) == 3
    assert apart.labels[0, 3] == 2


def test_a_false_piece_of_one_class_is_none_of_the_next():
    one = np.array([[0.6] * 4 + [0.0] * 11 + [0.8] * 5])
    two = np.array([[0.0] * 6 + [0.9] * 7 + [0.0] * 2 + [0.9] * 5])
    found = repair_by_class({1: one, 2: two}, (1, 0))
    assert found.labels.tolist() == [[1] * 4 + [0] * 2 + [2] * 7 + [0] * 7]


def test_a_class_of_which_nothing_is_wanted_keeps_what_it_has():
    for maps in maps_with_ties(20, seed=3):
        start = labels_of_the_start(maps, 0.4)
        found = repair_by_class(maps, {1: (1, 0, 0)}, free=(2, 3), threshold=0.4)
        assert next(iter(found.repairs)) == 1 and found.free == {2, 3}
        assert found.reached == found.repairs[1].reached
        # Where the first class has neither given nor taken, the others are as they were.
        untouched = (found.labels == 1) == (start == 1)
        assert np.array_equal(found.labels[untouched], start[untouched])
        none = found.with_edits(1, [False] * len(found.repairs[1].edits))
        assert np.array_equal(none.labels, start) and none.repairs[2].reached


def test_faults_of_several_maps_are_said():
    field = np.zeros((4, 4))
    with pytest.raises(InvalidConfig, match="no numbers are wanted of class 3"):
        repair_by_class({1: field, 3: field}, {1: (1, 0)})
    with pytest.raises(ShapeMismatch):
        repair_by_class({1: field, 2: field[:2]}, (1, 0))
    with pytest.raises(InvalidVolume, match="first axis"):
        repair_by_class(field, (1, 0))
    with pytest.raises(InvalidVolume, match="no class"):
        repair_by_class({0: field}, (1, 0))


def labels_of_the_start(maps: np.ndarray, threshold: float) -> np.ndarray:
    """The argmax over background and classes, ties to the lower number."""
    return np.argmax([np.maximum(maps[0], threshold), *maps[1:]], axis=0)


def maps_with_ties(count: int, seed: int = 0) -> Iterator[np.ndarray]:
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield random.integers(0, 6, (4, *random.integers(2, 6, 3))) / 5


def test_a_tie_of_classes_goes_to_the_lower_number():
    maps = np.zeros((3, 1, 6))
    maps[1, 0, :3] = maps[2, 0, 3:] = 1
    maps[1:, 0, 3] = 0.5
    found = repair_by_class(maps, (1, 0), threshold=0.4)
    assert found.reached
    assert found.labels.tolist() == [[1, 1, 1, 1, 2, 2]]
    assert all(repair.edits == () for repair in found.repairs.values())


@pytest.mark.parametrize("connectivity", [26, 6])
def test_labels_that_are_right_are_left_alone(connectivity):
    for maps in maps_with_ties(40):
        start = labels_of_the_start(maps, 0.4)
        wanted = {k: betti_numbers(start == k, connectivity=connectivity) for k in (1, 2, 3)}
        found = repair_by_class(maps, wanted, threshold=0.4, connectivity=connectivity)
        assert np.array_equal(found.labels, start)
        assert found.reached
        assert not any(repair.edits for repair in found.repairs.values())


def test_a_tie_is_of_the_values_not_of_their_rounded_distances():
    low, high = 0.1, np.nextafter(0.1, 1)
    assert low - 0.09999 <= high - 0.09999
    for threshold in (-0.7, -1e3):
        maps = {1: np.array([[low, high, high]]), 2: np.array([[high, low, high]])}
        found = repair_by_class(maps, {1: (1, 0), 2: (1, 0)}, threshold=threshold)
        assert found.labels.tolist() == [[2, 1, 1]]


def test_every_changed_label_is_in_an_edit():
    for maps in maps_with_ties(30, seed=1):
        found = repair_by_class(maps, (1, 0, 0), threshold=0.4)
        changed = np.flatnonzero(found.labels != labels_of_the_start(maps, 0.4))
        edits = [edit.voxels for repair in found.repairs.values() for edit in repair.edits]
        assert np.isin(changed, np.concatenate([*edits, []])).all()


def test_edits_of_classes_can_be_refused():
    for maps in maps_with_ties(20, seed=2):
        found = repair_by_class(maps, (1, 0, 0), threshold=0.4)
        again, none = found, found
        for number, its in found.repairs.items():
            again = again.with_edits(number, [True] * len(its.edits))
            none = none.with_edits(number, [False] * len(its.edits))
        assert np.array_equal(again.labels, found.labels)
        assert np.array_equal(none.labels, labels_of_the_start(maps, 0.4))
        number = next((k for k, its in found.repairs.items() if its.edits), 1)
        answers = np.arange(len(found.repairs[number].edits)) > 0
        some = found.with_edits(number, answers)
        for k, its in some.repairs.items():
            assert np.array_equal(its.mask, some.labels == k)
            assert its.betti == betti_numbers(some.labels == k)
        assert some.reached == all(its.betti == (1, 0, 0) for its in some.repairs.values())
        assert [edit.accepted for edit in some.repairs[number].edits] == answers.tolist()
        back = some.with_edits(number, [True] * len(answers))
        assert np.array_equal(back.labels, found.labels)
        assert back.reached == found.reached


def test_what_refused_edits_of_classes_leave_is_said():
    maps = {1: drawn("####4####"), 2: drawn("000030000")}
    found = repair_by_class(maps, {1: (1, 0), 2: (0, 0)}, threshold=0.2)
    assert found.reached
    found = repair_by_class(maps, {1: (1, 0), 2: (0, 0)})
    assert found.reached
    some = found.with_edits(1, [False])
    assert some.reason == "class 1: 2 components instead of 1, with 1 edits refused"
    assert found.reached
    with pytest.raises(InvalidConfig, match=r"no class 3 .*1, 2"):
        found.with_edits(3, [])
    with pytest.raises(ShapeMismatch, match="2 answers for 1 edits"):
        found.with_edits(1, [True, False])


def test_a_class_says_that_edits_of_another_were_refused():
    maps = {1: drawn("####6####", "000000000"), 2: drawn("0000#0000", "000000000")}
    maps[2][1, 4], maps[1][0, 4] = 0.9, 0.4
    found = repair_by_class(maps, {1: (1, 0), 2: (1, 0)})
    refused = found.with_edits(1, [False] * len(found.repairs[1].edits))
    assert (
        refused.labels.tolist()
        == labels_of_the_start(np.stack([np.zeros((2, 9)), maps[1], maps[2]]), 0.5).tolist()
    )
    assert "class 1: 2 components instead of 1" in refused.reason


def test_the_reason_names_what_is_missing():
    field = ndimage.gaussian_filter(np.random.default_rng(1).random((5, 4, 4)), 0.5)
    found = repair(field, (2, 3, 0), threshold=float(np.median(field)))
    assert not found.reached
    assert "room" not in found.reason
    for is_now, goal, plural in zip(
        found.betti, found.wanted, ("components", "loops", "cavities"), strict=True
    ):
        assert (plural in found.reason.split(":")[0]) == (is_now != goal)
    full = repair(np.ones((3, 3)), (5, 2))
    assert "no room" in full.reason


@pytest.mark.parametrize("number", [1.4, -1, 2**40, "a", None, True])
def test_numbers_that_are_no_class_are_refused(number):
    field = np.zeros((4, 4))
    with pytest.raises(InvalidConfig, match=f"class {re.escape(repr(number))} "):
        repair_by_class({2: field, number: field}, (1, 0))


def test_maps_of_different_shape_are_named():
    with pytest.raises(ShapeMismatch, match=r"class 2 .*\(2, 4\).*class 1 .*\(4, 4\)"):
        repair_by_class({1: np.zeros((4, 4)), 2: np.zeros((2, 4))}, (1, 0))


def test_masked_maps_are_refused():
    masked = np.ma.masked_greater(np.ones((3, 4, 4)), 2)
    with pytest.raises(InvalidVolume, match="masked"):
        repair(masked, (1, 0, 0))
    with pytest.raises(InvalidVolume, match="masked"):
        repair_by_class(masked, (1, 0))


@pytest.mark.parametrize(
    "wanted", [(1, np.nan), (np.inf, 0), None, 3, "a", "10", (None, 0), ([1], 0), (1, 1j)]
)
def test_what_is_no_count_is_refused(wanted):
    with pytest.raises(InvalidConfig, match="three counts"):
        repair(np.zeros((4, 4)), wanted)
    with pytest.raises(InvalidConfig, match="three counts"):
        repair_by_class({1: np.zeros((4, 4))}, {1: wanted})


@pytest.mark.parametrize("threshold", [np.nan, np.inf, -np.inf, None, "a"])
def test_thresholds_that_cannot_be_are_refused(threshold):
    with pytest.raises(InvalidConfig, match="threshold"):
        repair(np.zeros((4, 4)), (1, 0), threshold=threshold)
    with pytest.raises(InvalidConfig, match="threshold"):
        repair_by_class({1: np.zeros((4, 4))}, (1, 0), threshold=threshold)


def test_a_threshold_may_lie_beyond_the_type_of_the_map():
    assert not repair(np.zeros((2, 2), np.float32), (0, 0), threshold=1e300).mask.any()
    assert repair(np.zeros((2, 2), np.float32), (1, 0), threshold=-1e300).edits == ()


def test_results_cannot_be_written_to():
    field = drawn("####40####00060", "000000000000000")
    found = repair(field, (1, 0))
    by_class = repair_by_class({1: field}, (1, 0))
    for array in (
        found.mask,
        found.with_edits([False, True]).mask,
        by_class.labels,
        by_class.repairs[1].mask,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0


def test_progress_leaves_room_until_the_end():
    told: list[float] = []
    repair(noisy_vessels(32), (1, 30, 2), progress=told.append)
    assert told == sorted(told)
    assert max(told[:-1]) <= 0.99
    maps = np.stack([noisy_vessels(24, seed) for seed in range(3)])
    told.clear()
    repair_by_class(maps, (1, 0, 0), progress=told.append)
    assert told == sorted(told)
    assert max(told[:-1]) <= 0.99
    assert told[-1] == 1


def test_a_flood_asks_whether_to_go_on(monkeypatch):
    field = np.random.default_rng(0).random((24, 24, 24)) - 0.9
    label, count = ndimage.label(field > 0)
    calls: list[float] = []
    task = Task(field, np.ones(field.shape, bool), 6, Told(calls.append))
    weight = np.full(count, 50.0)
    whole = find_bridges(task, label, weight, 1)
    once = len(calls)
    monkeypatch.setattr("napari_toposeg.topology.mending.bridges.STEPS_BETWEEN_CALLS", 200)
    parts = find_bridges(task, label, weight, 1)
    assert len(calls) - once > once + 10
    assert np.array_equal(parts.ends, whole.ends)
    assert np.array_equal(parts.cost, whole.cost)
