"""Annotations: unlabelled is not background, slices are found, and the split leaks no voxel."""

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.annotate.annotations import (
    BACKGROUND,
    describe_slices,
    read_annotation,
    split_annotation,
    unlabelled_voxels,
    validation_slices,
)
from napari_toposeg.plugin.finetune.annotate.covering import Slice, axis_order, painted_counts


def painted(shape=(12, 10, 8), slices=(2, 5, 6, 9), axis=0) -> np.ndarray:
    """Slices painted to the last voxel: a square of class 1 on background."""
    labels = np.zeros(shape, np.uint8)
    view = np.moveaxis(labels, axis, 0)
    view[list(slices)] = BACKGROUND
    view[list(slices), 2:5, 2:5] = 1
    return labels


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_painted_slices_are_found_across_their_axis(axis: int) -> None:
    labels = painted((12, 11, 10), axis=axis)
    assert axis_order(painted_counts(labels), labels.shape)[0] == axis
    found = read_annotation(labels)
    assert found.axis == axis
    assert found.slices == found.complete == (2, 5, 6, 9)


def test_three_scribbles_on_a_thin_slab_are_three_slices() -> None:
    labels = np.zeros((16, 128, 128), np.uint8)
    labels[[3, 8, 12], 40:90, 50:60] = 1
    annotation = read_annotation(labels)
    assert (annotation.axis, annotation.slices, annotation.complete) == (0, (3, 8, 12), ())


def test_an_empty_layer_has_no_slices_and_says_what_to_paint() -> None:
    annotation = read_annotation(np.zeros((4, 4, 4), np.uint8))
    assert annotation.slices == ()
    assert "Nothing is painted" in annotation.faults[0]


def test_a_class_without_background_cannot_be_learnt() -> None:
    labels = painted()
    labels[labels == BACKGROUND] = 0
    assert ["No background" in fault for fault in read_annotation(labels).faults] == [True]
    assert read_annotation(painted()).faults == ()


@pytest.mark.parametrize(("count", "kept"), [(0, 0), (1, 0), (3, 0), (4, 1), (7, 1), (8, 2)])
def test_one_of_every_four_slices_is_kept_for_validation(count: int, kept: int) -> None:
    slices = tuple(range(10, 10 + 3 * count, 3))
    chosen = validation_slices(slices, [1] * count, seed=1)
    assert len(chosen) == kept
    assert set(chosen) <= set(slices)


def test_the_seed_decides_the_split() -> None:
    slices, shown = range(40), [1] * 40
    choices = {validation_slices(slices, shown, seed=seed) for seed in range(8)}
    assert validation_slices(slices, shown, seed=3) == validation_slices(slices, shown, seed=3)
    assert len(choices) > 4


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_split_shares_no_voxel_and_loses_none(axis: int) -> None:
    labels = painted((12, 12, 12), axis=axis)
    train, kept = split_annotation(labels, (5,), axis)
    assert not ((train > 0) & (kept > 0)).any()
    np.testing.assert_array_equal(np.maximum(train, kept), labels)
    assert np.flatnonzero(painted_counts(kept)[axis]).tolist() == [5]
    assert np.flatnonzero(painted_counts(train)[axis]).tolist() == [2, 6, 9]


def test_a_label_beyond_255_is_refused() -> None:
    labels = np.zeros((3, 3, 3), np.int32)
    labels[0, 0, 0] = 300
    with pytest.raises(InvalidConfig, match="renumber"):
        split_annotation(labels, (), 0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_rest_of_a_slice_is_what_nobody_painted(axis: int) -> None:
    labels = np.zeros((5, 6, 7), np.uint8)
    np.moveaxis(labels, axis, 0)[3, 1:3, 1:3] = 2
    labels[unlabelled_voxels(labels, axis, 3)] = BACKGROUND
    assert read_annotation(labels).complete == (3,)
    assert (labels == 2).sum() == 4
    with pytest.raises(InvalidConfig, match="outside"):
        unlabelled_voxels(labels, axis, 7)


def test_background_is_no_class() -> None:
    assert read_annotation(painted()).classes == 1
    assert read_annotation(np.full((2, 2, 2), BACKGROUND, np.uint8)).classes == 0
    assert read_annotation(np.zeros((2, 2, 2), np.uint8)).classes == 0


def test_voxels_are_counted_by_class() -> None:
    annotation = read_annotation(painted(slices=(2, 5)))
    assert (annotation.voxels, annotation.background) == ({1: 18}, 2 * 80 - 18)


def test_runs_of_slices_are_joined() -> None:
    assert describe_slices((1, 2, 3, 7, 9, 10)) == "1 - 3, 7, 9, 10"
    assert describe_slices(()) == ""


def test_a_gap_in_the_classes_is_said() -> None:
    labels = painted()
    labels[2, 6:8, 6:8] = 3
    assert ["Label 2 is not painted" in fault for fault in read_annotation(labels).faults] == [True]


def crossing_slices() -> np.ndarray:
    """Four complete slices across z, two across y, and a scribble across x."""
    labels = painted((16, 14, 12), slices=(1, 5, 9, 13))
    labels[:, [3, 11]] = np.where(labels[:, [3, 11]] > 0, labels[:, [3, 11]], 2)
    labels[2:9, 5:9, 7] = np.maximum(labels[2:9, 5:9, 7], 1)
    return labels


def test_slices_across_several_axes_are_found_in_one_annotation() -> None:
    annotation = read_annotation(crossing_slices())
    assert (annotation.axis, annotation.slices) == (0, (1, 5, 9, 13))
    assert annotation.crossing == (Slice(1, 3), Slice(1, 11), Slice(2, 7))
    assert annotation.across(0) == annotation.complete == (1, 5, 9, 13)
    assert (annotation.across(1), annotation.across(2)) == ((3, 11), (7,))


def test_each_painted_voxel_is_counted_once_wherever_slices_cross() -> None:
    labels = crossing_slices()
    annotation = read_annotation(labels)
    assert sum(annotation.voxels.values()) + annotation.background == np.count_nonzero(labels)
    assert annotation.voxels == {k: int((labels == k).sum()) for k in (1, 2)}


def test_crossing_slices_train_except_where_they_cross_a_kept_one() -> None:
    labels = crossing_slices()
    annotation = read_annotation(labels)
    (kept_slice,) = annotation.validation
    train, kept = split_annotation(labels, annotation.validation, annotation.axis)
    assert not train[kept_slice].any() and kept[kept_slice].all()
    np.testing.assert_array_equal(np.delete(train, kept_slice, 0), np.delete(labels, kept_slice, 0))
    assert not np.delete(kept, kept_slice, 0).any()


@pytest.mark.parametrize("shape", [(60, 20, 20), (20, 60, 20), (20, 20, 60)])
def test_complete_slices_win_over_the_longer_slices_that_they_touch(shape) -> None:
    """Thirty of sixty short slices hold less each than one long slice holds of all of them."""
    axis = shape.index(60)
    labels = painted(shape, slices=tuple(range(0, 60, 2)), axis=axis)
    annotation = read_annotation(labels)
    assert (annotation.axis, len(annotation.slices), annotation.crossing) == (axis, 30, ())


def test_a_label_map_painted_everywhere_is_slices_across_z_alone() -> None:
    annotation = read_annotation(np.full((9, 9, 9), 1, np.uint8))
    assert (annotation.axis, annotation.slices, annotation.crossing) == (0, tuple(range(9)), ())


def test_of_each_four_slices_one_that_shows_most_classes_is_kept():
    labels = painted((20, 10, 8), slices=(1, 3, 5, 7, 9, 11, 13, 15))
    labels[1], labels[9], labels[5, 8, 1:4] = BACKGROUND, BACKGROUND, 2
    kept = {read_annotation(labels, seed=seed).validation for seed in range(20)}
    assert {first for first, _ in kept} == {5}
    assert {second for _, second in kept} == {11, 13, 15}
