"""The real window: canvas, menus, drag and drop, closing while a job runs."""

import threading
import time

import numpy as np
import pytest
from napari._app_model import get_app_model
from napari.settings import get_settings
from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDropEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import QApplication, QDialog

from napari_toposeg.io import write_volume
from napari_toposeg.plugin.canvas.layers import add_volume, same_grid
from napari_toposeg.plugin.canvas.marks import FEATURE, layer_with
from napari_toposeg.plugin.case.actions import open_sample
from napari_toposeg.plugin.settings import PLUGIN
from napari_toposeg.plugin.widgets.choose import ChoiceDialog
from napari_toposeg.progress import Step

pytestmark = pytest.mark.gl


@pytest.fixture
def window(make_napari_viewer, monkeypatch):
    """A real viewer with the dock, as a user opens it."""
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "True")
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
    return viewer, dock


def drop(viewer, path):
    """Drop a file onto the canvas."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    viewer.window._qt_viewer.dropEvent(event)


def test_a_sample_is_drawn_and_can_be_told_from_black(window):
    viewer, dock = window
    open_sample(dock.session.viewer, "brain")
    picture = viewer.screenshot(flash=False)
    assert picture[..., :3].std() > 5


def test_the_window_is_narrow_enough_for_a_laptop(window, qtbot):
    viewer, dock = window
    viewer.window.resize(1280, 800)
    qtbot.wait(50)
    assert 320 <= dock.width() <= 420
    assert dock.strip.geometry().bottom() <= dock.height()
    bar = dock.tabs.tabBar()
    assert bar.tabRect(bar.count() - 1).right() <= dock.tabs.width()


def test_a_dropped_file_is_opened_and_described(window, oblique, tmp_path):
    viewer, dock = window
    dock.case.dropped.setChecked(True)
    drop(viewer, write_volume(oblique, tmp_path / "scan.nii.gz"))
    assert [layer.name for layer in viewer.layers] == ["scan"]
    assert dock.session.image_layer == viewer.layers[0]
    assert "oblique" in dock.case.tilt.text()


def test_a_dropped_folder_of_several_asks_which(window, oblique, ct, tmp_path):
    viewer, _ = window
    write_volume(ct, tmp_path / "a.nii.gz")
    write_volume(oblique, tmp_path / "b.nii.gz")
    seen = []

    def answer():
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, ChoiceDialog):
            QTimer.singleShot(50, answer)
            return
        seen.append([dialog.list.item(row).text() for row in range(dialog.list.count())])
        dialog.list.setCurrentRow(1)
        dialog.done(QDialog.DialogCode.Accepted)

    QTimer.singleShot(200, answer)
    viewer.open(tmp_path, plugin=PLUGIN)
    assert seen == [["a", "b"]]
    assert [layer.name for layer in viewer.layers] == ["b"]
    assert not [
        w for w in QApplication.topLevelWidgets() if isinstance(w, ChoiceDialog) and w.isVisible()
    ]


def test_the_layers_menus_lead_to_the_tabs_of_the_same_dock(window, ct):
    viewer, dock = window
    commands = get_app_model().commands
    for command, tab in (
        ("open_reconstruct", "Reconstruct"),
        ("open_segment", "Segment"),
        ("open_topology", "Topology"),
        ("open_finetune", "Fine-tune"),
    ):
        commands.execute_command(f"{PLUGIN}.{command}").result()
        assert dock.tabs.tabText(dock.tabs.currentIndex()) == tab
    assert len(viewer.window.dock_widgets) == 1


def test_an_annotation_layer_can_be_made_from_the_menu(window, oblique):
    viewer, dock = window
    scan = add_volume(viewer, oblique, "image")
    viewer.layers.selection.active = scan
    get_app_model().commands.execute_command(f"{PLUGIN}.new_annotation").result()
    painted = viewer.layers[-1]
    assert same_grid(painted, scan)
    assert dock.tabs.tabText(dock.tabs.currentIndex()) == "Fine-tune"


def test_a_ct_window_of_the_menu_is_set_on_the_selected_layer(window):
    viewer, dock = window
    open_sample(dock.session.viewer, "torus")
    viewer.layers.selection.active = viewer.layers["torus"]
    get_app_model().commands.execute_command(f"{PLUGIN}.window_bone").result()
    assert tuple(viewer.layers["torus"].contrast_limits) == (-450, 1050)


def test_keys_change_the_tab_and_take_none_of_naparis(window):
    """Without a window manager no window is active, so the shortcuts are set off themselves."""
    _, dock = window
    ours = {shortcut.key().toString(): shortcut for shortcut in dock.findChildren(QShortcut)}
    ours["Ctrl+Alt+3"].activated.emit()
    assert dock.tabs.tabText(dock.tabs.currentIndex()) == "Segment"
    theirs = {
        QKeySequence(str(keys)).toString()
        for binding in get_settings().shortcuts.shortcuts.values()
        for keys in binding
    }
    theirs |= {binding.keybinding.to_text() for binding in get_app_model().keybindings}
    assert len(theirs) > 20
    assert theirs.isdisjoint(ours)


def test_closing_the_window_stops_the_job(window, qtbot):
    viewer, dock = window
    closed = threading.Event()

    def run():
        try:
            for number in range(1, 10**6):
                closed.wait(0.01)
                yield Step(number, 10**6)
        finally:
            closed.set()

    job = dock.session.start(run, title="Training")
    with qtbot.waitSignal(job.stepped, timeout=5000):
        pass
    viewer.close()
    qtbot.waitUntil(closed.is_set, timeout=2000)
    assert job.join(20)


def test_the_window_answers_while_a_job_computes(window, qtbot):
    viewer, dock = window
    open_sample(dock.session.viewer, "brain")

    def run():
        matrix = np.random.default_rng(0).random((400, 400))
        for number in range(1, 10**6):
            end = time.monotonic() + 0.05
            while time.monotonic() < end:
                matrix @ matrix
            yield Step(number, 10**6)

    job = dock.session.start(run, title="Training")
    with qtbot.waitSignal(job.stepped, timeout=5000):
        pass
    waits = []
    for index in range(15):
        begin = time.monotonic()
        viewer.dims.set_current_step(0, index)
        QApplication.processEvents()
        waits.append(time.monotonic() - begin)
    with qtbot.waitSignal(job.ended, timeout=1000):
        job.cancel()
    assert np.median(waits) < 0.25


def test_a_repair_is_drawn_before_it_is_made_and_undone_by_the_key(window, qtbot):
    viewer, dock = window
    labels = np.zeros((5, 24, 24), np.uint8)
    labels[2, 12, 2:22] = 1
    labels[2, 12, 11:13] = 0
    layer = viewer.add_labels(labels.copy(), name="bar")
    panel = dock.topology.repair
    dock.show_tab("Topology")
    dock.topology.pages.setCurrentWidget(panel)
    panel.labels.choose(layer)
    viewer.dims.set_current_step(0, 2)
    before = viewer.screenshot(flash=False)
    panel.button.click()
    qtbot.waitUntil(lambda: panel.proposal is not None, timeout=60_000)
    panel.list.step(True)
    assert np.abs(viewer.screenshot(flash=False).astype(int) - before).max() > 50
    panel.buttons.apply.click()
    assert layer.data[2, 12, 2:22].all()
    viewer.layers.selection.active = layer
    qtbot.keyClick(
        viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier
    )
    np.testing.assert_array_equal(layer.data, labels)


def test_a_point_of_the_diagram_draws_its_feature_in_the_window(window, qtbot):
    viewer, dock = window
    image = np.zeros((9, 32, 32), np.float32)
    image[4, 8:24, 8:24] = 1.0
    image[4, 12:20, 12:20] = 0.0
    viewer.add_image(image, name="frame")
    panel = dock.topology.diagram
    dock.show_tab("Topology")
    panel.button.click()
    qtbot.waitUntil(lambda: panel.found is not None, timeout=60_000)
    loop = int(np.flatnonzero(panel.found.diagram.dimension == 1)[0])
    panel.view.picked.emit(loop)
    qtbot.waitUntil(lambda: layer_with(viewer, FEATURE) is not None, timeout=20_000)
    drawn = layer_with(viewer, FEATURE)
    path = np.array([drawn.data_to_world(at) for at in np.argwhere(np.asarray(drawn.data))])
    assert (path[:, 0] == 4).all()
    assert {*range(11, 21)} <= set(path[:, 1].astype(int)) and len(path) >= 32
    assert next(iter(viewer.dims.point)) == 4
