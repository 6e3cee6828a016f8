"""Marks are filled anew: what is written and where they lie follows, and only changes are set."""

import numpy as np
from napari.utils.colormaps.standardize_color import transform_color

from napari_toposeg.plugin.canvas.marks import PAIR, points_on, write_on


def test_marks_that_are_filled_anew_have_the_new_words_and_colours(viewer_model):
    scan = viewer_model.add_image(np.zeros((4, 5, 6)))
    marks = points_on(viewer_model, scan, PAIR, "pair")
    for colour, words in (("#ff0000", "ab"), ("#00ff00", "cd"), ("#00ff00", "ef")):
        marks.data = np.array([[1.0, 1, 1], [2, 2, 2]])
        marks.features = {"end": list(words)}
        write_on(marks, "{end}", colour)
        np.testing.assert_allclose(marks.border_color, np.repeat(transform_color(colour), 2, 0))
        np.testing.assert_allclose(marks.text.color.constant, transform_color(colour)[0])
        assert list(marks.text.values) == list(words)


def test_marks_follow_to_the_grid_of_another_layer_and_are_not_drawn_anew_on_their_own(
    viewer_model,
):
    here = viewer_model.add_image(np.zeros((4, 5, 6)), scale=(3, 1, 1))
    there = viewer_model.add_image(np.zeros((4, 5, 6)), scale=(2, 1, 1), translate=(7, 0, 0))
    marks = points_on(viewer_model, here, PAIR, "pair")
    moved = []
    marks.events.scale.connect(lambda: moved.append("scale"))
    marks.events.translate.connect(lambda: moved.append("translate"))
    assert points_on(viewer_model, here, PAIR, "pair") is marks
    assert moved == []
    assert points_on(viewer_model, there, PAIR, "pair") is marks
    assert moved == ["scale", "translate"]
    np.testing.assert_array_equal(marks.scale, (2, 1, 1))
    np.testing.assert_array_equal(marks.translate, (7, 0, 0))
