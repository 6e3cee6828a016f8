"""The Topology tab: points lead to voxels, and voxels to points."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.canvas.marks import (
    FEATURE,
    PAIR,
    jump_to,
    layer_with,
    voxel_at,
)
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.label_inputs import is_label_map
from napari_toposeg.plugin.topology.tab import TopologyTab

SCALE, TRANSLATE = (2.0, 1.0, 0.5), (100.0, -7.0, 3.0)
PLACE = {"scale": SCALE, "translate": TRANSLATE, "units": ("mm",) * 3}


def two_peaks() -> np.ndarray:
    """A peak of 9 at (3, 4, 5) and one of 7 at (8, 9, 10), both falling by 1 a voxel."""
    z, y, x = np.indices((12, 14, 16))
    peaks = [
        height - np.maximum.reduce([abs(z - a), abs(y - b), abs(x - c)])
        for height, (a, b, c) in ((9, (3, 4, 5)), (7, (8, 9, 10)))
    ]
    return np.maximum.reduce([*peaks, np.zeros_like(z)]).astype(np.float32)


@pytest.fixture
def session() -> Session:
    return Session(ViewerModel())


@pytest.fixture
def tab(session, qtbot) -> Iterator[TopologyTab]:
    session.viewer.add_image(two_peaks(), name="scan", **PLACE)
    tab = TopologyTab(session)
    qtbot.addWidget(tab)
    with qtbot.waitExposed(tab):
        tab.show()
    yield tab
    session.close()
    assert session.job is None or session.job.join(5)


@pytest.fixture
def found(tab, session, qtbot):
    """The tab with the diagram of the two peaks."""
    tab.diagram.compute()
    qtbot.waitUntil(lambda: tab.diagram.found is not None)
    return tab


def world(voxel) -> np.ndarray:
    return np.array(TRANSLATE) + np.array(voxel) * SCALE


def test_the_diagram_names_its_connectivity_and_direction(found) -> None:
    assert found.diagram.note.text() == "scan: 26-connected, bright first"
    assert found.diagram.found.diagram.construction == "T"


def test_noise_is_hidden_at_first_and_the_slider_hides_more(found) -> None:
    panel = found.diagram
    assert len(panel.view.shown) == 2
    panel.persistence.setValue(8.5)
    assert list(panel.view.shown) == [0]
    panel.dimensions[0].setChecked(False)
    assert len(panel.view.shown) == 0


def test_a_click_on_a_point_shows_the_birth_slice_and_marks_both_voxels(found, session) -> None:
    row = int(found.diagram.view.shown[1])
    found.diagram.view.picked.emit(row)
    viewer = session.viewer
    np.testing.assert_allclose(viewer.dims.point, world((8, 9, 10)))
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], world((8, 9, 10))[-2:])
    marks = layer_with(viewer, PAIR)
    np.testing.assert_array_equal(marks.data[0], (8, 9, 10))
    values = two_peaks()[tuple(marks.data.astype(int).T)]
    diagram = found.diagram.found.diagram
    np.testing.assert_array_equal(values, [diagram.birth[row], diagram.death[row]])
    np.testing.assert_allclose(marks.scale, SCALE)
    np.testing.assert_allclose(marks.translate, TRANSLATE)
    assert len(set(map(str, marks.symbol))) == 2


def test_the_chosen_feature_is_drawn_and_the_box_takes_it_away(found, session, qtbot) -> None:
    row = int(found.diagram.view.shown[1])
    found.diagram.view.picked.emit(row)
    qtbot.waitUntil(lambda: layer_with(session.viewer, FEATURE) is not None, timeout=20_000)
    drawn = layer_with(session.viewer, FEATURE)
    peak = drawn.world_to_data(world((8, 9, 10))).round().astype(int)
    assert np.asarray(drawn.data)[tuple(peak)] == 1
    assert not is_label_map(drawn)
    found.diagram.draw.setChecked(False)
    assert layer_with(session.viewer, FEATURE) is None


def test_a_second_click_shows_the_death_voxel_and_a_third_the_birth_again(found, session) -> None:
    panel = found.diagram
    row = int(panel.view.shown[1])
    places = []
    for _ in range(3):
        panel.go_to(row)
        places.append(tuple(session.viewer.dims.point))
    np.testing.assert_allclose(places[1], world(panel.found.deaths[row]))
    assert places[2] == places[0] != places[1]


def test_an_endless_feature_has_only_a_birth_mark(found, session) -> None:
    found.diagram.go_to(0)
    marks = layer_with(session.viewer, PAIR)
    np.testing.assert_array_equal(marks.data, [(3, 4, 5)])
    assert "never dies" in found.diagram.selection.text()


def test_marks_are_moved_and_the_active_layer_stays(found, session) -> None:
    session.viewer.layers.selection.active = session.image_layer
    for row in (0, int(found.diagram.view.shown[1]), 0):
        found.diagram.go_to(row)
    assert len(session.viewer.layers) == 2
    assert session.viewer.layers.selection.active == session.image_layer


def click(session, voxel, **changes) -> None:
    event = SimpleNamespace(
        **({"button": 1, "modifiers": (), "position": tuple(world(voxel))} | changes)
    )
    for callback in session.viewer.mouse_drag_callbacks:
        callback(session.viewer, event)


def test_a_click_on_a_voxel_lights_up_the_nearest_feature_and_moves_nothing(found, session) -> None:
    before = tuple(session.viewer.dims.point)
    click(session, (8, 9, 11))
    assert found.diagram.row == found.diagram.view.shown[1]
    click(session, (2, 4, 5))
    assert found.diagram.row == 0
    assert tuple(session.viewer.dims.point) == before
    assert len(found.diagram.view._ring.data) == 1


def test_a_click_that_paints_or_is_switched_off_lights_up_nothing(found, session) -> None:
    click(session, (8, 9, 11), button=2)
    found.diagram.follow.setChecked(False)
    click(session, (8, 9, 11))
    found.diagram.follow.setChecked(True)
    session.viewer.add_labels(np.zeros((12, 14, 16), int), **PLACE).mode = "paint"
    click(session, (8, 9, 11))
    assert found.diagram.row is None


def test_a_feature_of_a_removed_layer_leads_nowhere_and_is_no_error(found, session) -> None:
    session.viewer.layers.clear()
    found.diagram.go_to(0)
    assert layer_with(session.viewer, PAIR) is None


def test_sublevel_and_v_are_passed_on(tab, qtbot) -> None:
    panel = tab.diagram
    panel.direction.setCurrentIndex(1)
    panel.construction.setCurrentIndex(1)
    panel.compute()
    qtbot.waitUntil(lambda: panel.found is not None)
    diagram = panel.found.diagram
    assert (diagram.construction, diagram.superlevel) == ("V", False)
    assert "6-connected, dark first" in panel.note.text()


def test_a_large_layer_is_made_coarser_and_says_so(tab, session) -> None:
    session.viewer.add_image(np.zeros((16, 800, 800), np.uint8), name="large")
    tab.diagram.layers.choose(session.viewer.layers["large"])
    assert tab.diagram.extent.currentText() == "Coarser copy"
    assert "At most 8,000,000 voxels are looked at" in tab.diagram.cost.text()


def test_a_slice_is_computed_in_2d(tab, session, qtbot) -> None:
    session.viewer.dims.set_current_step(0, 8)
    tab.diagram.extent.setCurrentText("Current slice (2D)")
    tab.diagram.compute()
    qtbot.waitUntil(lambda: tab.diagram.found is not None)
    assert tab.diagram.found.births[0][0] == 8
    assert "8-connected" in tab.diagram.note.text()
    assert "slice z = 8" in tab.diagram.note.text()


def test_the_tab_follows_the_image_of_the_dock(tab, session) -> None:
    other = session.viewer.add_image(np.zeros((4, 4, 4)), name="other")
    session.image_layer = other
    assert tab.diagram.layers.layer == other


def test_names_of_classes_are_read_from_the_layer(session) -> None:
    labels = session.viewer.add_labels(np.ones((2, 2, 2), int))
    assert class_names(labels) == {}
    labels.features = {"class": ["background", "vessel"]}
    assert class_names(labels)[1] == "vessel"
    labels.features = {"index": [0, 7], "class": ["background", "airway"]}
    assert class_names(labels)[7] == "airway"


def test_a_jump_keeps_the_axes_before_the_layer(session) -> None:
    viewer = session.viewer
    viewer.add_image(np.zeros((2, 12, 14, 16)))
    layer = viewer.add_image(two_peaks(), **PLACE)
    viewer.dims.set_point(0, 1)
    jump_to(viewer, layer, (8, 9, 10))
    assert viewer.dims.point[0] == 1
    np.testing.assert_allclose(viewer.dims.point[1:], world((8, 9, 10)))
    assert voxel_at(viewer, layer, viewer.dims.point) == (8, 9, 10)
