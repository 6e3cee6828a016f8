"""Resampling: places in millimetres are kept, values follow."""

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.resampling import resample, resample_to
from napari_toposeg.volume import Volume, from_file_order

OBLIQUE = Rotation.from_euler("xyz", [13, -21, 34], degrees=True).as_matrix()


def affine_of(matrix=OBLIQUE, spacing=(0.8, 1.1, 2.5), origin=(-12.0, 30.0, 5.0)):
    affine = np.eye(4)
    affine[:3, :3] = matrix * np.asarray(spacing)
    affine[:3, 3] = origin
    return affine


def millimetres(volume):
    """World coordinates ``(z, y, x, 3)`` of every voxel."""
    z, y, x = np.indices(volume.shape)
    return nib.affines.apply_affine(volume.affine, np.stack([x, y, z], axis=-1))


def ramp(shape=(9, 10, 11), affine=None, **fields):
    """A volume that is linear in millimetres, so that linear interpolation is exact."""
    blank = Volume(np.zeros(shape, np.float32), affine_of() if affine is None else affine)
    return Volume(ramp_at(blank), blank.affine, **fields)


def ramp_at(volume):
    return (millimetres(volume) @ [1.0, -2.0, 0.5] + 100).astype(np.float64)


def inside(result, source, margin=0.0):
    """Voxels of ``result`` whose centres lie between the outermost centres of ``source``."""
    index = nib.affines.apply_affine(np.linalg.inv(source.affine), millimetres(result))
    last = np.array(source.shape[::-1]) - 1
    return ((index >= margin - 1e-6) & (index <= last - margin + 1e-6)).all(-1)


def test_equal_grids_give_the_same_voxels():
    volume = from_file_order(
        np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32), affine_of()
    )
    assert np.array_equal(resample(volume, volume.spacing).voxels, volume.voxels)
    assert np.array_equal(resample_to(volume, volume).voxels, volume.voxels)


@pytest.mark.parametrize("spacing", [(2.5, 0.6, 0.5), (1.3, 0.7, 0.8), (0.9, 0.4, 0.33)])
def test_finer_grid_keeps_every_voxel_at_its_millimetres(spacing):
    volume = ramp()
    result = resample(volume, spacing)
    assert np.allclose(result.spacing, spacing)
    at = inside(result, volume)
    assert at.mean() > 0.5
    assert np.abs(result.voxels - ramp_at(result))[at].max() < 1e-6 * 100


def test_coarser_grid_keeps_a_ramp_where_the_blur_sees_no_edge():
    volume = ramp((30, 32, 34))
    result = resample(volume, (5.5, 2.3, 2.1))
    at = inside(result, volume, margin=5)
    assert at.sum() > 20
    assert np.abs(result.voxels - ramp_at(result))[at].max() < 1e-6 * 100


@pytest.mark.parametrize("factor", [0.3, 0.77, 1.5, 2.9, 40.0])
def test_field_of_view_is_covered_and_centred(factor):
    volume = ramp()
    result = resample(volume, tuple(factor * size for size in volume.spacing))
    extent = np.array(volume.shape) * volume.spacing
    covered = np.array(result.shape) * result.spacing
    assert (covered >= extent * 0.999).all()
    assert (covered < extent + result.spacing).all()
    assert np.allclose(millimetres(result).mean((0, 1, 2)), millimetres(volume).mean((0, 1, 2)))


@pytest.mark.parametrize("factor", [0.4, 1.7, 3.3])
def test_back_and_forth_fills_no_voxel_of_the_original(factor):
    ones = Volume(np.ones((7, 8, 9), np.float32), affine_of(), modality="probability")
    there = resample(ones, tuple(factor * size for size in ones.spacing))
    back = resample_to(there, ones)
    assert np.allclose(there.voxels, 1)
    assert np.allclose(back.voxels, 1)
    assert np.array_equal(back.affine, ones.affine)


@pytest.mark.parametrize(
    "matrix", [np.eye(3), OBLIQUE.T, np.diag([-1.0, -1.0, 1.0]), np.eye(3)[[2, 0, 1]], -OBLIQUE]
)
def test_other_directions_keep_every_voxel_at_its_millimetres(matrix):
    volume = ramp((20, 21, 22))
    centre = millimetres(volume).mean((0, 1, 2))
    target = affine_of(matrix, (0.5, 0.6, 0.7))
    target[:3, 3] = centre - target[:3, :3] @ [4, 5, 6]
    result = resample_to(volume, Volume(np.zeros((13, 11, 9), np.uint8), target))
    assert inside(result, volume).all()
    assert np.abs(result.voxels - ramp_at(result)).max() < 1e-6 * 100


def test_sheared_grid_of_a_tilted_gantry_is_straightened():
    shear = np.array([[1.0, 0, 0], [0, 1, 0.3], [0, 0, 1]])
    volume = ramp((20, 21, 22), affine_of(shear, (1, 1, 2)))
    straight = Volume(np.zeros((12, 12, 12)), affine_of(np.eye(3), (1, 1, 2), (-8.0, 36.0, 9.0)))
    result = resample_to(volume, straight)
    at = inside(result, volume, margin=1)
    assert at.mean() > 0.5
    assert np.abs(result.voxels - ramp_at(result))[at].max() < 1e-6 * 100


def test_labels_keep_their_numbers_and_type():
    labels = np.random.default_rng(1).choice([0, 3, 782], size=(8, 9, 10)).astype(np.uint16)
    volume = Volume(labels, affine_of(), modality="label")
    for spacing in [(1.0, 1.0, 1.0), (4.0, 3.0, 3.0)]:
        result = resample(volume, spacing)
        assert result.voxels.dtype == np.uint16
        assert set(np.unique(result.voxels)) <= {0, 3, 782}


def test_blending_labels_is_refused():
    labels = Volume(np.zeros((3, 3, 3), np.uint8), np.eye(4), modality="label")
    with pytest.raises(InvalidConfig, match="order=0"):
        resample(labels, (2.0, 2.0, 2.0), order=1)


@pytest.mark.parametrize("spacing", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (np.nan, 1.0, 1.0)])
def test_spacing_must_be_positive(spacing):
    with pytest.raises(InvalidConfig, match="positive"):
        resample(ramp(), spacing)


def test_a_mask_stays_a_mask():
    mask = Volume(np.ones((4, 4, 4), bool), np.eye(4), modality="label")
    assert resample(mask, (0.5, 0.5, 0.5)).voxels.dtype == bool


@pytest.mark.parametrize(
    ("modality", "expected"), [("CT", -1000), ("label", 0), ("unknown", -1000)]
)
def test_outside_is_air_for_images_and_background_for_labels(modality, expected):
    voxels = np.full((4, 4, 4), 40, np.int16)
    voxels[0, 0, 0] = -1000
    volume = Volume(voxels, np.eye(4), modality=modality)
    away = np.eye(4)
    away[:3, 3] = 100
    reference = Volume(np.zeros((2, 2, 2), np.uint8), away, orientation="RAS")
    result = resample_to(volume, reference)
    assert (result.voxels == expected).all()
    assert (resample_to(volume, reference, fill=7).voxels == 7).all()
    assert result.orientation == "RAS"
    assert result.modality == modality


def test_whole_number_images_are_not_rounded():
    volume = Volume(np.array([[[0, 1]]], np.int16), np.eye(4))
    assert np.allclose(resample(volume, (1.0, 1.0, 0.5)).voxels, [[[0, 0.25, 0.75, 1]]])


def test_downsampling_averages_instead_of_picking():
    checker = (np.indices((24, 24, 24)).sum(0) % 2 * 100).astype(np.float32)
    result = resample(Volume(checker, np.eye(4)), (3.0, 3.0, 3.0))
    assert np.abs(result.voxels[1:-1, 1:-1, 1:-1] - 50).max() < 2
