"""What is hidden, on whose lattice."""

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.learning.hiding import (
    Marked,
    Slabs,
    cubes_as_patches,
    marked_patches,
    patch_edges,
    slab_patches,
)
from napari_toposeg.resampling import resample
from napari_toposeg.volume import Volume


def even_edges(count: int, patch: int) -> tuple[np.ndarray, ...]:
    cuts = np.arange(count + 1) * patch - 0.5
    return cuts, cuts, cuts


def test_patches_lie_in_the_scan_where_the_models_grid_has_them():
    scan = Volume(np.zeros((10, 24, 24)), np.diag([-1.0, -1, 3, 1]))
    z, y, x = patch_edges(scan, resample(scan, (2.0, 2.0, 2.0)), 6)
    np.testing.assert_allclose(x, [-0.5, 11.5, 23.5])
    np.testing.assert_allclose(y, x)
    # 30 mm are 15 voxels of 2 mm: two patches of 12 mm and a rest of 6.
    np.testing.assert_allclose(z, [-0.5, 3.5, 7.5, 9.5])


def test_every_third_slab_is_hidden_through_the_whole_scan():
    hidden = slab_patches(Slabs(axis=1, every=3, first=1), (2, 7, 3))
    assert hidden[:, [1, 4]].all()
    assert hidden.sum() == 2 * 2 * 3


def test_a_scan_of_one_slab_cannot_alternate():
    with pytest.raises(InvalidConfig, match="1 patches thick along z"):
        slab_patches(Slabs(axis=0), (1, 9, 9))


def test_cubes_end_with_the_grid():
    cubes = np.zeros((2, 2, 2), bool)
    cubes[1, 1, 1] = True
    hidden = cubes_as_patches(cubes, (3, 4, 3), 2)
    assert hidden.shape == (3, 4, 3)
    assert hidden[2:, 2:, 2:].all() and hidden.sum() == 2


def test_a_marked_voxel_hides_its_patch_and_no_other():
    mask = np.zeros((12, 12, 12), bool)
    mask[4, 5, 11] = True
    hidden = marked_patches(Marked(mask), even_edges(3, 4))
    assert np.argwhere(hidden).tolist() == [[1, 1, 2]]


def test_the_mask_of_a_lattice_hides_its_own_patches_again():
    patches = np.random.default_rng(0).random((3, 3, 3)) < 0.5
    mask = cubes_as_patches(patches, (12, 12, 12), 4)
    for whole in (True, False):
        hidden = marked_patches(Marked(mask, whole=whole), even_edges(3, 4))
        np.testing.assert_array_equal(hidden, patches)


def test_another_lattice_hides_as_much_and_where_most_was_hidden():
    mask = np.zeros((24, 24, 24), bool)
    mask[:, :, :12] = True
    hidden = marked_patches(Marked(mask, whole=False), even_edges(3, 8))
    # Patches of 8: the first column lies inside, half of the second.
    assert hidden[:, :, 0].all() and not hidden[:, :, 2].any()
    assert hidden.sum() == pytest.approx(27 / 2, abs=1)


def test_a_region_on_another_grid_is_refused():
    with pytest.raises(ShapeMismatch, match="own grid"):
        marked_patches(Marked(np.ones((3, 3, 3), bool)), even_edges(3, 4))


@pytest.mark.parametrize(
    ("fill", "message"), [(False, "no voxel is marked"), (True, "every patch")]
)
def test_a_region_hides_a_part(fill, message):
    with pytest.raises(InvalidConfig, match=message):
        marked_patches(Marked(np.full((12, 12, 12), fill)), even_edges(3, 4))
