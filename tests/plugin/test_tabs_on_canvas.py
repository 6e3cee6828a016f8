"""The Topology and Fine-tune tabs in the real window: keys, clicks, and closing in mid-training."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_toposeg.plugin.canvas.marks import DEFECTS, PAIR, layer_with, voxel_at
from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.finetune.train import panel as train_panel
from napari_toposeg.progress import Step

pytestmark = pytest.mark.gl


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


@pytest.fixture
def dock(viewer, qtbot) -> Iterator[TopoSegDock]:
    image = np.zeros((9, 40, 40), np.float32)
    image[2:5, 8:14, 8:14] = 5
    image[4:7, 26:32, 26:32] = 8
    viewer.add_image(image, name="scan", units=("mm",) * 3)
    dock = TopoSegDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    dock.show_tab("Topology")
    qtbot.wait(50)
    yield dock
    dock.session.close()
    assert dock.session.job is None or dock.session.job.join(20)


def canvas_of(viewer):
    return viewer.window._qt_viewer.canvas.native


def place_on_canvas(viewer, y: float, x: float) -> QPoint:
    """Where a voxel of the slice in view is drawn."""
    canvas = canvas_of(viewer)
    centre, zoom = viewer.scene.camera.center[-2:], viewer.scene.camera.zoom
    ratio = canvas.devicePixelRatioF()
    return QPoint(
        round(canvas.width() / 2 + (x - centre[1]) * zoom / ratio),
        round(canvas.height() / 2 + (y - centre[0]) * zoom / ratio),
    )


def test_a_click_on_a_voxel_of_the_canvas_lights_up_its_feature(viewer, dock, qtbot) -> None:
    panel = dock.topology.diagram
    panel.compute()
    qtbot.waitUntil(lambda: panel.found is not None)
    viewer.dims.set_current_step(0, 3)
    viewer.reset_view()
    qtbot.wait(50)
    qtbot.mouseClick(
        canvas_of(viewer), Qt.MouseButton.LeftButton, pos=place_on_canvas(viewer, 9, 9)
    )
    qtbot.waitUntil(lambda: panel.row is not None)
    np.testing.assert_array_less(np.abs(panel.found.births[panel.row] - (3, 11, 11)), 4)
    marks = layer_with(viewer, PAIR)
    assert marks is not None
    panel.go_to(0)
    assert viewer.dims.current_step[0] == panel.found.births[0][0]


def compare(viewer, dock, qtbot) -> None:
    truth = np.zeros((9, 40, 40), np.uint8)
    truth[4, 10, 4:36] = 1
    prediction = truth.copy()
    prediction[4, 10, 18:20] = 0
    prediction[7, 30, 30] = 1
    panel = dock.topology.comparison
    panel.prediction.choose(viewer.add_labels(prediction, name="prediction"))
    panel.truth.choose(viewer.add_labels(truth, name="truth"))
    dock.topology.pages.setCurrentIndex(1)
    panel.compare()
    qtbot.waitUntil(lambda: panel.result is not None, timeout=60_000)


def test_the_keys_n_and_p_lead_from_error_to_error(viewer, dock, qtbot) -> None:
    compare(viewer, dock, qtbot)
    overlay = layer_with(viewer, DEFECTS)
    assert viewer.layers.selection.active == overlay
    canvas = canvas_of(viewer)
    canvas.setFocus()
    slices = []
    for key in (Qt.Key.Key_N, Qt.Key.Key_N, Qt.Key.Key_P):
        qtbot.keyClick(canvas, key)
        slices.append(voxel_at(viewer, overlay, viewer.dims.point)[0])
    assert slices == [4, 7, 4]
    assert overlay.mode == "pan_zoom"


def test_the_overlay_is_seen_in_the_colour_of_its_kind(viewer, dock, qtbot) -> None:
    compare(viewer, dock, qtbot)
    for layer in viewer.layers:
        layer.visible = layer == layer_with(viewer, DEFECTS)
    viewer.dims.set_current_step(0, 4)
    viewer.reset_view()
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    # "splits" is vermilion: red over green over blue.
    red = (picture[..., 0] > 120) & (picture[..., 0] > picture[..., 1] + 60)
    assert red.any()
    viewer.dims.set_current_step(0, 0)
    empty = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    assert not ((empty[..., 0] > 120) & (empty[..., 0] > empty[..., 1] + 60)).any()


def test_the_tabs_fit_into_the_dock_without_a_horizontal_scroll(viewer, dock, qtbot) -> None:
    for name in ("Topology", "Fine-tune"):
        dock.show_tab(name)
        qtbot.wait(20)
        scroll = dock.tabs.currentWidget()
        assert scroll.widget().minimumSizeHint().width() <= scroll.viewport().width()


def test_closing_the_dock_in_mid_training_ends_the_run(viewer, dock, qtbot, monkeypatch) -> None:
    closed = threading.Event()

    def training(image, labels, annotation, config, look=None) -> Iterator[Step]:
        try:
            for step in range(1, 1000):
                yield Step(step, 1000, losses={"loss": 1.0})
                threading.Event().wait(0.01)
        finally:
            closed.set()

    monkeypatch.setattr(train_panel, "finetune_run", training)
    dock.show_tab("Fine-tune")
    layer = dock.finetune.annotate.make_layer()
    layer.data[[1, 4, 6]] = BACKGROUND
    layer.data[[1, 4, 6], 10:20, 10:20] = 1
    panel = dock.finetune.train
    panel.model.require = lambda: "none"
    panel.start()
    qtbot.waitUntil(lambda: len(panel.curves.steps) > 2)
    session = dock.session
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    qtbot.waitUntil(closed.is_set, timeout=2000)
    assert session.job.join(20)
    viewer.add_labels(np.zeros((9, 40, 40), np.uint8))
    viewer.theme = "light"
