"""Case, Reconstruct and Segment, driven as a person drives them, with made-up runs."""

import threading
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Labels
from napari.settings import get_plugin_settings
from napari.utils.colormaps.standardize_color import transform_color
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QAbstractSpinBox, QCheckBox, QComboBox, QFormLayout, QPushButton

from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.metrics import class_topology
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.case import actions as case_actions
from napari_toposeg.plugin.case.tab import oblique_notice
from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.reconstruct import actions as reconstruct_actions
from napari_toposeg.plugin.reconstruct.tab import error_rows
from napari_toposeg.plugin.segment import actions as segment_actions
from napari_toposeg.plugin.segment.tab import count_windows, volume_text
from napari_toposeg.plugin.settings import PLUGIN, Settings
from napari_toposeg.plugin.widgets.plotting import CLASS_COLOURS
from napari_toposeg.progress import Step, finish
from napari_toposeg.topology import BettiNumbers
from napari_toposeg.volume import Volume


@pytest.fixture
def models(monkeypatch, make_card):
    """Two models, listed without torch."""
    cards = [make_card("topomae-ct", "reconstruct"), make_card("vessels-ct", "segment")]
    monkeypatch.setattr("napari_toposeg.learning.cards.list_models", lambda: tuple(cards))
    return cards


@pytest.fixture
def ring() -> Volume:
    """A square ring in a box of air: one component, one loop."""
    voxels = np.full((10, 16, 16), -1000, np.int16)
    voxels[4:6, 3:13, 3:13] = 500
    voxels[4:6, 6:10, 6:10] = -1000
    return Volume(voxels, np.diag([-1.0, -1, 1, 1]), modality="CT", name="ring")


def reconstruction(volume: Volume) -> SimpleNamespace:
    hidden = np.zeros(volume.shape, np.uint8)
    hidden[:, :8] = 1
    composite = volume.voxels.astype(np.float32)
    residual = np.abs(composite - volume.voxels)
    return SimpleNamespace(
        hidden=volume.with_voxels(hidden),
        composite=volume.with_voxels(composite),
        residual=volume.with_voxels(residual),
        mse=0.25,
        mse_mean=1.0,
        mse_interpolation=0.5,
    )


def fake_segment_run(volume, model, **settings):
    yield Step(100, 100, message="Loading the network")
    yield Step(1, 1, message="segmenting")
    mask = volume.voxels > 0
    labels = volume.with_voxels(mask.astype(np.uint8), modality="label")
    probability = volume.with_voxels(mask.astype(np.float32), modality="probability")
    result = SimpleNamespace(labels=labels, probability=probability, classes=("ring",))
    return result, (class_topology(labels, 1, "ring"),)


def fake_reconstruct_run(volume, model, *, threshold, **settings):
    yield Step(1, 1)
    made = reconstruction(volume)
    return made, reconstruct_actions.kept_topology(volume, made.composite, threshold)


def table(widget):
    return [
        [widget.item(row, column).text() for column in range(widget.columnCount())]
        for row in range(widget.rowCount())
    ]


def test_the_case_tab_says_how_a_scan_lies(dock, oblique):
    add_volume(dock.session.viewer, oblique, "image")
    case = dock.case
    assert case.orientation.text().startswith(oblique.orientation)
    assert case.shape.text() == "10 × 12 × 14 voxels, float32"
    assert case.spacing.text() == "3 × 1.1 × 0.8 mm"
    assert "oblique by 20.0°" in case.tilt.text()
    assert case.modality.currentText() == "MR"
    assert not case.window.isEnabled()


def test_without_a_scan_nothing_can_be_pressed_that_needs_one(dock):
    assert not dock.case.crop_button.isEnabled()
    assert not dock.case.save_button.isEnabled()
    assert not dock.reconstruct.run_button.isEnabled()
    assert not dock.segment.run_button.isEnabled()
    assert dock.case.shape.text() == "–"


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
    case_actions.set_window(layer, "lung")
    assert window.currentData() == "lung"
    layer.contrast_limits = (-7, 7)
    assert window.currentText() == "as shown"


def test_a_wrong_guess_of_the_modality_can_be_corrected(dock, oblique):
    layer = add_volume(dock.session.viewer, oblique, "image")
    dock.case.modality.setCurrentText("CT")
    assert dock.session.volume_of(layer).modality == "CT"
    assert dock.case.window.isEnabled()


def test_a_sample_is_opened_and_chosen(dock):
    dock.case.open_sample("torus")
    assert dock.session.image_layer.name == "torus"
    assert any(isinstance(layer, Labels) for layer in dock.session.viewer.layers)
    assert dock.picker.currentText() == "torus"


def test_a_file_is_opened_and_saved_on_its_own_grid(dock, oblique, tmp_path):
    dock.case.open_path(write_volume(oblique, tmp_path / "scan.nii.gz"))
    dock.case.save(tmp_path / "again.nii.gz")
    again = read_volume(tmp_path / "again.nii.gz")
    np.testing.assert_array_equal(again.voxels, oblique.voxels)
    np.testing.assert_allclose(again.affine, oblique.affine, atol=1e-4)


def test_the_picker_and_the_session_follow_each_other(dock, ct, oblique):
    viewer = dock.session.viewer
    first, second = add_volume(viewer, ct, "image"), add_volume(viewer, oblique, "image")
    dock.picker.setCurrentIndex(1)
    assert dock.session.image_layer == second
    dock.session.image_layer = first
    assert dock.picker.layer == first
    first.name = "renamed"
    assert dock.picker.currentText() == "renamed"
    viewer.layers.remove(first)
    assert dock.picker.layer == second == dock.session.image_layer


def test_models_are_listed_by_task_when_the_tab_is_shown(dock, models, make_card):
    dock.show_tab("Reconstruct")
    assert dock.reconstruct.model.model == "topomae-ct"
    dock.show_tab("Segment")
    assert dock.segment.model.model == "vessels-ct"
    models.append(make_card("mine"))
    dock.session.models_changed.emit()
    assert dock.segment.model.model == "vessels-ct"
    dock.segment.model.choose("mine")
    assert dock.segment.model.model == "mine"


def test_without_a_model_the_user_is_told_so(dock, ct, monkeypatch):
    monkeypatch.setattr("napari_toposeg.learning.cards.list_models", lambda: ())
    add_volume(dock.session.viewer, ct, "image")
    dock.show_tab("Segment")
    before = len(notification_manager.records)
    dock.segment.run_button.click()
    assert "models import" in notification_manager.records[before].message
    assert not dock.session.busy


def test_reconstruct_adds_three_layers_and_the_numbers(dock, models, ring, monkeypatch, qtbot):
    monkeypatch.setattr(reconstruct_actions, "reconstruct_run", fake_reconstruct_run)
    viewer = dock.session.viewer
    scan = add_volume(viewer, ring, "image")
    dock.show_tab("Reconstruct")
    dock.reconstruct.threshold.setValue(-200)
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.reconstruct.run_button.click()
    names = [layer.name for layer in viewer.layers]
    assert names[1:] == ["ring hidden input", "ring reconstruction", "ring |residual|"]
    visible = viewer.layers["ring hidden input"]
    assert (visible.data[:, :8] == -1000).all()
    np.testing.assert_array_equal(visible.data[:, 8:], ring.voxels[:, 8:])
    assert tuple(visible.contrast_limits) == tuple(scan.contrast_limits)
    assert table(dock.reconstruct.errors) == [
        ["network", "0.2500", "1.00"],
        ["visible mean", "1.0000", "4.00"],
        ["interpolation", "0.5000", "2.00"],
    ]
    assert table(dock.reconstruct.kept) == [
        ["scan", "1", "1", "0"],
        ["reconstruction", "1", "1", "0"],
    ]
    assert dock.session.image_layer == scan


def test_the_topology_can_be_counted_at_another_threshold(dock, models, ring, monkeypatch, qtbot):
    monkeypatch.setattr(reconstruct_actions, "reconstruct_run", fake_reconstruct_run)
    add_volume(dock.session.viewer, ring, "image")
    dock.show_tab("Reconstruct")
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.reconstruct.run_button.click()
    dock.reconstruct.threshold.setValue(2000)
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.reconstruct.count_button.click()
    assert table(dock.reconstruct.kept)[0] == ["scan", "0", "0", "0"]


def test_segment_adds_labels_and_probability_and_the_topology(
    dock, models, ring, monkeypatch, qtbot, tmp_path
):
    monkeypatch.setattr(segment_actions, "segment_run", fake_segment_run)
    viewer = dock.session.viewer
    add_volume(viewer, ring, "image")
    dock.show_tab("Segment")
    assert dock.segment.expected.text() == "1 window, roughly 1 s on one CPU core"
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.segment.run_button.click()
    assert [layer.name for layer in viewer.layers][1:] == ["ring probability", "ring segmentation"]
    assert table(dock.segment.table) == [["1 ring", "0.168", "1", "1", "0"]]
    assert dock.segment.expected.text() == "1 window, about 1 s"
    labels = viewer.layers["ring segmentation"]
    assert list(labels.features["class"]) == ["background", "ring"]
    assert labels.get_color(0) is None
    np.testing.assert_allclose(labels.get_color(1), transform_color(CLASS_COLOURS[0])[0])
    dock.segment.save(tmp_path / "ring.nii.gz")
    saved = read_volume(tmp_path / "ring.nii.gz", modality="label")
    np.testing.assert_array_equal(saved.voxels, ring.voxels > 0)


def test_the_forms_follow_the_preferences(dock):
    preferences = get_plugin_settings(PLUGIN)
    try:
        preferences.reconstruct.mask_ratio = 0.75
        preferences.segment.overlap = 0.6
        preferences.compute.device = "cpu"
        assert dock.reconstruct.mask_ratio.value() == 75
        assert dock.segment.overlap.value() == 60
        assert dock.segment.device.currentText() == "cpu"
        assert dock.strip.device.text().startswith(("Device: cpu", "CPU"))
    finally:
        for group, name in (
            ("reconstruct", "mask_ratio"),
            ("segment", "overlap"),
            ("compute", "device"),
        ):
            setattr(getattr(preferences, group), name, getattr(Settings(), name))


def test_the_buttons_rest_while_a_job_runs(dock, models, ring, qtbot):
    add_volume(dock.session.viewer, ring, "image")
    dock.show_tab("Segment")

    never = threading.Event()

    def run():
        for number in range(1, 1000):
            never.wait(0.01)
            yield Step(number, 1000)

    job = dock.session.start(run, title="Other")
    assert not dock.segment.run_button.isEnabled()
    assert not dock.reconstruct.run_button.isEnabled()
    with qtbot.waitSignal(job.ended, timeout=2000):
        job.cancel()
    assert dock.segment.run_button.isEnabled()


def test_a_model_that_fails_is_told_and_the_dock_lives_on(dock, models, ring, monkeypatch, qtbot):
    def failing(volume, model, **settings):
        yield Step(1, 2)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(segment_actions, "segment_run", failing)
    add_volume(dock.session.viewer, ring, "image")
    dock.show_tab("Segment")
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.segment.run_button.click()
    assert "mat1" in dock.strip.message.text()
    assert dock.segment.run_button.isEnabled()


def test_closing_the_dock_stops_the_job(viewer_model, qtbot):
    closed = threading.Event()

    def run():
        try:
            for number in range(1, 10**6):
                closed.wait(0.01)
                yield Step(number, 10**6)
        finally:
            closed.set()

    dock = TopoSegDock(viewer_model)
    session = dock.session
    job = session.start(run, title="Training")
    with qtbot.waitSignal(job.stepped, timeout=5000):
        pass
    dock.deleteLater()
    assert job.join(0) is False
    with qtbot.waitSignal(dock.destroyed, timeout=2000):
        pass
    assert job.join(2)
    assert closed.is_set()


def test_the_smoothed_ring_has_one_loop(ring):
    kept = finish(reconstruct_actions.kept_topology_run(ring, ring, -200))
    assert kept.scan == kept.rebuilt == BettiNumbers(1, 1, 0)


def test_otsu_lies_between_two_materials(ring):
    assert -1000 <= reconstruct_actions.suggest_threshold(ring.voxels) < 500
    assert reconstruct_actions.suggest_threshold(np.full((2, 2, 2), 7)) == 7


def test_a_class_is_measured_in_millilitres(ring):
    labels = Volume((ring.voxels > 0).astype(np.uint8), np.diag([-2.0, -2, 2, 1]), modality="label")
    measured = class_topology(labels, 1, "ring")
    assert measured.millilitres == pytest.approx(168 * 8 / 1000)
    assert measured.betti == BettiNumbers(1, 1, 0)


def test_windows_are_counted_on_the_models_grid():
    count = partial(count_windows, crop=(48, 48, 48), model_spacing=(1, 1, 1))
    assert count((48, 48, 48), (1, 1, 1), overlap=0.5) == 1
    assert count((24, 48, 48), (2, 1, 1), overlap=0.5) == 1
    assert count((72, 48, 48), (1, 1, 1), overlap=0.5) == 2
    assert count((96, 96, 96), (1, 1, 1), overlap=0) == 8
    assert count((10, 10, 10), (1, 1, 1), overlap=0.5) == 1


@pytest.mark.parametrize("shape", [(24, 24, 24), (50, 35, 25), (15, 100, 48)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_windows_are_counted_as_the_network_visits_them(shape, overlap):
    import torch

    from napari_toposeg.learning.windows import slide, strides

    crop = (24, 18, 12)
    run = slide(
        torch.zeros((1, 1, *shape)),
        crop,
        lambda window: window,
        stride=strides(crop, overlap),
        message="segmenting",
    )
    assert count_windows(shape, (1, 1, 1), crop, (1, 1, 1), overlap) == len(list(run))


def test_volumes_are_written_without_exponents():
    assert volume_text(23987.2) == "23,987"
    assert volume_text(0.16812) == "0.168"


def test_the_error_table_survives_a_perfect_network():
    perfect = SimpleNamespace(mse=0.0, mse_mean=1.0, mse_interpolation=0.5)
    assert error_rows(perfect)[0] == ("network", "0.0000", "–")


def test_a_straight_grid_is_called_straight():
    assert oblique_notice(0.2) == "along the patient's axes"


def test_every_field_has_a_tooltip_and_every_label_its_field(dock):
    for tab in (dock.case, dock.reconstruct, dock.segment, dock.strip):
        for kind in (QPushButton, QComboBox, QAbstractSpinBox, QCheckBox):
            for field in tab.findChildren(kind):
                assert field.toolTip(), (tab, field)
        for form in tab.findChildren(QFormLayout):
            for number in range(form.rowCount()):
                label = form.itemAt(number, QFormLayout.ItemRole.LabelRole)
                if label is not None:
                    assert label.widget().buddy() is not None, label.widget().text()


def test_the_dock_fits_into_320_points(dock, models, oblique):
    add_volume(dock.session.viewer, oblique, "image")
    for index in range(dock.tabs.count()):
        dock.tabs.setCurrentIndex(index)
        assert dock.minimumSizeHint().width() <= 320
        assert dock.tabs.widget(index).widget().minimumSizeHint().width() <= 310
