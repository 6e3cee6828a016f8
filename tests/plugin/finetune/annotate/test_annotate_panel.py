"""The Annotate page: a layer on the image's grid, its classes, its slices, its tools."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import layer_with
from napari_toposeg.plugin.finetune.annotate import reading
from napari_toposeg.plugin.finetune.annotate.annotation_layer import fill_slice, new_annotation
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.finetune.annotate.panel import AnnotatePanel
from napari_toposeg.plugin.finetune.annotate.slice_tools import GUESS
from napari_toposeg.plugin.finetune.annotate.suggesting import DOUBTFUL
from napari_toposeg.plugin.session import Session

SHAPE = (12, 20, 24)


@pytest.fixture
def session(qapp) -> Session:
    viewer = ViewerModel()
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    viewer.add_image(image, name="scan", scale=(2, 1, 1), units=("mm",) * 3)
    return Session(viewer)


@pytest.fixture
def panel(session, qtbot):
    made = AnnotatePanel(session)
    qtbot.addWidget(made)
    made.show()
    yield made
    session.close()


def paint(panel, slices=(1, 3, 5, 7, 9)):
    """Paint a square of class 1 on complete slices, and return the layer."""
    layer = panel.layer or panel.make_layer()
    layer.data[list(slices)] = BACKGROUND
    layer.data[list(slices), 5:9, 5:9] = 1
    layer.refresh()
    panel.read()
    return layer


def test_the_annotation_layer_lies_on_the_grid_of_the_image(session) -> None:
    image = session.image_layer
    layer = new_annotation(session.viewer, image, ("vessel",))
    assert layer.data.shape == image.data.shape
    np.testing.assert_array_equal(layer.scale, image.scale)
    assert tuple(map(str, layer.units)) == tuple(map(str, image.units))
    assert not layer.data.any()
    assert layer.selected_label == 1
    names = dict(zip(layer.features["index"], layer.features["class"], strict=True))
    assert names == {0: "unlabelled", 1: "vessel", BACKGROUND: "background"}


def test_unlabelled_voxels_are_clear_and_background_is_grey(session) -> None:
    layer = new_annotation(session.viewer, session.image_layer)
    assert layer.get_color(0) is None
    first, second, background = (tuple(layer.get_color(k)) for k in (1, 2, BACKGROUND))
    assert len({first, second, background}) == 3
    assert background[0] == background[1] == background[2]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_the_rest_of_the_slice_in_view_becomes_background_and_undo_takes_it_back(
    session, order
) -> None:
    viewer, layer = session.viewer, new_annotation(session.viewer, session.image_layer)
    viewer.dims.order = order
    viewer.dims.set_current_step(order[0], 4)
    np.moveaxis(layer.data, order[0], 0)[4, 3:5, 3:5] = 1
    count = fill_slice(viewer, layer)
    view = np.moveaxis(layer.data, order[0], 0)
    assert (view[4] == BACKGROUND).sum() == count == view[4].size - 4
    assert not np.delete(view, 4, axis=0).any()
    layer.undo()
    assert (layer.data > 0).sum() == 4


def test_no_slice_is_filled_in_3d(session) -> None:
    layer = new_annotation(session.viewer, session.image_layer)
    session.viewer.dims.ndisplay = 3
    with pytest.raises(InvalidConfig, match="3D"):
        fill_slice(session.viewer, layer)


def test_slices_and_split_are_said(panel) -> None:
    paint(panel)
    assert panel.found.slices.text() == "5 along z, 5 painted completely"
    assert panel.annotation.slices == (1, 3, 5, 7, 9)
    assert len(panel.annotation.validation) == 1
    assert f"z {panel.annotation.validation[0]}" == panel.found.validation.text()
    assert panel.found.fault.text() == ""


def test_a_stroke_is_read_after_a_moment(panel, qtbot) -> None:
    layer = panel.make_layer()
    assert "Nothing is painted" in panel.found.fault.text()
    with qtbot.waitSignal(panel.changed):
        layer.data_setitem((np.array([2]), np.array([2]), np.array([2])), 1)
    assert panel.annotation.slices == (2,)
    assert "No background" in panel.found.fault.text()


def test_layers_of_another_grid_are_not_offered(panel, session) -> None:
    session.viewer.add_labels(np.zeros((3, 3, 3), int))
    assert panel.layer is None
    other = session.viewer.add_labels(np.zeros(SHAPE, int))
    assert panel.layer == other


def test_class_names_fall_back_to_numbers(panel) -> None:
    paint(panel)
    panel.layer.data[3, 0:2, 0:2] = 2
    panel.read()
    panel.name_classes(["airway"])
    assert panel.classes == ("airway", "class 2")


def test_a_chosen_row_is_the_label_in_the_brush_and_the_other_way_round(panel) -> None:
    layer = panel.make_layer()
    panel.table.add_class()
    assert layer.selected_label == 2
    panel.table.setCurrentCell(0, 1)
    assert layer.selected_label == 1
    layer.selected_label = 2
    assert panel.table.currentRow() == 1


def test_names_and_wishes_live_in_the_layer(panel, session) -> None:
    layer = panel.make_layer()
    panel.table.add_class()
    panel.table.item(0, 1).setText("airway")
    panel.table.item(0, 2).setText("1 0 0")
    assert list(layer.features["class"]) == ["unlabelled", "airway", "class 2", "background"]
    assert panel.wanted == {1: (1, 0, 0)}
    other = new_annotation(session.viewer, session.image_layer, ["bone"])
    panel.picker.choose(other)
    assert (panel.classes, panel.wanted) == (("bone",), {})
    panel.picker.choose(layer)
    assert (panel.classes, panel.wanted) == (("airway", "class 2"), {1: (1, 0, 0)})


def test_slices_across_several_axes_are_told(panel) -> None:
    layer = paint(panel)
    layer.data[:, 12] = BACKGROUND
    panel.read()
    assert panel.found.slices.text() == "5 along z, 5 painted completely; 1 along y"
    assert panel.found.train.text().endswith("; y 12")


def test_a_large_annotation_is_read_in_the_background(panel, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(reading, "AT_ONCE", 10)
    layer = panel.make_layer()
    with qtbot.waitSignal(panel.changed, timeout=10_000):
        layer.data_setitem((np.array([2]), np.array([2]), np.array([2])), 1)
    assert panel.annotation.slices == (2,)


def test_all_tools_are_undone_in_turn_each_in_its_slice(panel, session) -> None:
    viewer, layer = session.viewer, panel.make_layer()
    viewer.dims.set_current_step(0, 2)
    layer.paint((2, 10, 10), 1)
    panel.tools.fill_button.click()
    viewer.dims.set_current_step(0, 6)
    panel.tools.copy_button.click()
    np.testing.assert_array_equal(layer.data[6], layer.data[2])
    viewer.dims.set_current_step(0, 11)
    seen = []
    for _ in range(3):
        panel.tools.undo_button.click()
        seen.append((viewer.dims.current_step[0], int(np.count_nonzero(layer.data))))
    plane = SHAPE[1] * SHAPE[2]
    assert seen == [(6, plane), (2, 1), (2, 0)]
    assert not panel.tools.undo_button.isEnabled()
    for _ in range(3):
        panel.tools.redo()
    assert np.count_nonzero(layer.data) == 2 * plane


def test_the_keys_of_the_layer_do_what_the_buttons_do(panel, session) -> None:
    viewer, layer = session.viewer, panel.make_layer()
    viewer.dims.set_current_step(0, 4)
    keys = {str(key): action for key, action in layer.keymap.items()}
    keys["Shift+B"](layer)
    assert (layer.data[4] == BACKGROUND).all()
    keys["Ctrl+Z"](layer)
    assert not layer.data.any()
    keys["Ctrl+Shift+Z"](layer)
    assert layer.data.any()


def test_a_guess_is_outlined_until_it_is_accepted_and_then_undone(panel, session, qtbot) -> None:
    viewer, layer = session.viewer, paint(panel, (2, 8))
    viewer.dims.set_current_step(0, 5)
    assert not panel.tools.accept_button.isVisible()
    panel.tools.guess_button.click()
    qtbot.waitUntil(lambda: layer_with(viewer, GUESS) is not None, timeout=10_000)
    assert not layer.data[3:8].any() and panel.tools.accept_button.isVisible()
    assert viewer.layers.selection.active == layer
    panel.tools.accept_button.click()
    np.testing.assert_array_equal(layer.data[5], layer.data[2])
    assert layer_with(viewer, GUESS) is None and not panel.tools.accept_button.isVisible()
    assert len(panel.annotation.complete) == 7
    panel.tools.undo()
    assert not layer.data[3:8].any() and layer.data[2].all()


def test_a_guess_that_is_refused_leaves_nothing(panel, session, qtbot) -> None:
    viewer, layer = session.viewer, paint(panel, (2, 8))
    before = layer.data.copy()
    viewer.dims.set_current_step(0, 3)
    panel.tools.guess()
    qtbot.waitUntil(lambda: layer_with(viewer, GUESS) is not None, timeout=10_000)
    panel.tools.refuse_button.click()
    assert layer_with(viewer, GUESS) is None
    np.testing.assert_array_equal(layer.data, before)


def test_a_slice_that_is_not_between_two_cannot_be_guessed(
    panel, session, qtbot, monkeypatch
) -> None:
    told = []
    monkeypatch.setattr(session, "show_error", told.append)
    panel.tools._guesses.failed.connect(told.append)
    paint(panel, (2, 8))
    session.viewer.dims.set_current_step(0, 10)
    panel.tools.guess()
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    assert isinstance(told[0], InvalidConfig) and "two painted" in str(told[0])


def test_each_layer_keeps_its_own_history(panel, session) -> None:
    first, second = panel.make_layer(), panel.make_layer()
    second.paint((1, 5, 5), 1)
    panel.picker.choose(first)
    assert not panel.tools.undo_button.isEnabled()
    panel.picker.choose(second)
    panel.tools.undo()
    assert not second.data.any()


def test_the_panel_lives_on_when_the_layer_is_removed(panel, session) -> None:
    layer = panel.make_layer()
    layer.paint((1, 5, 5), 1)
    session.viewer.layers.remove(layer)
    assert panel.layer is None and panel.annotation is None
    assert not panel.tools.fill_button.isEnabled() and not panel.tools.undo_button.isEnabled()
    panel.make_layer().paint((1, 5, 5), 1)
    assert len(panel.undo.history.done) == 1


def test_a_mask_goes_into_the_annotation_and_undo_brings_the_strokes_back(
    panel, session, qtbot
) -> None:
    layer = panel.make_layer()
    panel.name_classes(["vessel"])
    layer.paint((3, 10, 10), 1)
    voxels = np.zeros(SHAPE, np.uint8)
    voxels[4:6, 4:9, 4:9] = 7
    mask = session.viewer.add_labels(
        voxels, scale=(2, 1, 1), units=("mm",) * 3, features={"index": [7], "class": ["bone"]}
    )
    panel.masks.mask.choose(mask)
    assert [panel.masks.mask.itemData(row)[0] for row in range(panel.masks.mask.count())] == [mask]
    with qtbot.waitSignal(session.job_ended, timeout=10_000):
        panel.masks.button.click()
    assert panel.layer == layer and panel.classes == ("bone",)
    assert (layer.data == 1).sum() == 50 and (layer.data > 0).all()
    panel.tools.undo()
    assert np.count_nonzero(layer.data) == 1 and panel.classes == ("vessel",)


def test_suggestions_are_listed_and_lead_to_their_slices(panel, session, qtbot) -> None:
    paint(panel, (0, 11))
    panel.suggestions.folding.set_open(True)
    with qtbot.waitSignal(session.job_ended, timeout=20_000):
        panel.suggestions.button.click()
    found = panel.suggestions.suggestions
    assert len(found) == panel.suggestions.list.count() == 5
    panel.suggestions.list.setCurrentRow(2)
    assert session.viewer.dims.current_step[0] == found[2].index
    panel.suggestions.next()
    assert session.viewer.dims.current_step[0] == found[3].index


def test_a_probability_that_comes_is_ranked_by_and_its_doubts_are_marked(
    panel, session, qtbot
) -> None:
    values = np.zeros(SHAPE, np.float32)
    values[2:10, 8:11, 8:11] = 0.95
    values[6, 8:11, 8:11] = 0.05
    values[6, 9, 9] = 0.52
    viewer = session.viewer
    layer = viewer.add_image(
        values,
        name="probability",
        scale=(2, 1, 1),
        units=("mm",) * 3,
        metadata={"napari_toposeg": {"modality": "probability"}},
    )
    assert panel.suggestions.probability.layer == layer
    with qtbot.waitSignal(session.job_ended, timeout=20_000):
        panel.suggestions.button.click()
    assert panel.suggestions.suggestions[0].index == 6
    viewer.dims.order = (2, 0, 1)
    panel.suggestions.go_to(0)
    assert viewer.dims.order[0] == 0 and viewer.dims.current_step[0] == 6
    marks = layer_with(viewer, DOUBTFUL)
    np.testing.assert_array_equal(marks.data, [[6, 9, 9]])


def test_a_label_that_is_painted_without_a_row_gets_one(panel) -> None:
    layer = paint(panel)
    layer.data[3, 0:2, 0:2] = 3
    panel.read()
    assert [each.name for each in panel.table.classes] == ["class 1", "class 2", "class 3"]
    assert list(layer.features["class"])[3] == "class 3"
    panel.table.remove_last()
    panel.read()
    assert len(panel.table.classes) == 3


def test_what_was_made_for_one_image_does_not_go_to_another(panel, session, qtbot) -> None:
    viewer = session.viewer
    mask = viewer.add_labels(np.ones(SHAPE, np.uint8), scale=(2, 1, 1), units=("mm",) * 3)
    other = viewer.add_image(np.zeros((4, 5, 6), np.float32), name="other", units=("mm",) * 3)
    panel.masks.mask.choose(mask)
    panel.masks.use_layer()
    with qtbot.waitSignal(session.job_ended, timeout=10_000):
        session.image_layer = other
    assert panel.layer is None
    session.image_layer = viewer.layers["scan"]
    panel.suggestions.suggest()
    with qtbot.waitSignal(session.job_ended, timeout=10_000):
        session.image_layer = other
    assert panel.suggestions.suggestions == ()


def test_a_guess_for_a_layer_that_was_left_is_dropped(panel, session, qtbot) -> None:
    paint(panel, (2, 8))
    session.viewer.dims.set_current_step(0, 5)
    with qtbot.waitSignal(panel.tools._guesses.done, timeout=10_000):
        panel.tools.guess()
        panel.make_layer()
    assert layer_with(session.viewer, GUESS) is None


def test_a_guess_is_not_accepted_into_another_annotation(panel, session, qtbot) -> None:
    paint(panel, (2, 8))
    session.viewer.dims.set_current_step(0, 5)
    with qtbot.waitSignal(panel.tools._guesses.done, timeout=10_000):
        panel.tools.guess()
    assert layer_with(session.viewer, GUESS) is not None
    other = panel.make_layer()
    assert layer_with(session.viewer, GUESS) is None
    with pytest.raises(InvalidConfig, match="no guess to accept"):
        panel.tools.accept()
    assert not np.asarray(other.data).any()
