"""The history of an annotation: undone is as before, done again is as after, memory is bounded."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.plugin.finetune.annotate.annotation_layer import fill_slice, new_annotation
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.finetune.annotate.classes import as_classes, classes_of_layer
from napari_toposeg.plugin.finetune.annotate.history import Change, History, blocks_between
from napari_toposeg.plugin.finetune.annotate.undo import Undo

SHAPE = (12, 40, 44)


def random_change(array: np.ndarray, seed: int) -> tuple[np.ndarray, Change]:
    random = np.random.default_rng(seed)
    after = array.copy()
    low = random.integers(0, np.array(SHAPE) - 4)
    z, y, x = (
        slice(int(a), int(a) + int(n)) for a, n in zip(low, random.integers(1, 5, 3), strict=True)
    )
    after[z, y, x] = random.integers(0, 4)
    return after, Change(blocks_between(array, after), f"change {seed}")


def test_all_changes_are_undone_to_the_start_and_done_again_to_the_end() -> None:
    history, array = History(), np.zeros(SHAPE, np.uint8)
    states = [array.copy()]
    for seed in range(30):
        array, change = random_change(array, seed)
        history.record(change)
        if change.blocks:
            states.append(array.copy())
    for state in reversed(states[:-1]):
        assert history.undo(array) is not None
        np.testing.assert_array_equal(array, state)
    assert history.undo(array) is None
    for state in states[1:]:
        history.redo(array)
        np.testing.assert_array_equal(array, state)
    assert history.redo(array) is None


def test_what_was_undone_is_forgotten_by_the_next_change() -> None:
    history, array = History(), np.zeros(SHAPE, np.uint8)
    array, change = random_change(array, 1)
    history.record(change)
    history.undo(array)
    history.record(random_change(array, 2)[1])
    assert history.redo(array) is None


def test_the_oldest_changes_go_when_memory_is_short_but_never_the_last() -> None:
    history, array = History(most_bytes=1), np.zeros(SHAPE, np.uint8)
    for seed in range(5):
        array, change = random_change(array, seed)
        history.record(change)
    assert [each.what for each in history.done] == ["change 4"]


def test_a_filled_slice_of_a_large_scan_takes_little_memory() -> None:
    before = np.zeros((2, 512, 512), np.uint8)
    after = before.copy()
    after[1] = BACKGROUND
    assert Change(blocks_between(before, after), "fill").bytes < 5000


@pytest.fixture
def painted(qapp):
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros(SHAPE, np.float32), scale=(3, 1, 1), units=("mm",) * 3)
    layer = new_annotation(viewer, image)
    return viewer, layer, Undo(viewer, layer)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_strokes_in_several_slices_are_undone_in_turn_and_shown(painted, order) -> None:
    viewer, layer, undo = painted
    viewer.dims.order = order
    axis, states = order[0], []
    for index in (2, 9, 5):
        viewer.dims.set_current_step(axis, index)
        place = [20, 20, 20]
        place[0] = 6
        place[axis] = index
        states.append(layer.data.copy())
        layer.paint(place, 1)
    for index, state in zip((5, 9, 2), reversed(states), strict=True):
        viewer.dims.set_current_step(axis, 0)
        assert undo.undo() is not None
        assert viewer.dims.current_step[axis] == index
        np.testing.assert_array_equal(layer.data, state)
    undo.redo()
    assert viewer.dims.current_step[axis] == 2
    assert layer.data.any()


def test_a_stroke_of_many_dabs_is_one_change(painted) -> None:
    _, layer, undo = painted
    with layer.block_history():
        for x in range(5, 30):
            layer.paint((4, 20, x), 1)
        layer.fill((4, 0, 0), 2)
    assert len(undo.history.done) == 1
    undo.undo()
    assert not layer.data.any()


def test_more_strokes_can_be_undone_than_napari_remembers(painted) -> None:
    _, layer, undo = painted
    layer.brush_size = 1
    for number in range(130):
        layer.paint((number % 12, 1 + number // 12, number % 40), 1 + number % 3)
    for _ in range(130):
        undo.undo()
    assert not layer.data.any()


def test_an_import_and_a_fill_are_in_the_same_history_with_their_classes(painted) -> None:
    viewer, layer, undo = painted
    layer.paint((3, 20, 20), 1)
    stroke = layer.data.copy()
    before = classes_of_layer(layer)
    undo.replace(np.full(SHAPE, 2, np.uint8), "import", as_classes(["wall", "lumen"]), before)
    layer.data[...] = np.where(layer.data == 2, 2, 0)
    undo.undo()
    np.testing.assert_array_equal(layer.data, stroke)
    assert classes_of_layer(layer) == before
    undo.redo()
    assert (layer.data == 2).all() and classes_of_layer(layer)[1].name == "lumen"
    undo.undo()
    viewer.dims.set_current_step(0, 3)
    fill_slice(viewer, layer)
    assert (layer.data[3] > 0).all()
    undo.undo()
    np.testing.assert_array_equal(layer.data, stroke)


def test_after_closing_the_keys_are_naparis_again(painted) -> None:
    _, layer, undo = painted
    layer.paint((3, 20, 20), 1)
    assert len(layer.keymap) == 2
    undo.close()
    assert not layer.keymap
    layer.undo()
    assert not layer.data.any() and len(undo.history.done) == 1
