"""Repair of label maps: the promised numbers, classes that are spared, edits taken or left."""

import threading

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.plugin.topology.errors import repairing
from napari_toposeg.plugin.topology.errors.repairing import propose
from napari_toposeg.progress import finish
from napari_toposeg.topology import betti_numbers


def broken_bar() -> np.ndarray:
    """Return a bar of label 1 with a gap of two voxels, a speck of it, and a block of label 2."""
    labels = np.zeros((12, 14, 24), np.uint8)
    labels[4:7, 4:7, 2:22] = 1
    labels[4:7, 4:7, 11:13] = 0
    labels[10, 12, 2] = 1
    labels[4:7, 9:12, 2:22] = 2
    labels[5, 10, 10] = 0
    return labels


def numbers(labels: np.ndarray, number: int) -> tuple[int, ...]:
    return tuple(betti_numbers(labels == number))


def test_the_class_gets_the_numbers_wanted_and_the_other_keeps_every_voxel():
    labels = broken_bar()
    assert numbers(labels, 1) == (3, 0, 0) and numbers(labels, 2) == (1, 0, 1)
    found = finish(propose(labels, {1: (1, 0, 0)}))
    assert numbers(found.labels, 1) == (1, 0, 0)
    np.testing.assert_array_equal(found.labels == 2, labels == 2)
    assert found.counted == {1: (3, 0, 0)}
    assert {each.edit.adds for each in found.edits} == {True, False}


def test_several_classes_are_repaired_at_once():
    found = finish(propose(broken_bar(), {1: (2, 0, 0), 2: (1, 0, 0)}))
    assert numbers(found.labels, 1) == (2, 0, 0)
    assert numbers(found.labels, 2) == (1, 0, 0)
    assert found.labels.dtype == np.uint8


def test_refused_edits_leave_their_voxels_and_numbers_are_counted_anew():
    labels = broken_bar()
    found = finish(propose(labels, {1: (1, 0, 0)}))
    fills = [each.edit.adds for each in found.edits]
    partly = found.with_answers([not adds for adds in fills])
    assert partly.accepted == tuple(not adds for adds in fills)
    assert numbers(partly.labels, 1) == tuple(partly.found.repairs[1].betti) == (2, 0, 0)
    none = partly.with_answers([False] * len(fills))
    np.testing.assert_array_equal(none.labels, labels)
    back = none.with_answers([True] * len(fills))
    np.testing.assert_array_equal(back.labels, found.labels)


def test_the_probability_says_which_repair_is_cheap():
    """A doubtful bridge far around is taken where the map is sure that the gap is empty."""
    labels = np.zeros((3, 9, 15), np.uint8)
    labels[1, 1, 1:6] = labels[1, 1, 9:14] = 1
    probability = np.where(labels > 0, 0.9, 0.01)
    probability[1, 7, 5:10] = probability[1, 1:8, 5] = probability[1, 1:8, 9] = 0.499
    plain, led = (
        finish(propose(labels, {1: (1, 0, 0)}, probability=p)) for p in (None, probability)
    )
    assert not plain.labels[1, 5:].any() and numbers(plain.labels, 1) == (1, 0, 0)
    assert led.labels[1, 7, 6:9].all() and not led.labels[1, 1, 6:9].any()
    assert numbers(led.labels, 1) == (1, 0, 0)


def test_each_edit_is_centred_on_one_of_its_voxels():
    labels = broken_bar()
    for each in finish(propose(labels, {1: (1, 0, 0)})).edits:
        assert np.ravel_multi_index(each.centre, labels.shape) in each.edit.voxels


@pytest.mark.parametrize(
    ("wanted", "words"),
    [({}, "at least one"), ({7: (1, 0, 0)}, "label 7 is not"), ({1: (0, 1, 0)}, "component")],
)
def test_what_cannot_be_wanted_is_refused(wanted, words):
    with pytest.raises(InvalidConfig, match=words):
        finish(propose(broken_bar(), wanted))


def test_a_probability_of_another_grid_is_refused():
    with pytest.raises(ShapeMismatch, match="differ"):
        finish(propose(broken_bar(), {1: (1, 0, 0)}, probability=np.zeros((2, 2, 2))))


def test_as_many_answers_as_edits_are_asked_for():
    found = finish(propose(broken_bar(), {1: (1, 0, 0)}))
    with pytest.raises(ShapeMismatch, match="one for each"):
        found.with_answers([True])


def test_a_search_that_is_closed_ends_at_its_next_report(monkeypatch):
    begun, go, calls = threading.Event(), threading.Event(), []
    transform = repairing.distance_transform_edt

    def slow(*args):
        calls.append(threading.current_thread())
        begun.set()
        assert go.wait(20)
        return transform(*args)

    monkeypatch.setattr(repairing, "distance_transform_edt", slow)
    run = propose(broken_bar(), {1: (1, 0, 0)})
    next(run)
    assert begun.wait(20)
    run.close()
    go.set()
    calls[0].join(20)
    assert not calls[0].is_alive()
    assert len(calls) == 1, "the distance of the outside is not computed any more"
