"""Closed shapes have the Betti numbers of their ideals, on any grid that can show them."""

import numpy as np
import pytest

from napari_toposeg import phantoms
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology import betti_numbers

SHAPES = {
    "ball": (1, 0, 0),
    "hollow_ball": (1, 0, 1),
    "torus": (1, 1, 0),
    "linked_rings": (2, 2, 0),
}
GRIDS = {
    "cube": ((32, 32, 32), (1, 1, 1)),
    "small": ((20, 20, 20), (0.5, 0.5, 0.5)),
    "odd": ((25, 41, 33), (1, 1, 1)),
    "anisotropic": ((24, 60, 60), (2.5, 1.0, 1.0)),
}
each_shape = pytest.mark.parametrize("name", SHAPES)


@each_shape
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_truth_has_the_ideal_betti_numbers(name, grid):
    shape, spacing = grid
    phantom = phantoms.make(name, shape=shape, spacing=spacing)
    assert phantom.name == name
    assert phantom.image.spacing == pytest.approx(spacing)
    assert betti_numbers(phantom.truth.voxels) == phantom.betti == SHAPES[name]


@each_shape
def test_clean_image_shows_the_truth_at_half_contrast(name):
    phantom = phantoms.make(name, shape=(32, 32, 32), noise=0, blur=0)
    assert ((phantom.image.voxels > -405) == (phantom.truth.voxels > 0)).mean() > 0.999


def test_noise_and_seed_are_what_was_asked_for():
    clean, noisy, again, other = (
        phantoms.ball((32, 32, 32), noise=noise, seed=seed).image.voxels.astype(float)
        for noise, seed in ((0, 0), (25, 0), (25, 0), (25, 1))
    )
    assert (noisy - clean).std() == pytest.approx(25, rel=0.03)
    assert (noisy == again).all()
    assert (noisy != other).any()


def test_blur_is_in_mm():
    coarse = phantoms.ball((24, 24, 24), spacing=(2, 2, 2), blur=4, noise=0).image.voxels
    fine = phantoms.ball((24, 24, 24), spacing=(1, 1, 1), blur=2, noise=0).image.voxels
    assert np.abs(coarse.astype(int) - fine).max() <= 1


@pytest.mark.parametrize("name", ["hollow_ball", "torus", "linked_rings"])
def test_grid_too_coarse_for_the_shape_is_refused(name):
    with pytest.raises(InvalidConfig, match="too coarse"):
        phantoms.make(name, shape=(4, 4, 4))


def test_unknown_name_is_refused_with_the_choices():
    with pytest.raises(InvalidConfig, match="torus"):
        phantoms.make("klein bottle")


def test_every_name_can_be_made():
    assert {phantoms.make(name, shape=(24, 24, 24)).name for name in phantoms.NAMES} == set(
        phantoms.NAMES
    )
