"""Volume: canonical order for the eye, the file's own order for writing."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_toposeg.errors import InvalidVolume, ShapeMismatch
from napari_toposeg.volume import Volume, from_file_order, to_file_order


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    spacing=st.tuples(*[st.floats(0.1, 8)] * 3),
    mirrored=st.booleans(),
)
def test_file_order_is_restored_for_any_rotation(seed, spacing, mirrored):
    affine = np.eye(4)
    affine[:3, :3] = (
        Rotation.random(random_state=seed).as_matrix() * spacing * [1, 1, -1 if mirrored else 1]
    )
    affine[:3, 3] = [-100.5, 20.25, 7]
    stored = np.arange(24).reshape(2, 3, 4)
    again, same = to_file_order(from_file_order(stored, affine))
    assert np.array_equal(again, stored)
    assert np.allclose(same, affine, atol=1e-9)


@pytest.mark.parametrize("angle", [45.0, 135.0, -45.0])
def test_file_order_is_restored_where_two_axes_tie(angle):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("z", angle, degrees=True).as_matrix() * [1.0, 1.0, 3.0]
    stored = np.arange(24).reshape(2, 3, 4)
    again, same = to_file_order(from_file_order(stored, affine))
    assert np.array_equal(again, stored)
    assert np.allclose(same, affine, atol=1e-9)


def test_canonical_axes_run_to_superior_posterior_and_left():
    volume = from_file_order(np.zeros((2, 3, 4)), np.diag([1.0, 2.0, 3.0, 1.0]))
    assert volume.orientation == "RAS"
    assert nib.aff2axcodes(volume.affine) == ("L", "P", "S")
    assert volume.shape == (4, 3, 2)
    assert volume.spacing == (3.0, 2.0, 1.0)
    assert volume.obliquity == 0


def test_obliquity_is_the_angle_of_the_tilt():
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("x", 12, degrees=True).as_matrix()
    assert from_file_order(np.zeros((2, 2, 2)), affine).obliquity == pytest.approx(12)


@pytest.mark.parametrize(
    ("voxels", "affine", "match"),
    [
        (np.zeros((2, 2)), np.eye(4), "three axes"),
        (np.zeros((2, 2, 2, 3)), np.eye(4), "three axes"),
        (np.zeros((0, 2, 2)), np.eye(4), "at least one voxel"),
        (np.zeros((2, 2, 2), complex), np.eye(4), "real numbers"),
        (np.zeros((2, 2, 2)), np.zeros((4, 4)), "affine"),
        (np.zeros((2, 2, 2)), np.full((4, 4), np.nan), "affine"),
        (np.zeros((2, 2, 2)), np.eye(3), "affine"),
    ],
)
def test_what_is_no_volume_is_refused(voxels, affine, match):
    with pytest.raises(InvalidVolume, match=match):
        Volume(voxels, affine)


def test_other_voxels_must_fit_the_grid():
    volume = Volume(np.zeros((2, 3, 4)), np.eye(4), modality="CT", name="a")
    labels = volume.with_voxels(np.ones((2, 3, 4), np.uint8), modality="label")
    assert (labels.modality, labels.name, labels.voxels.dtype) == ("label", "a", np.uint8)
    with pytest.raises(ShapeMismatch, match="resample"):
        volume.with_voxels(np.zeros((4, 3, 2)))


def test_nanometre_voxels_are_a_usable_geometry():
    assert Volume(np.zeros((2, 2, 2)), np.diag([4e-6, 4e-6, 4e-5, 1])).spacing == (4e-5, 4e-6, 4e-6)


@pytest.mark.parametrize(
    "affine", [np.full((4, 4), np.nan), np.zeros((4, 4)), np.diag([1, 1, 0, 1])]
)
def test_a_file_without_geometry_is_refused(affine):
    with pytest.raises(InvalidVolume, match="repair"):
        from_file_order(np.zeros((2, 2, 2)), np.asarray(affine, float))
