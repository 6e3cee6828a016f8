"""Errors and repairs in the real window: drawn, filtered, stepped through by keys, handed over."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_toposeg.plugin.canvas.marks import DEFECTS, EDITS, layer_with
from napari_toposeg.plugin.dock import TopoSegDock

pytestmark = pytest.mark.gl


def cut_bar() -> np.ndarray:
    """Return a bar with a gap in slice 4, and a speck in slice 7."""
    labels = np.zeros((9, 40, 40), np.uint8)
    labels[4, 10, 4:36] = 1
    labels[4, 10, 18:20] = 0
    labels[7, 30, 30] = 1
    return labels


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


@pytest.fixture
def dock(viewer, qtbot) -> Iterator[TopoSegDock]:
    """The dock on the Errors page, the bar held against one solid piece."""
    viewer.add_labels(cut_bar(), name="prediction")
    dock = TopoSegDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    dock.show_tab("Topology")
    panel = dock.topology.comparison
    dock.topology.pages.setCurrentWidget(panel)
    panel.form.against.setCurrentIndex(panel.form.against.findData("wanted"))
    with qtbot.waitSignal(dock.session.job_ended, timeout=60_000):
        panel.compare()
    yield dock
    dock.session.close()
    assert dock.session.job is None or dock.session.job.join(20)


def press(viewer, qtbot, *keys: Qt.Key) -> list[int]:
    """Press keys on the canvas, and return the slice shown after each."""
    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    slices = []
    for key in keys:
        qtbot.keyClick(canvas, key)
        slices.append(round(viewer.dims.point[0]))
    return slices


def drawn(viewer, layer: Any) -> np.ndarray:
    """Return the canvas with one layer alone, as colours."""
    for each in viewer.layers:
        each.visible = each is layer
    viewer.reset_view()
    picture: np.ndarray = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    return picture


def test_what_a_repair_would_change_is_drawn_as_errors(viewer, dock):
    viewer.dims.set_current_step(0, 4)
    picture = drawn(viewer, layer_with(viewer, DEFECTS))
    # "splits" is vermilion: red over green over blue.
    assert ((picture[..., 0] > 120) & (picture[..., 0] > picture[..., 1] + 60)).any()
    viewer.dims.set_current_step(0, 0)
    assert not drawn(viewer, layer_with(viewer, DEFECTS)).any()


def test_the_keys_follow_the_legend(viewer, dock, qtbot):
    buttons = dock.topology.comparison.list.legend.buttons
    assert {"splits", "spurious", "apart"} == set(buttons)
    assert {*press(viewer, qtbot, Qt.Key.Key_N, Qt.Key.Key_N, Qt.Key.Key_N)} == {4, 7}
    buttons["spurious"].click()
    assert press(viewer, qtbot, Qt.Key.Key_N, Qt.Key.Key_P) == [7, 7]


def test_on_the_repair_page_the_keys_lead_through_the_edits(viewer, dock, qtbot):
    dock.topology.comparison.repair.click()
    panel = dock.topology.repair
    assert panel.isVisible() and not layer_with(viewer, DEFECTS).visible
    places = [edit.centre[0] for edit in panel.proposal.edits]
    assert sorted(press(viewer, qtbot, *[Qt.Key.Key_N] * len(places))) == sorted(places)
    assert layer_with(viewer, EDITS).visible
    with qtbot.waitSignal(dock.session.job_ended, timeout=60_000):
        panel.buttons.apply.click()
    assert "as promised" in panel.summary.text()
    layer = viewer.layers["prediction"]
    assert layer.data[4, 10, 4:36].all() and not layer.data[7].any()


def test_cancel_ends_a_search_without_a_proposal(viewer, dock, qtbot):
    noise = np.random.default_rng(0).random((48, 48, 48)) < 0.4
    layer = viewer.add_labels(noise.astype(np.uint8), name="noise")
    panel = dock.topology.repair
    panel.labels.choose(layer)
    panel.propose()
    job = dock.session.job
    with qtbot.waitSignal(job.ended, timeout=60_000):
        job.cancel()
    assert panel.proposal is None and not dock.session.busy
