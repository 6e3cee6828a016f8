"""The plain repair: what it keeps, what it fills, and what it leaves alone."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label as components_of

from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.topology import betti_numbers, betti_numbers_by_class, largest_and_filled


def noisy_classes(seed: int, shape=(14, 15, 16)) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.2)
    return np.digitize(field, np.quantile(field, [0.5, 0.75])).astype(np.uint8)


def box(labels: np.ndarray, low: int, high: int, value: int) -> None:
    labels[low:high, low:high, low:high] = value


@pytest.mark.parametrize("connectivity", [26, 6])
@pytest.mark.parametrize("seed", range(4))
def test_one_class_becomes_what_scipy_and_scikit_image_make_of_it(seed, connectivity):
    mask = noisy_classes(seed) == 2
    parts = components_of(mask, connectivity={26: 3, 6: 1}[connectivity])
    largest = parts == np.bincount(parts[mask]).argmax()
    rest = np.ones((3, 3, 3)) if connectivity == 6 else None
    expected = ndimage.binary_fill_holes(largest, structure=rest)
    assert np.array_equal(largest_and_filled(mask * 1, connectivity=connectivity) == 1, expected)
    numbers = betti_numbers(expected, connectivity=connectivity)
    assert (numbers.b0, numbers.b2) == (1, 0)


@pytest.mark.parametrize("seed", range(4))
def test_every_class_is_one_component_and_nothing_is_taken_from_another(seed):
    labels = noisy_classes(seed)
    fixed = largest_and_filled(labels)
    assert [numbers.b0 for numbers in betti_numbers_by_class(fixed).values()] == [1, 1]
    assert np.array_equal(largest_and_filled(fixed), fixed)
    assert fixed.dtype == labels.dtype
    # A voxel that changed its class was in a small component of the other one first.
    turned = (labels != fixed) & (labels > 0) & (fixed > 0)
    assert not (turned & (largest_of_each(labels) == labels)).any()


def largest_of_each(labels: np.ndarray) -> np.ndarray:
    kept = np.zeros_like(labels)
    for number in (1, 2):
        parts = components_of(labels == number, connectivity=3)
        kept[parts == np.bincount(parts[parts > 0]).argmax()] = number
    return kept


def test_a_loop_stays():
    ring = np.ones((3, 5, 5), np.int16)
    ring[:, 2, 2] = 0
    assert np.array_equal(largest_and_filled(ring), ring)


def test_a_cavity_is_filled_only_where_it_is_background():
    labels = np.zeros((9, 9, 9), int)
    box(labels, 0, 9, 1)
    box(labels, 2, 7, 0)
    box(labels, 4, 5, 2)
    expected = np.ones_like(labels)
    expected[4, 4, 4] = 2
    assert np.array_equal(largest_and_filled(labels), expected)


def test_what_two_classes_enclose_goes_to_the_inner_one():
    labels = np.zeros((11, 11, 11), int)
    for low, value in ((0, 1), (1, 0), (3, 2), (4, 0)):
        box(labels, low, 11 - low, value)
    expected = np.ones_like(labels)
    box(expected, 3, 8, 2)
    assert np.array_equal(largest_and_filled(labels), expected)


def test_a_speck_of_another_class_is_removed_and_then_filled():
    labels = np.ones((5, 5, 9), int)
    labels[2, 2, 2] = 2
    labels[:, :, 6:] = 2
    expected = labels.copy()
    expected[2, 2, 2] = 1
    assert np.array_equal(largest_and_filled(labels), expected)


def test_of_equal_components_the_first_in_scan_order_is_kept():
    labels = np.array([[0, 3, 3, 0, 3, 3]])
    assert largest_and_filled(labels).tolist() == [[0, 3, 3, 0, 0, 0]]


def test_connectivity_decides_what_hangs_together():
    diagonal = np.eye(3, dtype=int)
    assert np.array_equal(largest_and_filled(diagonal), diagonal)
    assert largest_and_filled(diagonal, connectivity=4).sum() == 1


def test_an_empty_map_stays_empty():
    assert not largest_and_filled(np.zeros((3, 4, 5), np.uint8)).any()


def test_what_is_no_label_map_is_refused():
    with pytest.raises(InvalidVolume, match="whole numbers"):
        largest_and_filled(np.full((2, 2, 2), 0.5))
    with pytest.raises(InvalidConfig, match="connectivity"):
        largest_and_filled(np.ones((2, 2, 2), int), connectivity=8)
