"""The Diagram page in the real window: mouse clicks on the plot, on the list and on the canvas."""

from collections.abc import Iterator

import numpy as np
import pyqtgraph as pg
import pytest
from qtpy.QtCore import QPoint, Qt
from tests.plugin.topology.diagram.test_diagram_views import drag

from napari_toposeg.plugin.canvas.marks import FEATURE, PAIR, SELECTED, layer_with
from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.topology.diagram.features import Fate

pytestmark = pytest.mark.gl
LEFT = Qt.MouseButton.LeftButton


def blocks(*places: tuple[int, int, int, float]) -> np.ndarray:
    """Return an image of bright blocks, each with a first voxel and a height."""
    image = np.zeros((9, 40, 40), np.float32)
    for z, y, x, height in places:
        image[z : z + 3, y : y + 6, x : x + 6] = height
        image[z + 1, y + 2, x + 2] = height + 0.5
    return image


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


@pytest.fixture
def dock(viewer, qtbot) -> Iterator[TopoSegDock]:
    viewer.add_image(blocks((0, 8, 8, 5), (2, 26, 26, 8)), name="scan", units=("mm",) * 3)
    dock = TopoSegDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    dock.show_tab("Topology")
    qtbot.wait(50)
    yield dock
    dock.session.close()
    assert dock.session.job is None or dock.session.job.join(20)


@pytest.fixture
def panel(dock, qtbot):
    """The page with the diagram of two blocks."""
    panel = dock.topology.diagram
    panel.button.click()
    qtbot.waitUntil(lambda: panel.found is not None, timeout=60_000)
    qtbot.wait(100)
    return panel


def row_at(panel, place: tuple[int, int, int], part: int = 0) -> int:
    """Return the component born at a voxel."""
    features = panel.features
    here = (features.births == place).all(axis=1) & (features.part == part)
    return int(np.flatnonzero(here & (features.dimension == 0))[0])


def click_point(panel, qtbot, row: int) -> None:
    """Click a point of the diagram with the mouse."""
    plot = panel.view.diagram
    (x,), (y,) = plot.places(np.array([row]))
    pixel = plot.mapFromScene(plot.box.mapViewToScene(pg.Point(x, y)))
    qtbot.mouseClick(plot.viewport(), LEFT, pos=pixel)


def canvas_place(viewer, y: float, x: float) -> tuple[object, QPoint]:
    """Return the canvas and where a voxel of the slice in view is drawn on it."""
    canvas = viewer.window._qt_viewer.canvas.native
    centre, zoom = viewer.scene.camera.center[-2:], viewer.scene.camera.zoom
    ratio = canvas.devicePixelRatioF()
    place = QPoint(
        round(canvas.width() / 2 + (x - centre[1]) * zoom / ratio),
        round(canvas.height() / 2 + (y - centre[0]) * zoom / ratio),
    )
    return canvas, place


def test_a_click_on_a_point_moves_the_slice_and_draws_the_feature(viewer, panel, qtbot) -> None:
    viewer.dims.set_current_step(0, 7)
    click_point(panel, qtbot, row_at(panel, (1, 10, 10)))
    assert viewer.dims.current_step[0] == 1
    np.testing.assert_array_equal(layer_with(viewer, PAIR).data[0], (1, 10, 10))
    qtbot.waitUntil(lambda: layer_with(viewer, FEATURE) is not None, timeout=20_000)
    drawn = layer_with(viewer, FEATURE)
    here = drawn.world_to_data((1, 10, 10)).round().astype(int)
    assert np.asarray(drawn.data)[tuple(here)] == 1
    assert panel.table.currentIndex().isValid()


def test_a_click_on_a_voxel_selects_its_point_and_a_drag_does_not(viewer, panel, qtbot) -> None:
    viewer.dims.set_current_step(0, 1)
    viewer.reset_view()
    qtbot.wait(50)
    canvas, place = canvas_place(viewer, 9, 9)
    qtbot.mousePress(canvas, LEFT, pos=place)
    qtbot.mouseMove(canvas, place + QPoint(30, 0))
    qtbot.mouseMove(canvas, place + QPoint(60, 0))
    qtbot.mouseRelease(canvas, LEFT, pos=place + QPoint(60, 0))
    before = panel.row
    canvas, place = canvas_place(viewer, 9, 9)
    qtbot.mouseClick(canvas, LEFT, pos=place)
    qtbot.waitUntil(lambda: panel.row == row_at(panel, (1, 10, 10)))
    assert before is None
    assert len(panel.view.diagram.ring.data) == 1
    assert viewer.dims.current_step[0] == 1


def test_a_click_on_a_line_of_the_list_moves_the_slice(viewer, panel, qtbot) -> None:
    viewer.dims.set_current_step(0, 7)
    panel.table.fill_now()
    line = panel.table.features_model.line_of(row_at(panel, (3, 28, 28)))
    index = panel.table.features_model.index(line, 1)
    panel.table.scrollTo(index)
    qtbot.mouseClick(panel.table.viewport(), LEFT, pos=panel.table.visualRect(index).center())
    assert viewer.dims.current_step[0] == 3


def test_a_box_in_the_diagram_marks_the_voxels_of_what_it_holds(viewer, panel, qtbot) -> None:
    panel.view.mode_buttons["box"].click()
    drag(panel.view, qtbot, [(5.0, 1.0), (5.6, 0.5), (6.0, -0.2)])
    assert panel.selected.tolist() == [row_at(panel, (1, 10, 10))]
    marks = layer_with(viewer, SELECTED)
    np.testing.assert_array_equal(marks.data[0], (1, 10, 10))
    panel.table.fill_now()
    assert panel.table.features_model.rowCount() == 1
    viewer.dims.set_current_step(0, 1)
    marks.visible = False
    without = viewer.screenshot(flash=False).astype(int)
    marks.visible = True
    assert np.abs(viewer.screenshot(flash=False) - without).max() > 50


def test_two_layers_are_compared_and_each_feature_leads_into_its_own(
    viewer, dock, panel, qtbot
) -> None:
    other = viewer.add_image(blocks((2, 26, 26, 8), (5, 4, 30, 6)), name="other", units=("mm",) * 3)
    dock.session.diagrams_wanted.emit(viewer.layers["scan"], other)
    qtbot.waitUntil(lambda: panel.features.compared, timeout=60_000)
    qtbot.wait(100)
    only_second = row_at(panel, (6, 6, 32), part=1)
    assert panel.features.fate[only_second] == Fate.ONLY_SECOND
    click_point(panel, qtbot, only_second)
    assert viewer.dims.current_step[0] == 6
    assert (viewer.layers["scan"].visible, other.visible) == (False, True)
    only_first = row_at(panel, (1, 10, 10))
    click_point(panel, qtbot, only_first)
    assert (viewer.layers["scan"].visible, other.visible) == (True, False)
    assert viewer.dims.current_step[0] == 1


def test_the_voxels_at_the_line_are_seen_and_follow_it(viewer, panel, qtbot) -> None:
    viewer.layers["scan"].visible = False
    viewer.dims.set_current_step(0, 2)
    viewer.reset_view()
    view = panel.view
    view.show_view("betti")
    view.level.setChecked(True)
    lit = []
    for level in (3.0, 7.0, 8.4):
        view.betti.line.setValue(level)
        picture = viewer.screenshot(flash=False)[..., :3].astype(int)
        lit.append(int((picture[..., 2] - picture[..., 0] > 40).sum()))
    assert lit[0] > 1.5 * lit[1] > 0
    assert lit[2] == 0


def test_clicks_work_in_both_of_two_windows(viewer, panel, make_napari_viewer, qtbot) -> None:
    second = make_napari_viewer(show=True)
    second.add_image(blocks((1, 4, 4, 3)), name="small")
    dock = TopoSegDock(second)
    second.window.add_dock_widget(dock, area="right")
    dock.show_tab("Topology")
    dock.topology.diagram.button.click()
    qtbot.waitUntil(lambda: dock.topology.diagram.found is not None, timeout=60_000)
    qtbot.wait(100)
    click_point(panel, qtbot, row_at(panel, (1, 10, 10)))
    assert viewer.dims.current_step[0] == 1
    assert layer_with(second, PAIR) is None
    dock.session.close()
