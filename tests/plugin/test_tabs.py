"""Case, Reconstruct and Segment, driven as a person drives them, with made-up runs."""

import threading

from napari.settings import get_plugin_settings
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QAbstractSpinBox, QCheckBox, QComboBox, QFormLayout, QPushButton

from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.settings import PLUGIN, Settings
from napari_toposeg.progress import Step


def test_without_a_scan_nothing_can_be_pressed_that_needs_one(dock):
    assert not dock.case.crop_button.isEnabled()
    assert not dock.case.save_button.isEnabled()
    assert not dock.reconstruct.run_button.isEnabled()
    assert not dock.segment.run_button.isEnabled()
    assert dock.case.shape.text() == "–"


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
    assert job.join(20)
    assert closed.is_set()


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
