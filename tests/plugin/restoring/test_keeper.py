"""What is open is kept by itself, survives a kill, and is offered at the next start."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import wait

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.errors import UnwritableFile
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.restoring import keeper as keeper_module
from napari_toposeg.plugin.restoring import kept_sessions
from napari_toposeg.plugin.restoring.actions import save_session
from napari_toposeg.plugin.restoring.keeper import SessionKeeper
from napari_toposeg.plugin.restoring.kept_sessions import (
    MOST,
    claim,
    drop_oldest,
    is_owned,
    last_session,
    new_folder,
)
from napari_toposeg.plugin.restoring.session_folder import read_page, write_session
from napari_toposeg.plugin.restoring.snapshot import take_snapshot
from napari_toposeg.plugin.session import Session


@pytest.fixture
def kept(viewer_model, ct):
    """A session with a scan, and a keeper of it that does not wait."""
    session = Session(viewer_model)
    keeper = SessionKeeper(session, lambda: take_snapshot(viewer_model), quiet=20, longest=100)
    add_volume(viewer_model, ct, "image")
    yield session, keeper
    session.close()


def test_what_is_open_is_kept_after_a_pause(kept, qtbot):
    session, keeper = kept
    with qtbot.waitSignal(keeper.kept, timeout=10_000) as page:
        keeper.changed()
    assert [layer.attributes["name"] for layer in page.args[0].layers] == ["thorax"]
    with qtbot.waitSignal(keeper.kept, timeout=10_000) as page:
        session.viewer.layers[0].name = "chest"
    assert read_page(keeper.folder).layers[0].attributes["name"] == "chest"


def test_changes_without_end_are_kept_all_the_same(kept, qtbot):
    _, keeper = kept
    keeper._quiet.setInterval(60_000)
    with qtbot.waitSignal(keeper.kept, timeout=10_000):
        keeper.changed()


def test_a_window_that_closes_loses_nothing(kept):
    """napari removes the layers one by one before the window goes."""
    session, keeper = kept
    session.viewer.add_labels(np.ones((3, 4, 5), np.uint8), name="painted")
    session.viewer.layers.clear()
    session.close()
    names = [layer.attributes["name"] for layer in read_page(keeper.folder).layers]
    assert names == ["thorax", "painted"]
    assert not is_owned(keeper.folder)


def test_layers_that_were_removed_before_do_not_come_back(kept, qtbot):
    session, keeper = kept
    session.viewer.add_labels(np.ones((3, 4, 5), np.uint8), name="painted")
    del session.viewer.layers["painted"]
    qtbot.wait(1)
    session.close()
    assert [layer.attributes["name"] for layer in read_page(keeper.folder).layers] == ["thorax"]


def test_an_emptied_viewer_does_not_undo_what_was_kept(kept, qtbot):
    session, keeper = kept
    with qtbot.waitSignal(keeper.kept, timeout=10_000):
        keeper.changed()
    session.viewer.layers.clear()
    qtbot.wait(150)
    assert len(read_page(keeper.folder).layers) == 1


def test_changes_that_come_while_others_are_written_are_kept_after_them(kept, qtbot, monkeypatch):
    session, keeper = kept
    go = threading.Event()

    def slowly(folder, snapshot):
        assert go.wait(10)
        return write_session(folder, snapshot)

    monkeypatch.setattr(keeper_module, "write_session", slowly)
    keeper.changed()
    keeper.write()
    session.viewer.layers[0].name = "later"
    keeper.write()
    go.set()
    session.close()
    assert read_page(keeper.folder).layers[0].attributes["name"] == "later"


def test_a_folder_that_cannot_be_written_is_told(kept, qtbot, tmp_path):
    _, keeper = kept
    (tmp_path / "file").write_text("no folder")
    keeper.folder = tmp_path / "file" / "auto-1"
    with qtbot.waitSignal(keeper.failed, timeout=10_000) as told:
        keeper.changed()
    assert "cannot be written" in told.args[0]


@pytest.fixture
def disk(monkeypatch):
    """A disk that is full until it is said to be free."""
    free = threading.Event()

    def write(folder, snapshot):
        if not free.is_set():
            raise UnwritableFile("the disk is full")
        return write_session(folder, snapshot)

    monkeypatch.setattr(keeper_module, "write_session", write)
    return free


def test_what_could_not_be_written_is_written_once_it_can(kept, qtbot, disk):
    _, keeper = kept
    with qtbot.waitSignal(keeper.failed, timeout=10_000):
        keeper.changed()
    with qtbot.waitSignal(keeper.kept, timeout=10_000):
        disk.set()
    assert len(read_page(keeper.folder).layers) == 1


@pytest.mark.parametrize("told", [True, False])
def test_what_could_not_be_written_is_written_when_the_window_closes(kept, qtbot, disk, told):
    session, keeper = kept
    keeper._longest.setInterval(60_000)
    if told:
        with qtbot.waitSignal(keeper.failed, timeout=10_000):
            keeper.changed()
    else:
        keeper.changed()
        keeper.write()
        wait([keeper._writing])
    disk.set()
    session.viewer.layers.clear()
    session.close()
    assert len(read_page(keeper.folder).layers) == 1


def test_what_fails_to_be_written_while_the_window_closes_is_not_lost(kept, monkeypatch):
    session, keeper = kept
    go = threading.Event()
    writers = iter([UnwritableFile("the disk is full"), None])

    def write(folder, snapshot):
        assert go.wait(10)
        if (error := next(writers)) is not None:
            raise error
        return write_session(folder, snapshot)

    monkeypatch.setattr(keeper_module, "write_session", write)
    keeper.changed()
    keeper.write()
    session.viewer.layers.clear()
    go.set()
    session.close()
    assert len(read_page(keeper.folder).layers) == 1


def test_what_could_not_be_written_is_not_tried_again_once_nothing_is_to_be_kept(
    kept, qtbot, disk, monkeypatch
):
    session, keeper = kept
    with qtbot.waitSignal(keeper.failed, timeout=10_000):
        keeper.changed()
    settings = keeper_module.read_settings()
    monkeypatch.setattr(keeper_module, "read_settings", lambda: type(settings)(keep_session=False))
    disk.set()
    session.close()
    assert not keeper.folder.exists()


def test_a_live_window_is_not_offered_and_a_dead_one_is(viewer_model, ct, tmp_path):
    add_volume(viewer_model, ct, "image")
    folder = new_folder()
    save_session(viewer_model, folder)
    claim(folder)
    assert is_owned(folder) and last_session() is None
    (folder / kept_sessions.OWNER).write_text('{"pid": 1, "started": 0}')
    assert not is_owned(folder) and last_session().folder == folder


def test_the_oldest_sessions_of_closed_windows_go_first(viewer_model, ct):
    add_volume(viewer_model, ct, "image")
    folders = [new_folder() for _ in range(MOST + 2)]
    for number, folder in enumerate(folders):
        save_session(viewer_model, folder)
        os.utime(folder / "session.json", (number, number))
    claim(folders[0])
    drop_oldest()
    assert [folder.exists() for folder in folders] == [True, False] + [True] * MOST
    assert last_session().folder == folders[-1]


@pytest.fixture
def another_dock(qtbot):
    """Make docks on viewers of their own."""
    made = []

    def make():
        dock = TopoSegDock(ViewerModel())
        qtbot.addWidget(dock)
        dock.show()
        made.append(dock)
        return dock

    yield make
    for dock in made:
        dock.session.close()


def test_a_dock_offers_what_was_open_and_brings_it_back(dock, ct, qtbot, another_dock):
    add_volume(dock.session.viewer, ct, "image", name="other")
    chosen = add_volume(dock.session.viewer, ct, "image")
    dock.session.image_layer = chosen
    dock.show_tab("Topology")
    dock.topology.pages.setCurrentIndex(1)
    dock.segment.overlap.setValue(40)
    dock.session.close()
    again = another_dock()
    assert "2 layers" in again.restorer.bar.text.text()
    with qtbot.waitSignal(again.session.job_ended, timeout=10_000):
        again.restorer.bar.go_on.click()
    assert [layer.name for layer in again.session.viewer.layers] == ["other", "thorax"]
    assert again.session.image_layer is again.session.viewer.layers["thorax"]
    assert again.picker.layer is again.session.image_layer
    assert again.tabs.currentIndex() == 3 and again.topology.pages.currentIndex() == 1
    assert again.segment.overlap.value() == 40
    assert again.restorer.bar.isHidden()
    assert again.restorer.keeper.folder == dock.restorer.keeper.folder


def test_an_offer_can_be_waved_away_for_good(dock, ct, another_dock):
    add_volume(dock.session.viewer, ct, "image")
    dock.session.close()
    folder = last_session().folder
    another_dock().restorer.bar.later.click()
    assert another_dock().restorer.bar.isHidden()
    assert len(read_page(folder).layers) == 1


def test_an_offer_goes_when_something_is_opened(dock, ct, another_dock):
    add_volume(dock.session.viewer, ct, "image")
    dock.session.close()
    again = another_dock()
    assert not again.restorer.bar.isHidden()
    add_volume(again.session.viewer, ct, "image")
    assert again.restorer.bar.isHidden()
    assert last_session() is not None


def test_nothing_is_kept_where_preferences_say_so(dock, ct, monkeypatch, sessions_folder):
    settings = keeper_module.read_settings()
    monkeypatch.setattr(keeper_module, "read_settings", lambda: type(settings)(keep_session=False))
    add_volume(dock.session.viewer, ct, "image")
    dock.session.close()
    assert not sessions_folder.exists()


PAINT_AND_DIE = """
import os, signal, sys
import numpy as np
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari.components import ViewerModel
from napari_toposeg.plugin.actions import open_case
from napari_toposeg.plugin.dock import TopoSegDock
dock = TopoSegDock(ViewerModel())
viewer = dock.session.viewer
scan = open_case(viewer, sys.argv[1])
labels = viewer.add_labels(np.zeros(scan.data.shape, np.uint8), name="mine", scale=scan.scale)
labels.data_setitem((np.array([2]), np.array([4]), np.array([1])), 3)
viewer.dims.set_point(0, scan.translate[0] + 2 * scan.scale[0])
dock.show_tab("Fine-tune")
dock.restorer.keeper.kept.connect(lambda _: os.kill(os.getpid(), signal.SIGKILL))
dock.restorer.keeper._quiet.setInterval(50)
dock.restorer.keeper.changed()
app.exec()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_after_a_kill_the_session_is_offered_and_comes_back(oblique, tmp_path, qtbot, another_dock):
    path = write_volume(oblique, tmp_path / "scan.nii.gz")
    dead = subprocess.run(
        [sys.executable, "-c", PAINT_AND_DIE, str(path)], timeout=120, check=False
    )
    assert dead.returncode == -signal.SIGKILL
    again = another_dock()
    with qtbot.waitSignal(again.session.job_ended, timeout=10_000):
        again.restorer.bar.go_on.click()
    viewer = again.session.viewer
    assert [layer.name for layer in viewer.layers] == ["scan", "mine"]
    assert np.argwhere(np.asarray(viewer.layers["mine"].data) == 3).tolist() == [[2, 4, 1]]
    scan = viewer.layers["scan"]
    assert round(scan.world_to_data(viewer.dims.point)[0]) == 2
    assert again.tabs.tabText(again.tabs.currentIndex()) == "Fine-tune"
    np.testing.assert_array_equal(again.session.volume_of(scan).affine, read_volume(path).affine)
