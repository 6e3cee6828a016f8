"""The patch grid follows the slice, hatches what is hidden, and stays light."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.learning.hiding import Lattice
from napari_toposeg.plugin.canvas.marks import GRID, layer_with, role_of
from napari_toposeg.plugin.reconstruct.patch_grid import (
    HATCH,
    PatchGrid,
    show_patch_grid,
    slice_lines,
)


@pytest.fixture
def lattice():
    """Two by three by two patches, of which one is hidden in the first layer."""
    hidden = np.zeros((2, 3, 2), bool)
    hidden[0, 1, 0] = True
    cuts = [np.array(each) for each in ([-0.5, 3.5, 7.5], [-0.5, 3.5, 7.5, 11.5], [-0.5, 5.5, 9.5])]
    return Lattice(tuple(cuts), hidden)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def scan(viewer):
    return viewer.add_image(
        np.zeros((8, 12, 10)), scale=(4, 1, 1), translate=(10, 0, 0), units=("mm",) * 3
    )


def test_lines_are_the_cuts_and_strokes_lie_in_the_hidden_patch(lattice):
    lines, hatches = slice_lines(lattice, 0, 2.0)
    assert hatches == len(HATCH)
    assert len(lines) == 4 + 3 + hatches
    assert (lines[:, 0, 0] == 2).all() and (lines[:, 1, 0] == 0).all()
    ends = np.concatenate([lines[-hatches:, 0], lines[-hatches:].sum(axis=1)])
    assert (ends[:, 1] >= 3.5).all() and (ends[:, 1] <= 7.5).all()
    assert (ends[:, 2] >= -0.5).all() and (ends[:, 2] <= 5.5).all()


def test_another_layer_of_patches_has_its_own_hatches(lattice):
    assert slice_lines(lattice, 0, 6.0)[1] == 0
    assert slice_lines(lattice, 1, 5.0)[1] == len(HATCH)
    assert slice_lines(lattice, 0, 99.0)[1] == 0


def test_the_grid_follows_the_slice_and_changes_no_slider(viewer, scan, lattice):
    steps = viewer.dims.nsteps
    grid = show_patch_grid(viewer, scan, lattice)
    layer = layer_with(viewer, GRID)
    assert viewer.dims.nsteps == steps
    for step, hatches in ((1, len(HATCH)), (6, 0)):
        viewer.dims.set_current_step(0, step)
        assert (layer.data[:, 0, 0] == step).all()
        assert len(layer.data) == 7 + hatches
    viewer.dims.order = (2, 0, 1)
    assert np.ptp(layer.data[:, 0, 2]) == 0
    grid.remove()
    assert layer_with(viewer, GRID) is None


def test_hidden_patches_differ_by_more_than_colour(viewer, scan, lattice):
    show_patch_grid(viewer, scan, lattice)
    directions = layer_with(viewer, GRID).data[:, 1]
    slanted = (directions[:, 1] != 0) & (directions[:, 2] != 0)
    assert slanted.sum() == len(HATCH)


def test_a_second_grid_takes_the_place_of_the_first(viewer, scan, lattice):
    for _ in range(2):
        show_patch_grid(viewer, scan, lattice)
    assert [role_of(layer) for layer in viewer.layers].count(GRID) == 1


def test_a_grid_whose_layer_was_removed_draws_no_more(viewer, scan, lattice):
    grid = PatchGrid(viewer)
    layer = grid.show(scan, lattice)
    viewer.layers.remove(layer)
    viewer.dims.set_current_step(0, 3)
    assert not grid.shown
    assert layer_with(viewer, GRID) is None


def test_a_hidden_grid_is_drawn_when_it_is_shown_again(viewer, scan, lattice):
    layer = PatchGrid(viewer).show(scan, lattice)
    layer.visible = False
    viewer.dims.set_current_step(0, 5)
    layer.visible = True
    assert (layer.data[:, 0, 0] == 5).all()


def test_a_large_scan_costs_a_few_thousand_lines():
    sizes = ((60, 9), (512, 65), (512, 65))
    cuts = tuple(np.linspace(-0.5, size - 0.5, count) for size, count in sizes)
    lines, _ = slice_lines(Lattice(cuts, np.ones((8, 64, 64), bool)), 0, 30.0)
    assert len(lines) == 2 * 65 + len(HATCH) * 64 * 64
