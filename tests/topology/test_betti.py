"""Betti numbers of known masks, in agreement with persistence, in both connectivities."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from oracles.betti import by_persistence, cases

from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.topology import (
    BettiNumbers,
    betti_numbers,
    betti_numbers_by_class,
    euler_characteristic,
)


def hollow(*shape: int) -> np.ndarray:
    """A box of one layer of voxels around a cavity."""
    mask = np.ones(shape, bool)
    mask[(slice(1, -1),) * len(shape)] = False
    return mask


def diagonal(ndim: int) -> np.ndarray:
    """Two voxels that share one corner."""
    mask = np.zeros((2,) * ndim, bool)
    mask[(0,) * ndim] = mask[(1,) * ndim] = True
    return mask


@pytest.mark.parametrize("connectivity", [26, 6])
def test_known_volumes(connectivity):
    def numbers(mask):
        return betti_numbers(mask, connectivity=connectivity)

    assert numbers(np.zeros((3, 4, 5))) == (0, 0, 0)
    assert numbers(np.ones((3, 4, 5))) == (1, 0, 0)
    assert numbers(np.ones((1, 1, 1))) == (1, 0, 0)
    assert numbers(hollow(4, 5, 6)) == (1, 0, 1)
    assert numbers(hollow(4, 5, 6)[1:-1]) == (1, 1, 0)
    assert numbers(np.ones((5, 5, 5), np.uint8)[::2] * 7) == (1, 0, 0)


def test_connectivity_joins_or_parts_diagonal_voxels():
    assert betti_numbers(diagonal(3)) == (1, 0, 0)
    assert betti_numbers(diagonal(3), connectivity=6) == (2, 0, 0)
    assert betti_numbers(diagonal(2)) == (1, 0, 0)
    assert betti_numbers(diagonal(2), connectivity=4) == (2, 0, 0)


def test_ring_that_closes_over_corners_only():
    ring = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    assert betti_numbers(ring, connectivity=8) == (1, 1, 0)
    assert betti_numbers(ring, connectivity=4) == (4, 0, 0)


def test_two_dimensional_rings_hold_loops_and_never_cavities():
    two = np.concatenate([hollow(4, 5), np.zeros((4, 1)), hollow(4, 5)], axis=1)
    assert betti_numbers(two) == (2, 2, 0)


def test_cavity_open_to_the_border_is_none():
    mask = hollow(5, 5, 5)
    mask[0, 2, 2] = False
    assert betti_numbers(mask) == (1, 0, 0)


@pytest.mark.parametrize("seed", range(2))
def test_counting_and_persistence_agree(seed):
    for mask, connectivity in cases(300, seed):
        found = betti_numbers(mask, connectivity=connectivity)
        assert found == by_persistence(mask, connectivity)
        chi = euler_characteristic(mask, connectivity=connectivity)
        assert chi == found.b0 - found.b1 + found.b2


@pytest.mark.parametrize("connectivity", [26, 6])
def test_slabs_worked_side_by_side_agree_with_persistence(connectivity, monkeypatch):
    monkeypatch.setattr("napari_toposeg.topology.masks.slabs.ROWS_WORTH_A_THREAD", 10)
    monkeypatch.setattr("napari_toposeg.topology.masks.slabs.processors", lambda: 4)
    random = np.random.default_rng(4)
    for density in (0.1, 0.3, 0.6, 0.9):
        mask = random.random((17, 8, 70)) < density
        assert betti_numbers(mask, connectivity=connectivity) == by_persistence(mask, connectivity)


def test_classes_are_counted_each_against_the_rest():
    labels = np.random.default_rng(3).integers(0, 4, (9, 10, 11)).astype(np.uint8)
    found = betti_numbers_by_class(labels, connectivity=6)
    assert found == {k: betti_numbers(labels == k, connectivity=6) for k in (1, 2, 3)}
    chosen = betti_numbers_by_class(labels, classes=[2, 0, 7], connectivity=6)
    background = betti_numbers(labels == 0, connectivity=6)
    assert chosen == {2: found[2], 0: background, 7: (0, 0, 0)}
    assert betti_numbers_by_class(np.where(labels, labels - 9.0, 0), connectivity=6) == {
        k - 9: v for k, v in found.items()
    }
    assert betti_numbers_by_class(labels > 0) == {1: betti_numbers(labels > 0)}


def test_neither_order_nor_type_of_the_voxels_matters():
    mask = np.random.default_rng(5).random((9, 10, 11)) < 0.4
    expected = betti_numbers(mask)
    assert betti_numbers(np.asfortranarray(mask)) == expected
    assert betti_numbers(mask[::-1, :, ::-1]) == expected
    assert betti_numbers(mask.astype(">f4")) == betti_numbers(mask * np.int16(-7)) == expected


def test_padding_keeps_betti_numbers():
    mask = np.random.default_rng(0).random((9, 9, 9)) < 0.4
    assert betti_numbers(np.pad(mask, 3)) == betti_numbers(mask)


def test_what_is_no_mask_is_refused():
    with pytest.raises(InvalidVolume, match="shape"):
        betti_numbers(np.zeros(4))
    with pytest.raises(InvalidVolume, match="NaN"):
        betti_numbers(np.full((2, 2), np.nan))
    with pytest.raises(InvalidConfig, match="connectivity 6 does not fit 2D"):
        betti_numbers(np.zeros((2, 2)), connectivity=6)
    with pytest.raises(InvalidConfig, match="18"):
        betti_numbers(np.zeros((2, 2, 2)), connectivity=18)


@pytest.mark.parametrize("connectivity", [26, 6])
def test_runs_that_end_with_a_machine_word_are_counted(connectivity):
    random = np.random.default_rng(7)
    for shift in (-1, 0, 1):
        coarse = random.random((4, 5, 8)) < 0.2
        mask = np.roll(np.repeat(coarse, 64, axis=-1), shift, axis=-1)
        assert betti_numbers(mask, connectivity=connectivity) == by_persistence(mask, connectivity)


@pytest.mark.parametrize("large", [2**32 - 1, 2**63, 2**64 - 1])
def test_a_label_may_be_as_large_as_its_type(large: int) -> None:
    labels = np.array([[0, large, 0, 1]], np.uint64)
    one = BettiNumbers(1, 0, 0)
    assert betti_numbers_by_class(labels) == {1: one, large: one}
    assert betti_numbers_by_class(labels, classes=[0]) == {0: BettiNumbers(2, 0, 0)}


def test_a_float_label_beyond_the_exact_ones_is_refused() -> None:
    with pytest.raises(InvalidVolume, match=r"at most 2\^53, got 1e\+300"):
        betti_numbers_by_class(np.array([[1e300, 2.0]]))


def test_a_masked_array_is_refused() -> None:
    masked = np.ma.masked_array(np.ones((3, 3)), mask=True)
    for count in (betti_numbers, betti_numbers_by_class, euler_characteristic):
        with pytest.raises(InvalidVolume, match="fill them"):
            count(masked)
