"""Readers, writers and samples, through napari's own doors."""

import json

import nibabel as nib
import numpy as np
import pytest
from napari.plugins.utils import get_preferred_reader
from napari.settings import get_settings
from napari.utils.notifications import notification_manager
from npe2 import PluginManager

from napari_toposeg.errors import ChoiceNeeded, UnreadableFile
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.io.frames import frame_choices
from napari_toposeg.plugin import opening, samples
from napari_toposeg.plugin.canvas.layers import add_volume, layer_to_volume
from napari_toposeg.plugin.canvas.sources import SOURCE
from napari_toposeg.plugin.opening import Wanted
from napari_toposeg.plugin.readers import (
    get_reader,
    open_dropped_files,
    opens_dropped_files,
    read_asking,
    read_layers,
)
from napari_toposeg.plugin.widgets import choose
from napari_toposeg.plugin.widgets.choose import ChoiceDialog
from napari_toposeg.topology import betti_numbers

PLUGIN = "napari-toposeg"


@pytest.fixture(autouse=True)
def discovered():
    PluginManager.instance().discover()


@pytest.fixture
def four_frames(tmp_path):
    """A 4D NIfTI whose frames are 0, 1, 2, 3."""
    voxels = np.broadcast_to(np.arange(4, dtype=np.int16), (5, 6, 7, 4))
    path = tmp_path / "series.nii.gz"
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)
    return path


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd"])
def test_open_and_save_by_napari_move_no_voxel(viewer_model, oblique, tmp_path, ending):
    path = write_volume(oblique, tmp_path / f"scan{ending}")
    (layer,) = viewer_model.open(path, plugin=PLUGIN)
    written = viewer_model.layers.save(str(tmp_path / f"again{ending}"), plugin=PLUGIN)
    again = read_volume(written[0])
    np.testing.assert_array_equal(again.voxels, oblique.voxels)
    np.testing.assert_allclose(again.affine, oblique.affine, atol=1e-4)
    assert again.orientation == oblique.orientation
    assert layer.name == "scan"


def test_labels_are_saved_as_they_are(viewer_model, oblique, tmp_path):
    labels = oblique.with_voxels((oblique.voxels > 100).astype(np.uint8) * 3, modality="label")
    add_volume(viewer_model, labels, "labels")
    written = viewer_model.layers.save(str(tmp_path / "labels.nii.gz"), plugin=PLUGIN)
    again = read_volume(written[0], modality="label")
    np.testing.assert_array_equal(again.voxels, labels.voxels)


def test_what_is_not_in_memory_is_saved_without_being_read_in_the_window(
    viewer_model, ct, tmp_path, count_chunks
):
    counted = count_chunks(ct.voxels, (5, 6, 7))
    viewer_model.add_image(counted.array, name="scan")
    counted.forget()
    (written,) = viewer_model.layers.save(str(tmp_path / "scan.nii.gz"), plugin=PLUGIN)
    np.testing.assert_array_equal(read_volume(written).voxels, ct.voxels)
    assert sorted(counted.chunks) == sorted(np.ndindex(counted.array.numblocks))
    assert not counted.in_window


def test_a_frame_of_several_is_asked_for(qapp, four_frames, monkeypatch):
    asked = []

    def ask(name, choices):
        asked.append((name, choices))
        return 2

    monkeypatch.setattr(choose, "ask_with_dialog", ask)
    voxels, attributes, _ = read_asking(Wanted(four_frames))
    assert (voxels == 2).all()
    assert attributes["metadata"][SOURCE]["frame"] == 2
    ((name, choices),) = asked
    assert name == "series.nii.gz"
    assert len(choices) == 4


def test_series_and_then_their_frames_are_asked_for(qapp, ct, tmp_path, monkeypatch):
    series = ("1: chest, 79 slices", "2: liver, 40 slices")
    opened = []

    def read(path, *, frame, series, report):
        if series is None:
            raise ChoiceNeeded("several series", ("1: chest, 79 slices", "2: liver, 40 slices"))
        if frame is None:
            raise ChoiceNeeded("several frames", frame_choices(3))
        opened.append((series, frame))
        return ct

    monkeypatch.setattr(opening, "read_volume", read)
    monkeypatch.setattr(choose, "ask_with_dialog", lambda name, choices: 1)
    assert read_asking(Wanted(tmp_path, settled=True)) is not None
    assert opened == [(series[1], 1)]


def test_a_choice_that_did_not_help_is_not_asked_for_again(qapp, tmp_path, monkeypatch):
    def read(path, *, frame, series, report):
        raise ChoiceNeeded("several frames", frame_choices(3))

    monkeypatch.setattr(opening, "read_volume", read)
    monkeypatch.setattr(choose, "ask_with_dialog", lambda name, choices: 1)
    with pytest.raises(ChoiceNeeded):
        read_asking(Wanted(tmp_path, settled=True))


def test_leaving_the_question_opens_nothing(qapp, four_frames, monkeypatch):
    monkeypatch.setattr(choose, "ask_with_dialog", lambda name, choices: None)
    assert read_layers(str(four_frames)) == [(None,)]


def test_without_an_application_a_choice_must_be_named(four_frames, monkeypatch):
    monkeypatch.setattr("qtpy.QtWidgets.QApplication.instance", lambda: None)
    monkeypatch.setattr("qtpy.QtCore.QCoreApplication.instance", lambda: None)
    with pytest.raises(ChoiceNeeded):
        read_asking(Wanted(four_frames))


def test_dropping_a_file_of_several_frames_asks(viewer_model, four_frames, monkeypatch):
    monkeypatch.setattr(choose, "ask_with_dialog", lambda name, choices: 3)
    (layer,) = viewer_model.open(four_frames, plugin=PLUGIN)
    assert (layer.data == 3).all()


def test_leaving_the_question_in_napari_adds_no_layer(viewer_model, four_frames, monkeypatch):
    monkeypatch.setattr(choose, "ask_with_dialog", lambda name, choices: None)
    assert viewer_model.open(four_frames, plugin=PLUGIN) == []


def test_dropped_files_can_be_claimed_and_given_back():
    get_settings().plugins.extension2reader = {"*.tif": "other"}
    assert not opens_dropped_files()
    open_dropped_files(True)
    assert opens_dropped_files()
    assert get_preferred_reader("scan.nii.gz") == PLUGIN
    open_dropped_files(False)
    assert get_settings().plugins.extension2reader == {"*.tif": "other"}


def test_the_dialog_takes_the_chosen_line(qtbot):
    dialog = ChoiceDialog("folder", ("series 1", "series 2"))
    qtbot.addWidget(dialog)
    dialog.list.setCurrentRow(1)
    dialog.accept()
    assert dialog.list.currentRow() == 1
    assert dialog.result() == ChoiceDialog.DialogCode.Accepted


def test_a_folder_of_cases_asks_which(viewer_model, ct, oblique, tmp_path, monkeypatch):
    write_volume(ct, tmp_path / "a.nii.gz")
    write_volume(oblique, tmp_path / "b.nii.gz")
    monkeypatch.setattr(choose, "ask_with_dialog", lambda name, choices: choices.index("b"))
    (layer,) = viewer_model.open(tmp_path, plugin=PLUGIN)
    assert layer.name == "b"


def test_the_reader_leaves_other_files_and_folders_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("no scan")
    assert get_reader(str(tmp_path / "photo.png")) is None
    assert get_reader(str(tmp_path)) is None
    assert get_reader(["a.nii.gz", "photo.png"]) is None
    assert get_reader("SCAN.NII.GZ") is not None


def test_a_corrupt_file_is_a_clear_error(viewer_model, tmp_path):
    path = tmp_path / "broken.nii.gz"
    path.write_bytes(b"this is no scan")
    with pytest.raises(UnreadableFile, match=r"broken\.nii\.gz"):
        viewer_model.open(path, plugin=PLUGIN)
    assert "broken.nii.gz" in notification_manager.records[-1].message


@pytest.mark.parametrize("name", samples.TITLES)
def test_every_sample_opens_by_napari(viewer_model, name):
    layers = viewer_model.open_sample(PLUGIN, name)
    assert layers
    assert len({layer.data.shape for layer in layers}) == 1
    assert [str(unit) for unit in layers[0].units] == ["millimeter"] * 3


@pytest.mark.parametrize(("name", "betti"), [("torus", (1, 1, 0)), ("linked_rings", (2, 2, 0))])
def test_the_truth_of_a_shape_has_its_betti_numbers(viewer_model, name, betti):
    _, truth = viewer_model.open_sample(PLUGIN, name)
    assert tuple(betti_numbers(truth.data > 0)) == betti


def test_a_dicom_folder_opens_as_one_layer(viewer_model, data_folder):
    (layer,) = viewer_model.open(data_folder / "chest_ct" / "ct-64_dicom", plugin=PLUGIN)
    nrrd = read_volume(data_folder / "chest_ct" / "ct-64.nrrd")
    np.testing.assert_array_equal(layer.data, nrrd.voxels)
    np.testing.assert_allclose(layer.scale, nrrd.spacing, rtol=1e-3)


def test_no_field_of_the_patient_reaches_the_layer(viewer_model, data_folder):
    folder = data_folder / "chest_ct" / "ct-64_dicom"
    (layer,) = viewer_model.open(folder, plugin=PLUGIN)
    known = layer.metadata["napari_toposeg"]
    assert set(layer.metadata) == {"napari_toposeg", SOURCE}
    assert set(known) == {"affine", "orientation", "modality", "name", "notes"}
    assert len(json.dumps(known)) < 1000


def test_every_real_volume_opens_and_is_saved_on_its_own_grid(viewer_model, data_folder, tmp_path):
    """One of each folder; the rest is read in the tests of the io floor."""
    paths = [
        "totalsegmentator/example_mr_sm.nii.gz",
        "brain_tumour/brain1_label.nrrd",
        "sarcoma/PET_image.nii.gz",
        "ibsi_phantom/phantom.nii.gz",
    ]
    for number, name in enumerate(paths):
        viewer_model.layers.clear()
        (layer,) = viewer_model.open(data_folder / name, plugin=PLUGIN)
        volume = layer_to_volume(layer)
        written = viewer_model.layers.save(str(tmp_path / f"{number}.nii.gz"), plugin=PLUGIN)
        again = read_volume(written[0], modality=volume.modality)
        np.testing.assert_array_equal(again.voxels, volume.voxels)
        np.testing.assert_allclose(again.affine, volume.affine, atol=1e-3)
