"""Slices between two painted ones: the border moves evenly, and what is painted stays."""

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.finetune.annotate.between import (
    enclosing_slices,
    guess_between,
    nearest_slice,
    signed_distance,
)

SPACING = (2.0, 1.0, 1.0)


def disc(radius: float, size: int = 41) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    return np.where(y**2 + x**2 <= radius**2, 1, BACKGROUND).astype(np.uint8)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_cone_grows_evenly_from_disc_to_disc(axis) -> None:
    labels = np.zeros((9, 41, 41), np.uint8)
    labels[0], labels[8] = disc(5), disc(13)
    turned = np.moveaxis(labels, 0, axis)
    spacing = tuple(np.roll(SPACING, axis)) if axis != 2 else (1.0, 1.0, 2.0)
    guess = guess_between(turned, axis, 0, 8, spacing)
    radii = [np.sqrt((plane == 1).sum() / np.pi) for plane in guess.planes]
    np.testing.assert_allclose(radii, np.arange(6, 13), atol=0.5)
    assert guess.proposed(turned).shape == turned.shape


def test_equal_slices_give_that_slice() -> None:
    labels = np.zeros((5, 41, 41), np.uint8)
    labels[0] = labels[4] = disc(7)
    guess = guess_between(labels, 0, 0, 4, SPACING)
    assert (guess.planes == labels[0]).all() and len(guess.planes) == 3


def test_what_is_painted_and_what_is_unlabelled_in_both_stay() -> None:
    labels = np.zeros((5, 41, 41), np.uint8)
    labels[0], labels[4] = disc(5), disc(9)
    labels[[0, 4], :3] = 0
    labels[2, 20, 20] = 2
    made = guess_between(labels, 0, 0, 4, SPACING).proposed(labels)
    assert made[2, 20, 20] == 0 and made[2, 20, 21] == 1
    assert not made[:, :3].any() and not made[[0, 4]].any()


def test_classes_that_vanish_shrink_and_others_take_their_place() -> None:
    labels = np.zeros((7, 41, 41), np.uint8)
    labels[0], labels[6] = disc(12), BACKGROUND
    sizes = [(plane == 1).sum() for plane in guess_between(labels, 0, 0, 6, SPACING).planes]
    assert sizes == sorted(sizes, reverse=True)


def test_the_distance_is_in_mm_and_positive_inside() -> None:
    mask = np.zeros((9, 9), bool)
    mask[:, 3:6] = True
    row = signed_distance(mask, (1.0, 0.5))[4]
    np.testing.assert_allclose(row, [-1.5, -1, -0.5, 0.5, 1, 0.5, -0.5, -1, -1.5])


def test_the_nearest_slice_is_the_one_before_where_two_are() -> None:
    assert nearest_slice((2, 6, 9), 4) == 2
    assert nearest_slice((2, 6, 9), 6) == 9
    with pytest.raises(InvalidConfig, match="paint one"):
        nearest_slice((4,), 4)


def test_only_a_slice_between_painted_ones_can_be_guessed() -> None:
    assert enclosing_slices((2, 6, 9), 7, 0) == (6, 9)
    with pytest.raises(InvalidConfig, match="y = 9"):
        enclosing_slices((2, 6, 9), 9, 1)
