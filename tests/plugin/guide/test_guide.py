"""The guide in the dock: it does the steps, ticks them off, and stays away once closed."""

import numpy as np
import pytest
from qtpy.QtWidgets import QDialog

from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.marks import ANNOTATION, layer_with
from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.guide.frame import Frame
from napari_toposeg.volume import Volume


@pytest.fixture
def open_again(viewer_model, qtbot):
    made = []

    def make():
        if made:
            made[-1].session.close()
        made.append(TopoSegDock(viewer_model))
        qtbot.addWidget(made[-1])
        return made[-1]

    yield make
    made[-1].session.close()


def ticks(guide):
    return [tick.text() for tick, _, _ in guide.rows]


def press(guide, step):
    guide.rows[step - 1][2].click()


def test_it_is_there_at_the_first_start_and_not_after_it_was_closed(open_again):
    dock = open_again()
    assert not dock.guide.isHidden()
    dock.guide.close_button.click()
    assert dock.guide.isHidden()
    again = open_again()
    assert again.guide.isHidden()
    again.toggle_guide()
    assert not again.guide.isHidden()
    assert not open_again().guide.isHidden()


def test_it_is_no_dialog_and_fits_into_the_narrowest_dock(dock):
    assert not isinstance(dock.guide, QDialog)
    assert dock.guide.isVisible()
    assert dock.guide.minimumSizeHint().width() <= 310
    assert dock.guide.height() <= 140


def test_it_says_what_the_plugin_is_for(dock):
    assert "research use only" in dock.guide.findChild(object, "research-note").text()


def test_the_first_step_opens_a_sample_and_shows_where(dock, qtbot):
    dock.show_tab("Topology")
    with qtbot.waitSignal(dock.session.job_ended, timeout=20_000):
        press(dock.guide, 1)
    assert dock.tabs.currentIndex() == 0
    assert dock.case.sample_button.findChildren(Frame)
    assert dock.session.image_layer is not None
    assert ticks(dock.guide) == ["✓", "2", "3"]


def test_a_scan_opened_elsewhere_is_ticked_off_too(dock, ct):
    assert ticks(dock.guide) == ["1", "2", "3"]
    layer = add_volume(dock.session.viewer, ct, "image")
    assert ticks(dock.guide) == ["✓", "2", "3"]
    dock.session.viewer.layers.remove(layer)
    assert ticks(dock.guide) == ["1", "2", "3"]


def test_the_second_step_presses_segment_and_then_compares_with_the_truth(dock, qtbot):
    viewer = dock.session.viewer
    voxels = np.zeros((6, 10, 10), np.int16)
    voxels[2:4, 2:8, 2:8] = 100
    scan = Volume(voxels, np.diag([-1.0, -1, 1, 1]), modality="CT", name="scan")
    add_volume(viewer, scan, "image")
    truth = scan.with_voxels((voxels > 0).astype(np.uint8), modality="label", name="truth")
    add_volume(viewer, truth, "labels")
    pressed = []
    dock.segment.run_button.clicked.disconnect()
    dock.segment.run_button.clicked.connect(lambda _=False: pressed.append(1))
    press(dock.guide, 2)
    assert pressed == [1]
    assert dock.tabs.currentIndex() == 2
    found = truth.voxels.copy()
    found[2:4, 4, 4] = 0
    add_volume(
        viewer,
        truth.with_voxels(found),
        "labels",
        name="found",
        features={"class": ["background", "piece"]},
    )
    with qtbot.waitSignal(dock.session.job_ended, timeout=60_000):
        press(dock.guide, 2)
    panel = dock.topology.comparison
    assert dock.topology.pages.currentWidget() is panel
    assert panel.prediction.layer.name == "found"
    assert panel.truth.layer.name == "truth"
    assert panel.result is not None
    assert ticks(dock.guide) == ["✓", "✓", "3"]


def test_the_third_step_makes_a_layer_to_paint_in_and_then_trains(dock, ct, qtbot):
    add_volume(dock.session.viewer, ct, "image")
    press(dock.guide, 3)
    assert layer_with(dock.session.viewer, ANNOTATION) is not None
    assert dock.finetune.pages.currentWidget() is dock.finetune.annotate
    press(dock.guide, 3)
    assert dock.finetune.pages.currentWidget() is dock.finetune.train
    dock.session.models_changed.emit()
    assert ticks(dock.guide)[2] == "✓"


def test_nothing_can_be_started_while_a_job_runs(dock, ct, count_to, qtbot):
    add_volume(dock.session.viewer, ct, "image")
    job = dock.session.start(count_to(3), title="Counting")
    assert not any(press.isEnabled() for _, _, press in dock.guide.rows)
    with qtbot.waitSignal(job.ended, timeout=5000):
        pass
    assert all(press.isEnabled() for _, _, press in dock.guide.rows)


def test_a_frame_lets_clicks_through_and_goes_by_itself(dock, qtbot):
    button = dock.case.file_button
    frame = Frame(button, milliseconds=50)
    assert frame.rect() == button.rect()
    assert dock.childAt(button.mapTo(dock, button.rect().center())) is button
    with qtbot.waitSignal(frame.destroyed, timeout=2000):
        pass
