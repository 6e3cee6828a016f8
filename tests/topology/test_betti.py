"""Betti numbers of known masks, in agreement with persistence, in both connectivities."""

import gudhi
import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.topology import betti_numbers, euler_characteristic


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


def by_persistence(mask: np.ndarray, connectivity: int) -> tuple[int, ...]:
    """Betti numbers of the sublevel set {f <= 0}, f = 0 on the mask and 1 off it."""
    field = 1.0 - mask
    name = "top_dimensional_cells" if connectivity in (8, 26) else "vertices"
    padded = np.pad(field, 1, constant_values=1)
    cells = gudhi.CubicalComplex(**{name: padded})
    cells.compute_persistence(homology_coeff_field=2)
    born = [cells.persistence_intervals_in_dimension(k).reshape(-1, 2) for k in range(3)]
    return tuple(int(np.count_nonzero((b[:, 0] <= 0) & (b[:, 1] > 0))) for b in born)


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


@pytest.mark.parametrize("density", [0.15, 0.35, 0.5, 0.7, 0.9])
@pytest.mark.parametrize(
    ("shape", "connectivity"), [((7, 8, 9), 26), ((7, 8, 9), 6), ((20, 21), 8), ((20, 21), 4)]
)
def test_labelling_and_persistence_agree(shape, connectivity, density):
    random = np.random.default_rng(int(100 * density))
    for _ in range(5):
        mask = random.random(shape) < density
        found = betti_numbers(mask, connectivity=connectivity)
        assert found == by_persistence(mask, connectivity)
        chi = euler_characteristic(mask, connectivity=connectivity)
        assert chi == found.b0 - found.b1 + found.b2


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
