"""The validation slices: all can be stepped to, and what is wrong is coloured."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_toposeg.plugin.finetune.train.slices_view import (
    MISSING,
    TOO_MUCH,
    WRONG_CLASS,
    SlicesView,
    differences,
    paint_labels,
)


def judged(value: int = 0) -> SimpleNamespace:
    """A slice of 20 x 40 whose prediction is one class throughout."""
    image = np.random.default_rng(0).random((20, 40))
    return SimpleNamespace(
        image=image, truth=np.zeros((20, 40), int), prediction=np.full((20, 40), value)
    )


@pytest.fixture
def view(qtbot) -> SlicesView:
    view = SlicesView()
    qtbot.addWidget(view)
    view.resize(300, 140)
    return view


def test_only_classes_are_coloured() -> None:
    image = np.array([[0.0, 1.0, 1.0, 1.0]])
    pixels = paint_labels(image, np.array([[0, -1, 1, 2]]))
    assert list(pixels[0, 0]) == [0, 0, 0]
    assert list(pixels[0, 1]) == [255, 255, 255]
    assert len({tuple(pixel) for pixel in pixels[0, 1:]}) == 3


def test_a_constant_image_is_black_and_not_an_error() -> None:
    assert not paint_labels(np.full((2, 2), 7.0), np.zeros((2, 2), int)).any()


def test_pictures_keep_their_proportions(view) -> None:
    view.show_slices([judged()])
    view.show()
    pixmap = view.pictures[1].pixmap()
    assert abs(pixmap.width() - 2 * pixmap.height()) <= 2


def test_all_slices_are_stepped_through_and_the_one_in_view_stays(view) -> None:
    assert view.isHidden()
    view.show_slices([judged(), judged(), judged()])
    view.before.click()
    assert view.where.text() == "validation slice 3 of 3"
    view.next.click()
    view.next.click()
    view.show_slices([judged(1), judged(1), judged(1)])
    assert view.where.text() == "validation slice 2 of 3"
    view.show_slices(())
    assert view.isHidden()
    assert view.pictures[0].pixmap().isNull()


def test_what_differs_is_told_apart_and_what_is_not_labelled_does_not_differ() -> None:
    truth = np.array([[-1, 0, 0, 1, 1, 1]])
    prediction = np.array([[1, 0, 1, 1, 0, 2]])
    assert differences(truth, prediction).tolist() == [[0, 0, TOO_MUCH, 0, MISSING, WRONG_CLASS]]
