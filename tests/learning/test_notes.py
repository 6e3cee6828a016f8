"""Notes: a run that can begin, but not as its user may think."""

import numpy as np
import pytest

from napari_toposeg.config import PrepareConfig, PretrainConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import write_volume
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.notes import notes_on_devices, notes_on_padding
from napari_toposeg.learning.prepare import prepare as prepare_store
from napari_toposeg.learning.pretrain import prepare, pretrain
from napari_toposeg.learning.units import PLAIN
from napari_toposeg.progress import finish

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


@pytest.fixture
def with_labels(scans, scan):
    """The folder of the scan, with a map of four labels whose name does not say so."""
    rough = np.digitize(scan.voxels, [-500, 0, 500]).astype(np.uint8)
    write_volume(scan.with_voxels(rough, modality="unknown"), scans / "other.nii.gz")
    return scans


def test_what_looks_like_a_label_map_is_told(small_run, with_labels):
    (note,) = prepare(small_run).step().notes
    assert note.startswith("1 of 2 scans")
    assert "(other)" in note
    assert "--ids" in note


def test_a_store_remembers_what_looked_like_a_label_map(small_run, with_labels, tmp_path):
    settings = PrepareConfig.create(
        images=(with_labels,), output=tmp_path / "store", spacing=small_run.spacing
    )
    finish(prepare_store(settings))
    (note,) = prepare(small_run.model_copy(update={"data": (tmp_path / "store",)})).step().notes
    assert "(other)" in note


def test_a_label_map_that_is_named_so_is_refused_until_it_is_left_out(
    small_run, with_labels, tmp_path
):
    (with_labels / "other.nii.gz").rename(with_labels / "scan_seg.nii.gz")
    with pytest.raises(InvalidConfig, match=r"scan_seg\.nii\.gz is a label map.*--ids"):
        prepare(small_run)
    names = tmp_path / "scans.txt"
    names.write_text("scan\n")
    assert prepare(small_run.model_copy(update={"ids": names})).step().notes == ()


def test_a_store_leaves_out_what_is_certainly_a_label_map(with_labels, tmp_path):
    (with_labels / "other.nii.gz").rename(with_labels / "scan_seg.nii.gz")
    done = finish(
        prepare_store(PrepareConfig.create(images=(with_labels,), output=tmp_path / "store"))
    )
    assert [case.name for case in done.cases] == ["scan"]
    assert "is a label map; give label maps by --labels" in done.failed["scan_seg"]


@pytest.fixture
def plain(small_run) -> PretrainConfig:
    """A run that has made a model in plain units, as models from before standard units are."""
    config = small_run.model_copy(update={"objective": "mae", "steps": 2, "units": PLAIN})
    finish(pretrain(config))
    return config


def going_on(plain: PretrainConfig, **changes) -> PretrainConfig:
    """A run that starts from it."""
    start = {"units": None, "start": str(plain.output), "output": plain.output.parent / "second"}
    return plain.model_copy(update=start | changes)


def test_a_model_in_plain_units_goes_on_in_them_with_its_decoder_and_that_is_told(plain):
    prepared = prepare(going_on(plain))
    assert prepared.config.units == PLAIN
    (note,) = prepared.step().notes
    assert note.startswith("run computes in the units 0 1")
    assert "keeps the model's" in note


def test_without_its_decoder_it_goes_on_in_those_of_the_data_and_begins_lower(plain):
    prepared = prepare(going_on(plain, objective="simmim"))
    assert prepared.config.units == prepare(going_on(plain, start=None)).config.units != PLAIN
    (note,) = prepared.step().notes
    assert "takes the data's" in note
    assert "--units 0 1 keeps the model's" in note
    errors = []
    for units in (None, PLAIN):
        task = prepare(going_on(plain, objective="simmim", units=units)).task
        errors.append(finish(task.evaluate(task.network)).metrics["mse"])
    assert errors[0] < errors[1]


def test_an_objective_that_rebuilds_nothing_keeps_them(plain):
    assert prepare(going_on(plain, objective="maskfeat")).config.units == PLAIN


def test_units_that_are_asked_for_are_not_questioned(plain):
    prepared = prepare(going_on(plain, objective="simmim", units=(0.3, 0.2)))
    assert prepared.config.units == (0.3, 0.2)
    assert prepared.step().notes == ()


def test_a_model_of_the_same_units_needs_no_note(small_run):
    first = small_run.model_copy(update={"objective": "mae", "steps": 2})
    finish(pretrain(first))
    assert load_card(first.output).network.spread != 1
    assert prepare(going_on(first)).step().notes == ()
