"""What a wish means for a layer in a viewer."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.learning.hiding import Cubes, Marked, Slabs
from napari_toposeg.plugin.canvas.regions import draw_region
from napari_toposeg.plugin.reconstruct.wished import Wish, cube_text, pattern_of


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def scan(viewer):
    return viewer.add_image(np.zeros((20, 30, 40)), scale=(2, 1, 1), units=("mm",) * 3)


def test_random_kinds_take_ratio_and_seed(viewer, scan):
    assert pattern_of(Wish("patches", 0.7, 3), viewer, scan) == Cubes(0.7, 3, 1)
    assert pattern_of(Wish("cubes", 0.7, 3, edge=4), viewer, scan) == Cubes(0.7, 3, 4)
    assert pattern_of(Wish("slabs", axis=1, every=3), viewer, scan) == Slabs(1, 3, 2)


def test_a_box_lies_about_the_middle_of_the_view(viewer, scan):
    viewer.dims.set_point(0, 20.0)
    viewer.scene.camera.center = (0, 15, 20)
    pattern = pattern_of(Wish("box", box=8), viewer, scan)
    assert isinstance(pattern, Marked) and pattern.whole
    where = np.argwhere(pattern.voxels)
    np.testing.assert_array_equal(np.ptp(where, axis=0) + 1, (4, 8, 8))
    np.testing.assert_allclose(where.mean(axis=0), (10, 15, 20), atol=1)


def test_a_drawn_rectangle_is_hidden_with_the_slices_beside_it(viewer, scan):
    shapes = draw_region(viewer, scan)
    shapes.add_rectangles([np.array([[9, 5, 6], [9, 5, 12], [9, 10, 12], [9, 10, 6]])])
    where = np.argwhere(pattern_of(Wish("region", around=2), viewer, scan).voxels)
    assert (where.min(axis=0) == (7, 5, 6)).all()
    assert (where.max(axis=0) == (11, 10, 12)).all()


def test_without_a_region_there_is_nothing_to_hide(viewer, scan):
    with pytest.raises(InvalidVolume, match="no region"):
        pattern_of(Wish("region"), viewer, scan)


def test_the_same_is_hidden_again_on_the_same_grid_only(viewer, scan):
    last = np.zeros(scan.data.shape, bool)
    last[3] = True
    again = pattern_of(Wish("again"), viewer, scan, last)
    np.testing.assert_array_equal(again.voxels, last)
    for before in (None, last[:2]):
        with pytest.raises(InvalidConfig, match="nothing was hidden"):
            pattern_of(Wish("again"), viewer, scan, before)


def test_the_size_of_what_is_hidden_is_told_in_mm():
    assert "18 mm" in cube_text(6, (3.0, 3.0, 3.0))
    assert "12 × 6 × 6 mm" in cube_text(6, (2.0, 1.0, 1.0))
