"""The voxels of a feature: components, loops and cavities where they are known."""

import numpy as np
import pytest
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.topology import betti_numbers, feature_voxels, persistence


def rows_of(diagram, dimension: int) -> list[int]:
    """Return the rows of a dimension, the most persistent first."""
    return np.flatnonzero(diagram.dimension == dimension).tolist()


def shell() -> np.ndarray:
    """Return a bright hollow ball whose wall is thinnest at one side."""
    z, y, x = np.indices((15, 15, 15)) - 7
    radius = np.sqrt(z**2 + y**2 + x**2)
    return np.where(abs(radius - 5) < 1, 1.0 - 0.02 * x, 0.0)


def ring(gap: float = 0.6) -> np.ndarray:
    """Return a bright ring in a plane, a part of it darker: there the loop closes last."""
    z, y, x = np.indices((7, 25, 25)) - np.array([3, 12, 12])[:, None, None, None]
    there = np.hypot(np.hypot(y, x) - 9, z) < 1.6
    return np.where(there, np.where((x > 0) & (abs(y) < 3), gap, 1.0), 0.1)


@pytest.mark.parametrize("superlevel", [True, False])
@pytest.mark.parametrize("construction", ["T", "V"])
def test_a_component_is_its_peak_above_the_saddle(superlevel, construction):
    image = np.zeros((9, 9, 20))
    image[4, 4, 3:8], image[4, 4, 8], image[4, 4, 9:14] = 0.9, 0.4, 0.7
    diagram = persistence(
        image if superlevel else -image, superlevel=superlevel, construction=construction
    )
    younger = rows_of(diagram, 0)[1]
    found = feature_voxels(image if superlevel else -image, diagram, younger)
    np.testing.assert_array_equal(np.flatnonzero(found[4, 4]), np.arange(9, 14))
    assert found.sum() == 5


@pytest.mark.parametrize("construction", ["T", "V"])
def test_a_cavity_is_what_the_shell_encloses(construction):
    image = shell()
    diagram = persistence(image, superlevel=True, construction=construction)
    found = feature_voxels(image, diagram, rows_of(diagram, 2)[0])
    filled = ndimage.binary_fill_holes(image > 0) & (image <= 0)
    np.testing.assert_array_equal(found, filled)


@pytest.mark.parametrize("construction", ["T", "V"])
def test_a_loop_is_a_closed_path_around_the_hole(construction):
    image = ring()
    diagram = persistence(image, superlevel=True, construction=construction)
    row = rows_of(diagram, 1)[0]
    found = feature_voxels(image, diagram, row)
    assert found.ravel()[diagram.birth_voxel[row]]
    assert (image[found] >= diagram.birth[row]).all()
    connectivity = 26 if construction == "T" else 6
    assert tuple(betti_numbers(found, connectivity=connectivity)) == (1, 1, 0)
    # Around the hole: the filled path holds the middle of the ring.
    assert ndimage.binary_fill_holes(found.any(axis=0))[12, 12]
    assert found.sum() <= 2 * np.pi * 10 * 1.3


@pytest.mark.parametrize("steps", [None, 6])
@pytest.mark.parametrize("construction", ["T", "V"])
def test_features_of_random_fields_lie_in_the_sets_that_are_there(construction, steps):
    """Also where many voxels are equal, which enter by their index."""
    image = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(18, 18, 18)), 1.2)
    if steps is not None:
        image = np.rint(steps * image / np.ptp(image))
    diagram = persistence(image, superlevel=True, construction=construction)
    order = np.lexsort((np.arange(image.size), -image.ravel()))
    rank = np.empty(image.size, int)
    rank[order] = np.arange(image.size)
    rank = rank.reshape(image.shape)
    connectivity = 26 if construction == "T" else 6
    for dimension in (0, 1, 2):
        rows = [row for row in rows_of(diagram, dimension) if diagram.death_voxel[row] >= 0]
        for row in rows[:8]:
            birth, death = (
                rank.ravel()[ends[row]] for ends in (diagram.birth_voxel, diagram.death_voxel)
            )
            found = feature_voxels(image, diagram, row)
            if dimension == 0:
                assert rank[found].min() == birth and rank[found].max() < death
            elif dimension == 1:
                assert rank[found].max() == birth and found.sum() >= 4
            else:
                assert rank[found].min() > birth and rank[found].max() == death
            joined = connectivity if dimension < 2 else 32 - connectivity
            assert betti_numbers(found, connectivity=joined).b0 == 1


def test_a_loop_in_the_plane_is_the_hole():
    image = np.ones((7, 7))
    image[2:5, 2:5] = 0.2
    image[0, 0] = 0.1
    diagram = persistence(image, superlevel=True)
    found = feature_voxels(image, diagram, rows_of(diagram, 1)[0])
    assert found.sum() == 9 and found[2:5, 2:5].all()


def test_a_component_that_never_dies_is_shown_above_the_middle():
    image = np.zeros((5, 5, 5))
    image[2, 2, 1:4] = 1.0
    diagram = persistence(image, superlevel=True)
    assert feature_voxels(image, diagram, 0).sum() == 3


@pytest.mark.parametrize("superlevel", [True, False])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.bool_])
def test_whole_numbers_give_the_features_of_fractions(kind, superlevel):
    """Not the ones of their wrapped negatives or sums."""
    image = np.random.default_rng(3).integers(0, 2 if kind is np.bool_ else 250, (8, 9, 10))
    image = image.astype(kind)
    diagram = persistence(image, superlevel=superlevel)
    for row in [0, *rows_of(diagram, 0)[1:3], *rows_of(diagram, 1)[:2], *rows_of(diagram, 2)[:2]]:
        np.testing.assert_array_equal(
            feature_voxels(image, diagram, row),
            feature_voxels(image.astype(np.float64), diagram, row),
        )


def test_another_image_or_row_is_refused():
    image = np.random.default_rng(0).random((4, 4, 4))
    diagram = persistence(image)
    with pytest.raises(ShapeMismatch, match="the diagram is of"):
        feature_voxels(image[1:], diagram, 0)
    with pytest.raises(InvalidConfig, match="count from 0"):
        feature_voxels(image, diagram, len(diagram))
