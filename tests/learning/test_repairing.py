"""Repaired segmentations: exact, near to what was found, and clear about what is not reached."""

import numpy as np
import pytest
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.repairing import changes, repaired
from napari_toposeg.learning.segmentation import Segmentation, decided
from napari_toposeg.topology import betti_numbers, largest_and_filled
from napari_toposeg.volume import Volume

GRID = Volume(np.zeros((16, 20, 44), np.float32), np.eye(4), modality="MR")


def segmented(*classes: np.ndarray) -> Segmentation:
    """A segmentation of class probabilities; the background has the rest."""
    stack = np.stack([1 - np.sum(classes, axis=0), *classes]).astype(np.float32)
    names = tuple(f"class {number}" for number in range(1, len(classes) + 1))
    return decided(GRID, stack, names)


def blob(centre, radius) -> np.ndarray:
    """A probability that is 0.95 inside of a ball and hardly any outside."""
    grid = np.indices(GRID.shape) - np.reshape(centre, (3, 1, 1, 1))
    return 0.95 / (1 + np.exp(3 * (np.linalg.norm(grid, axis=0) - radius)))


def test_a_large_piece_far_away_is_dropped_not_joined_by_a_bridge():
    true, false = blob((8, 10, 9), 5.5), blob((8, 10, 36), 4)
    mended, repairs = repaired(segmented(true + false), {1: (1, 0, 0)})
    assert repairs.reached
    plain = largest_and_filled((true + false > 0.5).astype(np.uint8))
    np.testing.assert_array_equal(mended.labels.voxels, plain)


def test_pieces_are_joined_where_the_network_is_in_doubt():
    bar = blob((8, 10, 9), 4) + blob((8, 10, 21), 4)
    doubt = np.zeros(GRID.shape)
    doubt[7:10, 9:12, 12:18] = 0.3
    mended, _ = repaired(segmented(np.maximum(bar, doubt)), {1: (1, 0, 0)})
    found = mended.labels.voxels == 1
    assert betti_numbers(found) == (1, 0, 0)
    assert found[:, :, :10].any() and found[:, :, 22:].any()


def test_what_is_right_already_is_left_alone():
    # The second class is the most probable of three where it lies, with less than a half.
    doubt = blob((8, 10, 30), 5)
    before = segmented(blob((8, 10, 9), 5) * 0.9 + 0.4 * doubt, 0.45 * doubt)
    assert (before.labels.voxels == 2).any()
    mended, repairs = repaired(before, {1: (1, 0, 0), 2: (1, 0, 0)})
    assert repairs.reached and not any(its.edits for its in repairs.repairs.values())
    np.testing.assert_array_equal(mended.labels.voxels, before.labels.voxels)
    assert mended.labels.voxels.dtype == np.uint8


def test_only_the_classes_named_are_repaired():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(0.5, 2, GRID.shape), 1.0)
    one = np.clip(noise, 0, 1) * (np.indices(GRID.shape)[2] < 20)
    two = np.clip(noise, 0, 1) * (np.indices(GRID.shape)[2] > 24)
    before = segmented(one * 0.99, two * 0.99)
    mended, repairs = repaired(before, {2: (1, 0, 0)})
    assert betti_numbers(mended.labels.voxels == 2) == (1, 0, 0)
    np.testing.assert_array_equal(mended.labels.voxels == 1, before.labels.voxels == 1)
    first, second = changes(before, repairs, {2: (1, 0, 0)})
    assert first.wanted is None and first.before == first.after and first.reached
    assert second.wanted == second.after == (1, 0, 0) != second.before
    changed = np.count_nonzero(mended.labels.voxels != before.labels.voxels)
    assert second.added + second.removed == changed and second.edits > 0


def test_what_cannot_be_reached_is_said():
    before = segmented(blob((8, 10, 9), 4))
    _, repairs = repaired(before, {1: (1, 5, 0)})
    (change,) = changes(before, repairs, {1: (1, 5, 0)})
    assert not change.reached and "loops" in change.reason
    assert change.after == betti_numbers(repairs.labels == 1)


def test_a_class_that_is_nowhere_is_made_of_its_likeliest_voxel():
    faint = np.full(GRID.shape, 0.01)
    faint[3, 4, 5] = 0.2
    mended, repairs = repaired(segmented(faint), {1: (1, 0, 0)})
    assert repairs.reached
    assert np.argwhere(mended.labels.voxels == 1).tolist() == [[3, 4, 5]]
    # So it is where the network is sure that there is none: it was asked for.
    mended, repairs = repaired(segmented(faint / 10), {1: (1, 0, 0)})
    assert repairs.reached and np.count_nonzero(mended.labels.voxels) == 1


def test_a_class_that_is_not_there_is_refused():
    with pytest.raises(InvalidConfig, match="class 3"):
        repaired(segmented(blob((8, 10, 9), 4)), {3: (1, 0, 0)})
