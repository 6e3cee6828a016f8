"""The Case tab, driven as a person drives it."""

import threading

import nibabel as nib
import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.notifications import notification_manager

from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.sources import source_of
from napari_toposeg.plugin.case import actions
from napari_toposeg.plugin.case.words import oblique_notice
from napari_toposeg.plugin.widgets import choose
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume


@pytest.fixture
def ended(dock, qtbot):
    """Waits for the end of the job that a call starts."""

    def wait_for(call):
        with qtbot.waitSignal(dock.session.job_ended, timeout=20_000):
            return call()

    return wait_for


def test_the_case_tab_says_how_a_scan_lies(dock, oblique):
    add_volume(dock.session.viewer, oblique, "image")
    case = dock.case
    assert case.orientation.text().startswith(oblique.orientation)
    assert case.shape.text() == "10 × 12 × 14 voxels, float32"
    assert case.spacing.text() == "3 × 1.1 × 0.8 mm"
    assert "oblique by 20.0°" in case.tilt.text()
    assert case.modality.currentText() == "MR"
    assert not case.window.isEnabled()


def test_notes_of_the_reader_are_shown(dock, ct):
    noted = Volume(ct.voxels, ct.affine, modality="CT", notes=("gantry tilt of 12.0 degrees",))
    add_volume(dock.session.viewer, noted, "image")
    assert dock.case.notes.text() == "gantry tilt of 12.0 degrees"


def test_a_ct_window_sets_the_contrast_and_follows_it(dock, ct):
    layer = add_volume(dock.session.viewer, ct, "image")
    window = dock.case.window
    index = window.findData("bone")
    window.setCurrentIndex(index)
    window.activated.emit(index)
    assert tuple(layer.contrast_limits) == (-450, 1050)
    actions.set_window(layer, "lung")
    assert window.currentData() == "lung"
    dock.case.next_window()
    assert window.currentData() == "mediastinum"
    layer.contrast_limits = (-7, 7)
    assert window.currentText() == "as shown"


def test_the_next_window_of_an_mr_changes_nothing(dock, oblique):
    layer = add_volume(dock.session.viewer, oblique, "image")
    before = tuple(layer.contrast_limits)
    dock.case.next_window()
    assert tuple(layer.contrast_limits) == before


def test_a_wrong_guess_of_the_modality_can_be_corrected(dock, oblique):
    layer = add_volume(dock.session.viewer, oblique, "image")
    dock.case.modality.setCurrentText("CT")
    assert dock.session.volume_of(layer).modality == "CT"
    assert dock.case.window.isEnabled()


def test_a_sample_is_opened_and_chosen(dock, ended):
    ended(lambda: dock.case.open_sample("torus"))
    assert dock.session.image_layer.name == "torus"
    assert any(isinstance(layer, Labels) for layer in dock.session.viewer.layers)
    assert dock.picker.currentText() == "torus"


def test_a_file_is_opened_and_saved_on_its_own_grid(dock, ended, oblique, tmp_path):
    path = write_volume(oblique, tmp_path / "scan.nii.gz")
    ended(lambda: dock.case.open_path(path))
    assert source_of(dock.session.image_layer).path == path
    ended(lambda: dock.case.save(tmp_path / "again.nii.gz"))
    again = read_volume(tmp_path / "again.nii.gz")
    np.testing.assert_array_equal(again.voxels, oblique.voxels)
    np.testing.assert_allclose(again.affine, oblique.affine, atol=1e-4)


def test_a_label_map_does_not_become_the_image(dock, ended, oblique, tmp_path):
    scan = add_volume(dock.session.viewer, oblique, "image")
    mask = oblique.with_voxels((oblique.voxels > 100).astype(np.uint8))
    ended(lambda: dock.case.open_path(write_volume(mask, tmp_path / "mask.nii.gz")))
    assert len(dock.session.viewer.layers) == 2
    assert dock.session.image_layer == scan or not isinstance(dock.session.image_layer, Labels)


def test_a_folder_of_several_asks_and_opens_the_answer(
    dock, qtbot, ct, oblique, tmp_path, monkeypatch
):
    write_volume(ct, tmp_path / "a.nii.gz")
    write_volume(oblique, tmp_path / "b.nii.gz")
    monkeypatch.setattr(choose, "ask_with_dialog", lambda name, choices: choices.index("b"))
    dock.case.open_path(tmp_path)
    qtbot.waitUntil(lambda: len(dock.session.viewer.layers) == 1, timeout=20_000)
    assert dock.session.image_layer.name == "b"


def test_frames_of_a_file_in_a_folder_are_asked_for_in_turn(dock, qtbot, tmp_path, monkeypatch):
    voxels = np.broadcast_to(np.arange(3, dtype=np.int16), (5, 6, 7, 3))
    for name in ("a", "b"):
        nib.save(nib.Nifti1Image(voxels, np.eye(4)), tmp_path / f"{name}.nii.gz")
    asked = []

    def answer(name, choices):
        asked.append(choices)
        return 1

    monkeypatch.setattr(choose, "ask_with_dialog", answer)
    dock.case.open_path(tmp_path)
    qtbot.waitUntil(lambda: len(dock.session.viewer.layers) == 1, timeout=20_000)
    assert [len(choices) for choices in asked] == [2, 3]
    assert source_of(dock.session.image_layer).frame == 1


def test_leaving_the_question_opens_nothing(dock, qtbot, ct, tmp_path, monkeypatch):
    for name in ("a", "b"):
        write_volume(ct, tmp_path / f"{name}.nii.gz")
    left = threading.Event()
    monkeypatch.setattr(choose, "ask_with_dialog", lambda name, choices: left.set())
    dock.case.open_path(tmp_path)
    qtbot.waitUntil(left.is_set, timeout=20_000)
    assert not dock.session.busy
    assert len(dock.session.viewer.layers) == 0


def test_a_broken_file_is_told_and_adds_nothing(dock, ended, tmp_path):
    path = tmp_path / "broken.nii.gz"
    path.write_bytes(b"this is no scan")
    ended(lambda: dock.case.open_path(path))
    assert "broken.nii.gz" in notification_manager.records[-1].message
    assert len(dock.session.viewer.layers) == 0


def test_another_scan_can_be_opened_while_a_job_runs(dock, qtbot, ct, tmp_path):
    never = threading.Event()

    def run():
        for number in range(1, 1000):
            never.wait(0.01)
            yield Step(number, 1000)

    job = dock.session.start(run, title="Training")
    assert dock.case.open_path(write_volume(ct, tmp_path / "other.nii.gz")) is None
    assert dock.session.image_layer.name == "other"
    assert job.running
    with qtbot.waitSignal(job.ended, timeout=2000):
        job.cancel()


def test_cancelled_saving_leaves_the_old_file(dock, qtbot, oblique, tmp_path, monkeypatch):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(b"the old file")
    begun, go_on = threading.Event(), threading.Event()

    def slow(volume, path, *, report):
        begun.set()
        go_on.wait(10)
        write_volume(volume, path, report=report)

    monkeypatch.setattr("napari_toposeg.plugin.canvas.saving.write_volume", slow)
    add_volume(dock.session.viewer, oblique, "image")
    job = dock.case.save(path)
    qtbot.waitUntil(begun.is_set, timeout=5000)
    with qtbot.waitSignal(job.cancelled, timeout=2000):
        job.cancel()
    go_on.set()
    qtbot.waitUntil(lambda: not list(tmp_path.glob(".writing-*")), timeout=5000)
    assert path.read_bytes() == b"the old file"


def test_a_straight_grid_is_called_straight():
    assert oblique_notice(0.2) == "along the patient's axes"
