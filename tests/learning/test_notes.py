"""Notes: a run that can begin, but not as its user may think."""

import pytest

from napari_toposeg.learning.notes import notes_on_devices, notes_on_padding
from napari_toposeg.learning.pretrain import prepare

MULTIPLE = (8, 8, 8)


def test_a_usual_run_has_no_notes(small_run):
    assert prepare(small_run).step().notes == ()


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_strategy_for_several_devices_is_told_to_change_nothing_on_one(small_run, strategy):
    config = small_run.model_copy(update={"strategy": strategy})
    (note,) = prepare(config).step().notes
    assert strategy in note
    assert "--devices" in note
    assert notes_on_devices(config.model_copy(update={"devices": 2})) == ()


def test_crops_that_are_mostly_padding_are_told_with_one_that_is_not(small_run):
    """The scan has 20 x 18 x 21 voxels of 2 mm."""
    config = small_run.model_copy(update={"crop": (48, 48, 48), "objective": "mae"})
    (note,) = prepare(config).step().notes
    assert "filled to 7%" in note
    assert "(20, 18, 21)" in note
    assert "--crop 18 18 18 would be filled to 100%" in note


def test_crops_that_scans_fill_by_half_are_not_told():
    assert notes_on_padding([(8, 16, 16)], (16, 16, 16), MULTIPLE) == ()
    assert notes_on_padding([(7, 16, 16)], (16, 16, 16), MULTIPLE) != ()
    assert notes_on_padding([(64, 64, 64), (2, 2, 2)], (16, 16, 16), MULTIPLE) == ()


def test_a_crop_that_is_the_least_of_its_network_is_told_to_want_another_network():
    (note,) = notes_on_padding([(9, 9, 9)], (16, 16, 16), MULTIPLE)
    assert "choose another network" in note
