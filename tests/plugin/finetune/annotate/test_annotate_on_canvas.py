"""The Annotate page in the real window: the brush, the keys, the slices that undo leads to."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.marks import layer_with
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.finetune.annotate.suggesting import DOUBTFUL
from napari_toposeg.plugin.settings import PLUGIN

pytestmark = pytest.mark.gl


@pytest.fixture
def window(make_napari_viewer, monkeypatch, ct):
    """A real viewer with the dock, as a user opens it, and an annotation in hand."""
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "True")
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
    add_volume(viewer, ct, "image")
    dock.show_tab("Fine-tune")
    layer = dock.finetune.annotate.make_layer()
    viewer.layers.selection.active = layer
    return viewer, dock, layer


def canvas_of(viewer):
    return viewer.window._qt_viewer.canvas.native


def press(viewer, qtbot, key, modifier=Qt.KeyboardModifier.ShiftModifier) -> None:
    canvas_of(viewer).setFocus()
    qtbot.keyClick(canvas_of(viewer), key, modifier)


def stroke(viewer, qtbot) -> None:
    """Drag the brush over the middle of the canvas."""
    canvas = canvas_of(viewer)
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    qtbot.mouseMove(canvas, middle)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(canvas, middle + QPoint(30, 0))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(30, 0))


def test_strokes_of_the_brush_across_slices_are_undone_by_the_key_each_in_its_slice(
    window, qtbot
) -> None:
    viewer, dock, layer = window
    counts = []
    for index in (2, 7, 4):
        viewer.dims.set_current_step(0, index)
        qtbot.wait(20)
        stroke(viewer, qtbot)
        counts.append(int(np.count_nonzero(layer.data)))
        assert layer.data[index].any()
    assert counts == sorted(set(counts))
    assert len(dock.finetune.annotate.undo.history.done) == 3
    viewer.dims.set_current_step(0, 9)
    seen = []
    for _ in range(3):
        press(viewer, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        seen.append((viewer.dims.current_step[0], int(np.count_nonzero(layer.data))))
    assert seen == [(4, counts[1]), (7, counts[0]), (2, 0)]
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    press(viewer, qtbot, Qt.Key.Key_Z, both)
    assert layer.data[2].any() and not layer.data[7].any()


def test_keys_fill_copy_and_guess_while_the_brush_is_in_hand(window, qtbot) -> None:
    viewer, dock, layer = window
    tools = dock.finetune.annotate.tools
    viewer.dims.set_current_step(0, 2)
    qtbot.wait(20)
    stroke(viewer, qtbot)
    press(viewer, qtbot, Qt.Key.Key_B)
    assert layer.data[2].all() and (layer.data[2] == BACKGROUND).any()
    viewer.dims.set_current_step(0, 6)
    press(viewer, qtbot, Qt.Key.Key_C)
    np.testing.assert_array_equal(layer.data[6], layer.data[2])
    viewer.dims.set_current_step(0, 4)
    press(viewer, qtbot, Qt.Key.Key_G)
    qtbot.waitUntil(tools.accept_button.isVisible, timeout=10_000)
    assert not layer.data[3:6].any()
    press(viewer, qtbot, Qt.Key.Key_Y)
    assert layer.data[3:6].all() and layer.mode == "paint"
    press(viewer, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not layer.data[3:6].any() and layer.data[6].all()


def test_a_click_on_a_suggestion_goes_there_and_rings_the_doubtful_voxels(
    window, qtbot, ct
) -> None:
    viewer, dock, layer = window
    values = np.zeros(ct.shape, np.float32)
    values[1:9, 4:7, 4:7] = 0.95
    values[5, 4:7, 4:7] = 0.05
    values[5, 5, 5] = 0.52
    add_volume(viewer, ct.with_voxels(values, modality="probability"), "probability", visible=False)
    viewer.layers.selection.active = layer
    section = dock.finetune.annotate.suggestions
    section.folding.set_open(True)
    section.button.click()
    qtbot.waitUntil(lambda: bool(section.suggestions), timeout=60_000)
    place = section.list.visualItemRect(section.list.item(0)).center()
    qtbot.mouseClick(section.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert viewer.dims.current_step[0] == 5
    np.testing.assert_array_equal(layer_with(viewer, DOUBTFUL).data, [[5, 5, 5]])
    assert viewer.layers.selection.active == layer
    picture = viewer.screenshot(flash=False)[..., :3].astype(int)
    red = (picture[..., 0] > 150) & (picture[..., 0] > picture[..., 2] + 100)
    assert red.any()


def test_the_page_fits_into_the_dock_at_1280_by_800(window, qtbot) -> None:
    viewer, dock, _ = window
    viewer.window.resize(1280, 800)
    panel = dock.finetune.annotate
    for folding in (panel.suggestions.folding, panel.masks.folding):
        folding.set_open(True)
    qtbot.wait(50)
    scroll = dock.tabs.currentWidget()
    assert scroll.widget().minimumSizeHint().width() <= scroll.viewport().width()
