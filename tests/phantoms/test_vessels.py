"""Vessel trees are trees, stand apart, look like lung CT, and are the same for the same seed."""

import numpy as np
import pytest
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.topology import betti_numbers

GRIDS = {
    "cube": ((48, 48, 48), (1, 1, 1)),
    "small": ((16, 16, 16), (1, 1, 1)),
    "odd": ((21, 47, 33), (1, 1, 1)),
    "anisotropic": ((16, 50, 61), (3.0, 0.7, 0.8)),
    "coarse": ((32, 32, 32), (4.0, 4.0, 4.0)),
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_tree_is_one_component_without_loops(grid, seed):
    shape, spacing = grid
    phantom = vessel_tree(shape, spacing=spacing, seed=seed)
    assert phantom.truth.shape == phantom.image.shape == shape
    assert phantom.image.spacing == pytest.approx(spacing)
    assert phantom.betti[1:] == (0, 0)
    assert betti_numbers(phantom.truth.voxels) == phantom.betti


@pytest.mark.parametrize("trees", [1, 2, 5])
def test_number_of_trees_is_the_one_asked_for(trees):
    phantom = vessel_tree((40, 40, 40), trees=trees, seed=3)
    assert betti_numbers(phantom.truth.voxels) == (trees, 0, 0)


def test_trees_stand_two_voxels_apart():
    truth = vessel_tree((48, 48, 48), trees=4, seed=1).truth.voxels
    labels, count = ndimage.label(truth, np.ones((3, 3, 3)))
    assert count == 4
    for tree in range(1, 5):
        near = ndimage.maximum_filter(labels == tree, size=5)
        assert set(np.unique(labels[near])) == {0, tree}


def test_seed_decides_everything():
    first, again, other = (vessel_tree((24, 24, 24), seed=seed) for seed in (5, 5, 6))
    assert (first.image.voxels == again.image.voxels).all()
    assert (first.truth.voxels == again.truth.voxels).all()
    assert (first.truth.voxels != other.truth.voxels).any()


def test_lung_and_vessels_have_the_hu_of_ct():
    phantom = vessel_tree((64, 64, 64), noise=0, blobs=0, seed=2)
    vessel, image = phantom.truth.voxels > 0, phantom.image.voxels
    assert image.dtype == np.int16
    assert np.median(image[~vessel]) == pytest.approx(-850, abs=25)
    assert -200 < image[vessel].max() <= 30
    depth = ndimage.distance_transform_edt(vessel)
    assert np.median(image[vessel & (depth == 1)]) < np.median(image[depth > 1.8]) - 100


def test_no_single_threshold_segments_it_well():
    phantom = vessel_tree((64, 64, 64), seed=4)
    vessel, image = phantom.truth.voxels > 0, phantom.image.voxels
    dice = [
        2
        * np.count_nonzero(vessel & (image > level))
        / (np.count_nonzero(vessel) + np.count_nonzero(image > level))
        for level in range(-800, 0, 50)
    ]
    assert 0.4 < max(dice) < 0.85


def test_wall_is_soft_tissue_and_no_vessel():
    phantom = vessel_tree((48, 48, 48), wall=8, blobs=0, seed=0)
    bright = phantom.image.voxels > -100
    assert np.count_nonzero(bright & (phantom.truth.voxels == 0)) > 0.08 * bright.size
    assert betti_numbers(phantom.truth.voxels) == phantom.betti


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": (4, 4, 4), "trees": 30}, "do not fit"),
        ({"shape": (32, 32)}, "three counts"),
        ({"spacing": (1, 0, 1)}, "above 0"),
        ({"noise": -1}, "noise -1"),
        ({"radius": (2, 1)}, "smallest, largest"),
        ({"trees": 0}, "trees 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InvalidConfig, match=message):
        vessel_tree(**{"shape": (16, 16, 16)} | settings)
