"""The Diagram page: points lead to voxels, and voxels to points, in one layer or in two."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidVolume, ShapeMismatch
from napari_toposeg.plugin.canvas.layers import class_names
from napari_toposeg.plugin.canvas.marks import (
    FEATURE,
    LEVEL,
    PAIR,
    REGION,
    SELECTED,
    jump_to,
    layer_with,
    voxel_at,
)
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.diagram.features import Fate
from napari_toposeg.plugin.topology.diagram.source import has_features
from napari_toposeg.plugin.topology.errors.label_inputs import is_label_map
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
    assert session.job is None or session.job.join(20)


@pytest.fixture
def found(tab, session, qtbot):
    """The tab with the diagram of the two peaks."""
    tab.diagram.compute()
    qtbot.waitUntil(lambda: tab.diagram.found is not None, timeout=60_000)
    return tab


def world(voxel) -> np.ndarray:
    return np.array(TRANSLATE) + np.array(voxel) * SCALE


def test_the_diagram_names_its_connectivity_and_direction(found) -> None:
    assert found.diagram.note.text() == "scan: 26-connected, bright first"
    assert found.diagram.found.diagram.construction == "T"


def test_noise_is_hidden_at_first_and_the_slider_hides_more(found) -> None:
    panel = found.diagram
    assert len(panel.view.shown) == 2
    panel.filter.persistence.setValue(8.5)
    assert list(panel.view.shown) == [0]
    panel.filter.dimensions[0].setChecked(False)
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


def click(session, voxel, *, drag: bool = False, **changes) -> None:
    """Press and let go of the mouse on the canvas, as napari passes it on."""
    event = SimpleNamespace(
        **(
            {"type": "mouse_press", "button": 1, "modifiers": ()}
            | {"position": tuple(world(voxel))}
            | changes
        )
    )
    answers = [callback(session.viewer, event) for callback in session.viewer.mouse_drag_callbacks]
    begun = [answer for answer in answers if answer is not None]
    for each in begun:
        next(each, None)
    for kind in (["mouse_move"] if drag else []) + ["mouse_release"]:
        event.type = kind
        for each in begun:
            next(each, None)


def test_a_click_on_a_voxel_lights_up_the_nearest_feature_and_moves_nothing(found, session) -> None:
    before = tuple(session.viewer.dims.point)
    click(session, (8, 9, 11))
    assert found.diagram.row == found.diagram.view.shown[1]
    click(session, (2, 4, 5))
    assert found.diagram.row == 0
    assert tuple(session.viewer.dims.point) == before
    assert len(found.diagram.view.diagram.ring.data) == 1


def test_a_click_that_paints_or_drags_or_is_switched_off_lights_up_nothing(found, session) -> None:
    click(session, (8, 9, 11), button=2)
    click(session, (8, 9, 11), drag=True)
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
    panel.form.direction.setCurrentIndex(1)
    panel.form.construction.setCurrentIndex(1)
    panel.compute()
    qtbot.waitUntil(lambda: panel.found is not None, timeout=60_000)
    diagram = panel.found.diagram
    assert (diagram.construction, diagram.superlevel) == ("V", False)
    assert "6-connected, dark first" in panel.note.text()


def test_a_large_layer_is_made_coarser_and_says_so(tab, session) -> None:
    session.viewer.add_image(np.zeros((16, 800, 800), np.uint8), name="large")
    tab.diagram.layers.choose(session.viewer.layers["large"])
    assert tab.diagram.form.extent.currentText() == "Coarser copy"
    assert "at most 8,000,000 voxels are looked at" in tab.diagram.form.cost.text()


def test_a_slice_is_computed_in_2d(tab, session, qtbot) -> None:
    session.viewer.dims.set_current_step(0, 8)
    tab.diagram.form.extent.setCurrentText("Current slice (2D)")
    tab.diagram.compute()
    qtbot.waitUntil(lambda: tab.diagram.found is not None, timeout=60_000)
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


def cut_peaks() -> np.ndarray:
    """The first peak as it is, none in the place of the second, and one more of 6."""
    z, y, x = np.indices((12, 14, 16))
    image = np.maximum(9 - np.maximum.reduce([abs(z - 3), abs(y - 4), abs(x - 5)]), 0)
    other = np.maximum(6 - np.maximum.reduce([abs(z - 9), abs(y - 2), abs(x - 13)]), 0)
    return np.maximum(image, other).astype(np.float32)


@pytest.fixture
def compared(tab, session, qtbot):
    """The tab with the two peaks compared with others."""
    other = session.viewer.add_image(cut_peaks(), name="other", **PLACE)
    session.diagrams_wanted.emit(session.viewer.layers["scan"], other)
    qtbot.waitUntil(lambda: tab.diagram.features is not None, timeout=60_000)
    tab.diagram.filter.persistence.setValue(0.4)
    return tab


def test_a_selection_is_listed_marked_and_drawn_until_a_click_beside_it(
    found, session, qtbot
) -> None:
    panel = found.diagram
    panel.view.chosen.emit(panel.view.shown)
    np.testing.assert_array_equal(panel.rows()["feature"], panel.view.shown)
    marks = layer_with(session.viewer, SELECTED)
    np.testing.assert_array_equal(marks.data[:2], [(3, 4, 5), (8, 9, 10)])
    assert list(map(str, marks.symbol)) == ["disc", "disc", "cross"]
    assert "2 selected: ● 2 components" in panel.selection.text()
    qtbot.waitUntil(lambda: layer_with(session.viewer, FEATURE) is not None, timeout=20_000)
    panel.view.chosen.emit(panel.view.shown[:0])
    assert len(marks.data) == 0
    assert layer_with(session.viewer, FEATURE) is None


def test_the_slider_takes_what_it_hides_out_of_the_selection(found) -> None:
    panel = found.diagram
    panel.view.chosen.emit(panel.view.shown)
    panel.filter.persistence.setValue(8.5)
    assert list(panel.selected) == [0]


def test_a_click_on_a_line_of_the_list_leads_to_the_voxel(found, session) -> None:
    panel = found.diagram
    panel.table.fill_now()
    panel.table.selectRow(1)
    np.testing.assert_allclose(session.viewer.dims.point, world((8, 9, 10)))
    assert panel.row == panel.view.shown[1]


def test_the_voxels_at_the_line_of_the_betti_curve_are_shown_and_follow_it(found, session) -> None:
    view = found.diagram.view
    view.show_view("betti")
    view.level.setChecked(True)
    view.betti.line.setValue(6.5)
    shown = layer_with(session.viewer, LEVEL)
    low, high = shown.contrast_limits
    assert high == 6.5 and 6.49 < low < 6.5
    np.testing.assert_allclose(shown.translate, TRANSLATE)
    assert "● b0 2" in view.numbers.text()
    view.betti.line.setValue(8.5)
    assert tuple(shown.contrast_limits)[1] == 8.5
    assert "● b0 1" in view.numbers.text()
    assert not has_features(shown)
    view.show_view("diagram")
    assert layer_with(session.viewer, LEVEL) is None


def test_two_layers_share_one_peak_and_each_has_one_of_its_own(compared) -> None:
    panel = compared.diagram
    features, shown = panel.features, panel.view.shown
    assert features.counts(shown)[0] == (1, 1, 1)
    only = {int(features.fate[row]): features.births[row].tolist() for row in shown}
    assert only == {0: [3, 4, 5], 1: [8, 9, 10], 2: [9, 2, 13]}
    assert "only in 2 (crossed):  ● 1" in panel.filter.fates[2].text()


def test_a_feature_of_the_second_layer_leads_into_it_and_hides_the_first(compared, session) -> None:
    panel = compared.diagram
    row = next(int(r) for r in panel.view.shown if panel.features.fate[r] == Fate.ONLY_SECOND)
    panel.view.picked.emit(row)
    np.testing.assert_allclose(session.viewer.dims.point, world((9, 2, 13)))
    assert [layer.visible for layer in session.viewer.layers[:2]] == [False, True]
    assert "Only in layer 2" in panel.selection.text()
    images = [type(layer).__name__ for layer in session.viewer.layers]
    assert images.index("Points") > 1


def test_only_what_the_first_has_can_be_shown(compared) -> None:
    panel = compared.diagram
    for fate in (Fate.BOTH, Fate.ONLY_SECOND):
        panel.filter.fates[fate].setChecked(False)
    assert [panel.features.births[row].tolist() for row in panel.view.shown] == [[8, 9, 10]]


def test_layers_on_two_grids_are_refused_in_words(tab, session) -> None:
    other = session.viewer.add_image(two_peaks(), name="elsewhere", scale=(1, 1, 1))
    with pytest.raises(ShapeMismatch, match="same grid"):
        tab.compare(session.viewer.layers["scan"], other)
    assert session.job is None


def test_a_label_map_can_be_the_second_layer(tab, session, qtbot) -> None:
    truth = session.viewer.add_labels((two_peaks() > 6).astype(int) * 3, name="truth", **PLACE)
    tab.compare(session.viewer.layers["scan"], truth)
    qtbot.waitUntil(lambda: tab.diagram.features is not None, timeout=60_000)
    features = tab.diagram.features
    assert features.parts[1].diagram.birth.max() == 1
    assert "The values differ" in tab.diagram.note.text()


def test_a_drawn_region_is_looked_at_and_nothing_else(tab, session, qtbot) -> None:
    form = tab.diagram.form
    form.extent.setCurrentIndex(form.extent.findData("drawn"))
    with pytest.raises(InvalidVolume, match="no region is drawn"):
        tab.diagram.compute()
    form.draw_button.click()
    shapes = layer_with(session.viewer, REGION)
    assert shapes.mode == "add_rectangle"
    shapes.add([[(8, 6, 7), (8, 6, 13), (8, 12, 13), (8, 12, 7)]])
    form.around.setValue(2)
    tab.diagram.compute()
    qtbot.waitUntil(lambda: tab.diagram.found is not None, timeout=60_000)
    assert shapes.mode == "pan_zoom"
    assert session.viewer.layers.selection.active == session.viewer.layers["scan"]
    excerpt = tab.diagram.found.excerpt
    assert (excerpt.offset, excerpt.grid) == ((6, 6, 7), (5, 7, 7))
    np.testing.assert_array_equal(tab.diagram.found.births[0], (8, 9, 10))
    assert "Region z 6 - 10, y 6 - 12, x 7 - 13" in tab.diagram.note.text()


def test_a_layer_removed_in_mid_run_still_gives_a_diagram(tab, session, qtbot) -> None:
    tab.diagram.compute()
    session.viewer.layers.clear()
    qtbot.waitUntil(lambda: tab.diagram.found is not None, timeout=60_000)
    tab.diagram.go_to(0)
    assert not tab.diagram.button.isEnabled()
    assert len(session.viewer.layers) == 0
