"""Sessions in the real window: killed while painting, gone on with in a new one; two at a time."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from napari_toposeg.io import write_volume
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.restoring.kept_sessions import last_session
from napari_toposeg.plugin.restoring.session_folder import read_page
from napari_toposeg.plugin.settings import PLUGIN

pytestmark = pytest.mark.gl

PAINT_AND_DIE = f"""
import os, signal, sys
import napari
import numpy as np
from napari_toposeg.plugin.actions import open_case
viewer = napari.Viewer(show=True)
_, dock = viewer.window.add_plugin_dock_widget({PLUGIN!r})
scan = open_case(viewer, sys.argv[1])
scan.contrast_limits = (60, 140)
labels = viewer.add_labels(
    np.zeros(scan.data.shape, np.uint8), name="mine", scale=scan.scale, translate=scan.translate
)
labels.data_setitem((np.array([2, 2]), np.array([4, 5]), np.array([1, 1])), 3)
viewer.dims.set_point(0, scan.translate[0] + 2 * scan.scale[0])
viewer.scene.camera.zoom = 7
dock.show_tab("Topology")
dock.restorer.keeper.kept.connect(lambda _: os.kill(os.getpid(), signal.SIGKILL))
dock.restorer.keeper._quiet.setInterval(200)
dock.restorer.keeper.changed()
napari.run()
"""


@pytest.fixture
def open_window(make_napari_viewer):
    """Open real viewers with the dock."""

    def make():
        viewer = make_napari_viewer(show=True)
        _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
        return viewer, dock

    return make


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_window_is_gone_on_with_in_a_new_one(open_window, oblique, tmp_path, qtbot):
    path = write_volume(oblique, tmp_path / "scan.nii.gz")
    dead = subprocess.run(
        [sys.executable, "-c", PAINT_AND_DIE, str(path)],
        timeout=180,
        check=False,
        env=os.environ | {"NAPARI_CONFIG": ""},
    )
    assert dead.returncode == -signal.SIGKILL
    viewer, dock = open_window()
    qtbot.waitUntil(dock.restorer.bar.isVisible)
    with qtbot.waitSignal(dock.session.job_ended, timeout=60_000):
        dock.restorer.bar.go_on.click()
    assert [layer.name for layer in viewer.layers] == ["scan", "mine"]
    assert np.argwhere(viewer.layers["mine"].data == 3).tolist() == [[2, 4, 1], [2, 5, 1]]
    assert tuple(viewer.layers["scan"].contrast_limits) == (60, 140)
    assert round(viewer.layers["scan"].world_to_data(viewer.dims.point)[0]) == 2
    assert viewer.scene.camera.zoom == 7
    assert dock.tabs.currentIndex() == 3 and not dock.restorer.bar.isVisible()
    assert viewer.screenshot(flash=False)[..., :3].std() > 5


def test_two_windows_keep_two_sessions(open_window, ct, oblique):
    one, first = open_window()
    two, second = open_window()
    add_volume(one, ct, "image")
    add_volume(two, oblique, "image")
    one.close()
    (kept,) = read_page(first.restorer.keeper.folder).layers
    assert kept.attributes["name"] == "thorax"
    assert last_session().folder == first.restorer.keeper.folder
    two.close()
    (kept,) = read_page(second.restorer.keeper.folder).layers
    assert kept.attributes["name"] == "oblique"
    assert last_session().folder == second.restorer.keeper.folder


def test_a_layer_that_is_removed_while_it_is_written_hurts_nobody(open_window, ct, qtbot):
    viewer, dock = open_window()
    add_volume(viewer, ct, "image")
    layer = add_volume(viewer, ct, "image", name="short-lived")
    keeper = dock.restorer.keeper
    with qtbot.waitSignal(keeper.kept, timeout=30_000):
        keeper.write()
        viewer.layers.remove(layer)
    with qtbot.waitSignal(keeper.kept, timeout=30_000):
        keeper.write()
    assert [each.attributes["name"] for each in read_page(keeper.folder).layers] == ["thorax"]
