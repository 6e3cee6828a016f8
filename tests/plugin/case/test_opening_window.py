"""Opening in the real window: dropped folders, progress, the linked views."""

import locale
import threading

import numpy as np
import pytest
import SimpleITK as sitk
from napari.qt import QtViewer
from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialog

from napari_toposeg.io import write_volume
from napari_toposeg.plugin import opening
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.case.views_panel import LinkedViews
from napari_toposeg.plugin.readers import open_dropped_files
from napari_toposeg.plugin.settings import PLUGIN
from napari_toposeg.plugin.widgets.choose import ChoiceDialog
from napari_toposeg.plugin.widgets.progress_dialog import ProgressDialog

pytestmark = pytest.mark.gl


@pytest.fixture
def window(make_napari_viewer, monkeypatch):
    """A real viewer with the dock, as a user opens it."""
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "True")
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
    dock.case.dropped.setChecked(True)
    yield viewer, dock
    open_dropped_files(False)


def write_series(folder, number, slices, size):
    """Write a CT series of constant slices, whose value is its number."""
    folder.mkdir(exist_ok=True)
    before = locale.setlocale(locale.LC_ALL)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for z in range(slices):
        image = sitk.GetImageFromArray(np.full((size, size), number, np.int16))
        fields = {
            "0008|0060": "CT",
            "0008|0016": "1.2.840.10008.5.1.4.1.1.2",
            "0008|0018": f"1.2.{number}.{z + 1}",
            "0020|000d": "1.2",
            "0020|000e": f"1.2.{number}",
            "0020|0011": str(number),
            "0020|0013": str(z + 1),
            "0020|0032": f"0\\0\\{2 * z}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for tag, value in fields.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{number}-{z}.dcm"))
        writer.Execute(image)
    # GDCM's writer leaves the whole process in the locale C, in which files are read as ASCII.
    locale.setlocale(locale.LC_ALL, before)


def drop(viewer, path):
    """Drag a path over the canvas and let it go: Qt finds who takes it."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    canvas = viewer.window._qt_viewer.canvas.native
    copy, left, none = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    entered = QDragEnterEvent(QPointF(50, 50).toPoint(), copy, data, left, none)
    QApplication.sendEvent(canvas, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(canvas, QDropEvent(QPointF(50, 50), copy, data, left, none))


def answer_with(row, seen):
    """Answer the question for a volume, once it is asked."""

    def answer():
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, ChoiceDialog):
            QTimer.singleShot(30, answer)
            return
        seen.append([dialog.list.item(number).text() for number in range(dialog.list.count())])
        dialog.list.setCurrentRow(row)
        dialog.done(QDialog.DialogCode.Accepted)

    QTimer.singleShot(30, answer)


def test_a_dropped_dicom_folder_opens_as_one_scan(window, qtbot, tmp_path):
    viewer, dock = window
    write_series(tmp_path / "series", 7, 5, 16)
    (tmp_path / "series" / "notes.txt").write_text("not a slice")
    drop(viewer, tmp_path / "series")
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=10_000)
    (layer,) = viewer.layers
    assert layer.data.shape == (5, 16, 16)
    assert (layer.data == 7).all()
    np.testing.assert_allclose(layer.scale, (2, 1, 1))
    assert dock.case.modality.currentText() == "CT"


def test_a_dropped_folder_of_two_series_asks_which(window, qtbot, tmp_path):
    viewer, _ = window
    write_series(tmp_path / "study", 1, 3, 16)
    write_series(tmp_path / "study", 2, 4, 16)
    seen = []
    answer_with(1, seen)
    drop(viewer, tmp_path / "study")
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=10_000)
    assert [text.partition(":")[0] for text in seen[0]] == ["1", "2"]
    (layer,) = viewer.layers
    assert layer.data.shape == (4, 16, 16)


def test_a_long_reading_shows_its_progress_and_can_be_cancelled(
    window, qtbot, ct, tmp_path, monkeypatch
):
    viewer, _ = window
    path = write_volume(ct, tmp_path / "scan.nii.gz")
    stopped = threading.Event()

    def endless(path, *, frame, series, report):
        try:
            for number in range(10**6):
                threading.Event().wait(0.01)
                report(0.37 if number else 0.0)
        finally:
            stopped.set()

    monkeypatch.setattr(opening, "read_volume", endless)
    shown = []

    def press_cancel():
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, ProgressDialog) or dialog.bar.value() != 37:
            QTimer.singleShot(30, press_cancel)
            return
        shown.append(dialog.windowTitle())
        dialog.reject()

    QTimer.singleShot(30, press_cancel)
    assert viewer.open(path, plugin=PLUGIN) == []
    assert shown == ["Reading scan.nii.gz"]
    assert len(viewer.layers) == 0
    qtbot.waitUntil(stopped.is_set, timeout=5000)


def linked(viewer):
    """The linked views of a window, None where there are none."""
    found = viewer.window._qt_window.findChildren(LinkedViews)
    return found[0] if found else None


def test_linked_views_follow_a_click_and_close_without_a_trace(window, qtbot, ct):
    viewer, dock = window
    scan = add_volume(viewer, ct, "image")
    before = len(viewer.dims.events.point.callbacks), len(scan.events.contrast_limits.callbacks)
    dock.case.views_button.setChecked(True)
    views = linked(viewer)
    qtbot.waitUntil(lambda: views.isVisible() and views.width() > 200, timeout=5000)
    qtbot.wait(150)
    canvases = views.findChildren(QtViewer)
    assert [view.plane for view in views.views] == ["coronal", "sagittal"]
    shot = canvases[0].screenshot(flash=False)
    assert shot[..., :3].std() > 5
    native = canvases[0].canvas.native
    point = QPointF(native.width() / 2, native.height() / 4).toPoint()
    was = viewer.dims.point
    QTest.mouseMove(native, point)
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)
    # A quarter from the top of a slice whose head is up: towards the head.
    qtbot.waitUntil(lambda: viewer.dims.point[0] > was[0], timeout=2000)
    dock.case.views_button.setChecked(False)
    qtbot.waitUntil(lambda: linked(viewer) is None, timeout=2000)
    after = len(viewer.dims.events.point.callbacks), len(scan.events.contrast_limits.callbacks)
    assert after == before
    viewer.dims.set_point(0, was[0])


def test_linked_views_closed_by_their_own_button_can_be_opened_again(window, qtbot, ct):
    viewer, dock = window
    add_volume(viewer, ct, "image")
    for _ in range(2):
        dock.case.views_button.setChecked(True)
        assert linked(viewer) is not None
        viewer.window.remove_dock_widget(linked(viewer))
        qtbot.waitUntil(lambda: not dock.case.views_button.isChecked(), timeout=2000)


def test_the_window_closes_with_its_linked_views_open(window, ct):
    viewer, dock = window
    add_volume(viewer, ct, "image")
    dock.case.views_button.setChecked(True)
    viewer.close()
