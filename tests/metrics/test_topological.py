"""Errors of topology by place: Betti matching, defects by kind, exactness of label maps."""

import numpy as np
import pytest
from scipy import ndimage

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.metrics import all_exact, betti_errors, betti_matching_error, defect_counts
from napari_toposeg.metrics.topological import DEFECTS
from napari_toposeg.topology import KINDS, find_defects

FULL = np.ones((3, 3, 3))


def noisy_pair(seed: int, shape=(9, 10, 11)) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks that have about half of their features in common."""
    random = np.random.default_rng(seed)
    fields = [
        ndimage.gaussian_filter(random.standard_normal(shape), (0.5, 0.8, 1.2)[seed % 3])
        for _ in range(2)
    ]
    mixed = (fields[0], fields[0] + fields[1] / 2)
    share = (0.3, 0.6, 0.85)[seed // 3 % 3]
    first, second = (field > np.quantile(field, share) for field in mixed)
    return first, second


def unmatched_components(first: np.ndarray, second: np.ndarray) -> int:
    """Components without a partner: two are partners where a component of the union joins them."""
    joined, count = ndimage.label(first | second, FULL)
    pairs = sum(first[joined == k].any() and second[joined == k].any() for k in range(1, count + 1))
    return ndimage.label(first, FULL)[1] + ndimage.label(second, FULL)[1] - 2 * pairs


def filled(mask: np.ndarray) -> np.ndarray:
    """Return a mask whose components have neither loops nor cavities, each a box."""
    boxes = np.zeros_like(mask)
    parts, _ = ndimage.label(mask, FULL)
    for box in ndimage.find_objects(parts):
        boxes[box] = True
    return boxes if np.array_equal(boxes, mask) else filled(boxes)


@pytest.mark.parametrize("seed", range(6))
def test_of_boxes_the_matching_error_counts_components_without_a_partner(seed):
    random = np.random.default_rng(seed)
    pair = [filled(random.random((10, 12, 14)) < 0.03) for _ in range(2)]
    # Boxes that overlap may enclose something; the union then has a loop that neither has.
    assert betti_matching_error(*pair) == unmatched_components(*pair)


@pytest.mark.parametrize("seed", range(9))
def test_the_matching_error_bounds_the_betti_errors(seed):
    first, second = noisy_pair(seed)
    error = betti_matching_error(first, second)
    assert error >= sum(betti_errors(first, second))
    assert (error - sum(betti_errors(first, second))) % 2 == 0
    assert betti_matching_error(second, second) == 0


def bar(*holes: int) -> np.ndarray:
    """A plate with holes at some places along it."""
    mask = np.zeros((9, 8, 24), bool)
    mask[4, 1:7, 1:23] = True
    for hole in holes:
        mask[4, 3:5, hole : hole + 2] = False
    return mask


def block(*cavities: int) -> np.ndarray:
    """A block with cavities at some places along it."""
    mask = np.zeros((7, 7, 24), bool)
    mask[1:6, 1:6, 1:23] = True
    for cavity in cavities:
        mask[3, 3, cavity] = False
    return mask


@pytest.mark.parametrize("made", [bar, block])
def test_features_in_other_places_do_not_match_though_their_numbers_agree(made):
    assert betti_errors(made(4), made(16)) == (0, 0, 0)
    assert betti_matching_error(made(4), made(16)) == 2
    assert betti_matching_error(made(4, 10), made(10, 16)) == 2
    assert betti_matching_error(made(4), made(4, 10)) == 1


@pytest.mark.parametrize("connectivity", [26, 6])
def test_pieces_in_other_places_do_not_match(connectivity):
    first, second = np.zeros((2, 9, 9, 9), bool)
    first[1:4, 1:4, 1:4] = second[5:8, 5:8, 5:8] = True
    assert betti_matching_error(first, second, connectivity) == 2
    assert betti_matching_error(first, first | second, connectivity) == 1
    nothing = np.zeros_like(first)
    assert betti_matching_error(nothing, first, connectivity) == 1
    assert betti_matching_error(nothing, nothing, connectivity) == 0


def test_connectivity_decides_what_the_matching_error_sees():
    corner = np.zeros((4, 4, 4), bool)
    corner[1, 1, 1] = corner[2, 2, 2] = True
    one = corner.copy()
    one[2, 2, 2] = False
    assert betti_matching_error(corner, one) == 0
    assert betti_matching_error(corner, one, 6) == 1


def test_planes_have_a_matching_error():
    plane = block(4)[3]
    assert betti_matching_error(plane, block()[3]) == 1


@pytest.mark.parametrize("seed", range(3))
def test_defects_are_counted_by_kind_and_none_is_lost(seed):
    pair = noisy_pair(seed)
    counts = defect_counts(*pair)
    kinds = find_defects(*pair).kind
    assert counts["spurious"] == np.count_nonzero(kinds == "spurious")
    assert sum(counts.values()) == np.count_nonzero(kinds != "harmless")


def test_every_kind_of_defect_has_its_place():
    counted = [kind for kinds in DEFECTS.values() for kind in kinds]
    assert sorted([*counted, "harmless"]) == sorted(KINDS)


def test_defects_of_a_broken_and_plugged_mask():
    truth = bar(4)
    found = bar(16)
    found[7, 1:3, 1:3] = True
    counts = defect_counts(found, truth)
    assert {name: count for name, count in counts.items() if count} == {"spurious": 1, "loops": 2}


def test_labels_are_exact_up_to_moves_that_keep_topology():
    labels = np.zeros((8, 8, 8), int)
    labels[1:4, 1:4, 1:4] = 1
    labels[4:7, 1:4, 1:4] = 2
    grown = labels.copy()
    grown[1:4, 4, 1:4] = 1
    assert all_exact(grown, labels)
    grown[6, 6, 6] = 2
    assert not all_exact(grown, labels)
    assert all_exact(grown, labels, [1])
    with pytest.raises(ShapeMismatch):
        all_exact(grown, labels[1:])
