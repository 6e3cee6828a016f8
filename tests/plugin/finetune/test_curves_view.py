"""The curves are those of the Steps, and the preview colours what is labelled."""

import numpy as np
import pytest

from napari_toposeg.plugin.finetune.curves_view import (
    CurvesView,
    PreviewView,
    paint_labels,
    running_mean,
)
from napari_toposeg.progress import Step


@pytest.fixture
def curves(qtbot) -> CurvesView:
    curves = CurvesView()
    qtbot.addWidget(curves)
    return curves


def test_losses_and_dice_are_drawn_at_their_steps(curves) -> None:
    curves.add(Step(1, 3, losses={"loss": 2.0}))
    curves.add(Step(2, 3, losses={"loss": 1.0}, metrics={"dice": 0.7}))
    curves.add(Step(3, 3, message="saving"))
    x, y = curves._raw.getData()
    assert (list(x), list(y)) == ([1, 2], [2.0, 1.0])
    x, y = curves._dice.getData()
    assert (list(x), list(y)) == ([2], [0.7])


def test_clearing_forgets_the_run_before(curves) -> None:
    curves.add(Step(1, 3, losses={"loss": 2.0}, metrics={"dice": 0.7}))
    curves.clear()
    assert not curves.losses
    assert not curves.dice
    assert curves._raw.getData()[0] is None or not len(curves._raw.getData()[0])


def test_the_running_mean_of_a_constant_is_the_constant() -> None:
    np.testing.assert_allclose(running_mean([3.0] * 20), 3.0)
    assert running_mean([1.0, 0.0])[1] == pytest.approx(0.9 / 1.9)
    assert running_mean([]).shape == (0,)


def test_only_classes_are_coloured() -> None:
    image = np.array([[0.0, 1.0, 1.0, 1.0]])
    pixels = paint_labels(image, np.array([[0, -1, 1, 2]]))
    assert list(pixels[0, 0]) == [0, 0, 0]
    assert list(pixels[0, 1]) == [255, 255, 255]
    assert len({tuple(pixel) for pixel in pixels[0, 1:]}) == 3


def test_a_constant_image_is_black_and_not_an_error() -> None:
    assert not paint_labels(np.full((2, 2), 7.0), np.zeros((2, 2), int)).any()


def test_the_preview_keeps_its_proportions(qtbot) -> None:
    view = PreviewView()
    qtbot.addWidget(view)
    view.resize(300, 140)
    view.show()
    labels = np.zeros((20, 40), int)
    view.show_slice(np.random.default_rng(0).random((20, 40)), labels, labels)
    pixmap = view.pictures[1].pixmap()
    assert abs(pixmap.width() - 2 * pixmap.height()) <= 2
    view.clear()
    assert view.pictures[0].pixmap().isNull()
