"""Simple points against labelling of the neighbours, deformations against Betti numbers."""

import heapq

import numpy as np
import pytest
from scipy import ndimage

from napari_toposeg.topology import betti_numbers
from napari_toposeg.topology.masks.neighbours import EVERY, count_parts, is_simple, pack
from napari_toposeg.topology.mending.growing import deform
from napari_toposeg.topology.mending.queue import full_queue, put, take_least

CENTRE = (1, 1, 1)
WIDE = np.ones((3, 3, 3), bool)
NARROW = ndimage.generate_binary_structure(3, 1)
WITHIN_EDGE = ndimage.generate_binary_structure(3, 2)


def parts_by_labelling(block: np.ndarray, connectivity: int) -> tuple[int, int]:
    """Parts of foreground and background that meet the centre of a 3 x 3 x 3 block."""

    def wide(side: np.ndarray) -> int:
        return ndimage.label(side, WIDE)[1]

    def narrow(side: np.ndarray) -> int:
        label = ndimage.label(side & WITHIN_EDGE, NARROW)[0]
        return len(set(label[NARROW].tolist()) - {0})

    around = np.ones((3, 3, 3), bool)
    around[CENTRE] = False
    foreground, background = block & around, ~block & around
    if connectivity == 26:
        return wide(foreground), narrow(background)
    return narrow(foreground), wide(background)


@pytest.mark.parametrize("connectivity", [26, 6])
def test_parts_are_those_found_by_labelling(connectivity):
    random = np.random.default_rng(connectivity)
    for _ in range(3000):
        block = random.random((3, 3, 3)) < random.random()
        around = pack(block) & EVERY
        expected = parts_by_labelling(block, connectivity)
        assert count_parts(around, connectivity == 26) == expected
        assert is_simple(around, connectivity == 26) == (expected == (1, 1))


@pytest.mark.parametrize("connectivity", [26, 6, 8, 4])
def test_a_voxel_is_flipped_exactly_where_that_changes_no_part(connectivity):
    """Simple means equal Betti numbers; in 2D the converse holds too."""
    random = np.random.default_rng(connectivity)
    shape = (5, 5, 5) if connectivity in (26, 6) else (5, 5)
    centre = (2,) * len(shape)
    simple = 0
    for _ in range(700):
        empty = random.random(shape) < random.uniform(0.2, 0.8)
        empty[centre] = False
        filled = empty.copy()
        filled[centre] = True
        only = filled != empty
        before = betti_numbers(empty, connectivity=connectivity)
        after = betti_numbers(filled, connectivity=connectivity)
        grows = deform(empty, only, None, True, connectivity)[centre]
        assert grows == (not deform(filled, only, None, False, connectivity)[centre])
        assert not grows or before == after
        if len(shape) == 2:
            assert grows == (before == after)
        simple += grows
    assert 50 < simple < 650


@pytest.mark.parametrize("connectivity", [26, 6, 8, 4])
@pytest.mark.parametrize("target", [True, False])
def test_deformations_keep_the_betti_numbers(connectivity, target):
    random = np.random.default_rng(0)
    shape = (9, 10, 11) if connectivity in (26, 6) else (30, 31)
    for _ in range(5):
        importance = ndimage.gaussian_filter(random.random(shape), 0.7)
        mask = importance > np.median(importance)
        allowed = random.random(shape) < 0.9
        moved = deform(mask, allowed, importance, target, connectivity)
        assert np.count_nonzero(moved != mask) > 10
        assert not np.any((moved != mask) & ~(allowed & (mask != target)))
        expected = betti_numbers(mask, connectivity=connectivity)
        assert betti_numbers(moved, connectivity=connectivity) == expected
        assert np.array_equal(moved, deform(moved, allowed, importance, target, connectivity))


def test_the_more_important_voxel_is_flipped_first():
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    start = np.zeros_like(ring)
    start[0, 0] = True
    importance = np.arange(9.0).reshape(3, 3)
    importance[1, 2] = -1
    grown = deform(start, ring, importance, True, 4)
    assert np.argwhere(ring & ~grown).tolist() == [[1, 2]]


def test_a_deformation_can_be_stopped():
    def stop() -> None:
        raise KeyboardInterrupt

    start = np.zeros((90, 90, 90), bool)
    start[45, 45, 45] = True
    with pytest.raises(KeyboardInterrupt):
        deform(start, np.ones_like(start), None, True, 26, stop)


@pytest.mark.parametrize("count", [0, 1, 64, 65, 5000])
def test_queue_gives_the_least_rank_first(count):
    random = np.random.default_rng(count)
    words, begins = full_queue(count)
    heap = list(range(count))
    for _ in range(3 * count + 3):
        if count and random.random() < 0.3:
            rank = int(random.integers(count))
            put(words, begins, rank)
            if rank not in heap:
                heapq.heappush(heap, rank)
        else:
            assert take_least(words, begins) == (heapq.heappop(heap) if heap else -1)
