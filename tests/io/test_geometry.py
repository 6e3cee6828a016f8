"""The same voxels at the same millimetres, by two independent readers, whatever the orientation."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.volume import Volume, from_file_order

CODES = ["".join(codes) for axes in permutations(("RL", "AP", "SI")) for codes in product(*axes)]
"""All 48 ways for the axes of a file to run along the patient's."""

SPACING = (0.7, 1.3, 3.1)
ORIGIN = (-98.75, 40.5, -612.25)
OBLIQUE = Rotation.from_euler("xyz", [9, -14, 21], degrees=True).as_matrix()
SHAPE = (3, 4, 5)
ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha")


def affine_for(codes, turn=None):
    """An anisotropic affine whose file axes run along ``codes``, turned or sheared by a matrix."""
    axes = nib.orientations.inv_ornt_aff(nib.orientations.axcodes2ornt(codes), (1, 1, 1))[:3, :3].T
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) @ axes * SPACING
    affine[:3, 3] = ORIGIN
    return affine


def stored_voxels():
    return np.random.default_rng(0).permutation(60).reshape(SHAPE).astype(np.int16)


def itk_places(path):
    """Value to RAS+ mm as ITK alone sees them."""
    image = sitk.ReadImage(str(path))
    return {
        int(image[index]): np.array(image.TransformIndexToPhysicalPoint(index)) * [-1, -1, 1]
        for index in np.ndindex(*image.GetSize())
    }


def nibabel_places(path):
    """Value to RAS+ mm as nibabel alone sees them."""
    image = nib.load(path)
    voxels = np.asarray(image.dataobj)
    return {
        int(voxels[index]): nib.affines.apply_affine(image.affine, index)
        for index in np.ndindex(*voxels.shape)
    }


def places(volume):
    """Value to RAS+ mm as the Volume says."""
    return {
        int(volume.voxels[z, y, x]): nib.affines.apply_affine(volume.affine, (x, y, z))
        for z, y, x in np.ndindex(*volume.shape)
    }


def assert_same_places(a, b, tolerance=1e-4):
    assert a.keys() == b.keys()
    assert max(np.abs(a[value] - b[value]).max() for value in a) < tolerance


def test_there_are_48_orientations():
    assert len(set(CODES)) == 48


@pytest.mark.parametrize("turn", [None, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("codes", CODES)
def test_every_orientation_survives_reading_and_writing(tmp_path, codes, turn):
    affine = affine_for(codes, turn)
    source = tmp_path / "source.nii"
    nib.save(nib.Nifti1Image(stored_voxels(), affine), source)
    volume = read_volume(source)
    assert volume.orientation == codes
    assert nib.aff2axcodes(volume.affine) == ("L", "P", "S")
    assert_same_places(places(volume), nibabel_places(source))
    nifti = write_volume(volume, tmp_path / "again.nii")
    nrrd = write_volume(volume, tmp_path / "again.nrrd")
    assert np.array_equal(np.asarray(nib.load(nifti).dataobj), stored_voxels())
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(nrrd))).T, stored_voxels())
    assert_same_places(nibabel_places(nifti), nibabel_places(source))
    assert_same_places(itk_places(nrrd), nibabel_places(source))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("codes", ["LPS", "RAS", "PIR", "ASL"])
def test_every_format_gives_back_what_was_written(tmp_path, codes, ending):
    volume = from_file_order(stored_voxels(), affine_for(codes, OBLIQUE))
    again = read_volume(write_volume(volume, tmp_path / f"case{ending}"))
    assert again.orientation == codes
    assert again.voxels.dtype == volume.voxels.dtype
    assert np.array_equal(again.voxels, volume.voxels)
    assert np.allclose(again.affine, volume.affine, atol=1e-4)
    assert again.voxels.flags.c_contiguous


@pytest.mark.parametrize("ending", ENDINGS)
def test_shear_of_a_tilted_gantry_survives(tmp_path, ending):
    shear = np.eye(3)
    shear[1, 2] = np.tan(np.radians(20))
    volume = from_file_order(stored_voxels(), affine_for("LPS", shear))
    path = write_volume(volume, tmp_path / f"case{ending}")
    assert np.allclose(read_volume(path).affine, volume.affine, atol=1e-4)


def test_nifti_holds_no_quaternion_that_denies_the_shear(tmp_path):
    shear = np.eye(3)
    shear[1, 2] = 0.4
    volume = from_file_order(stored_voxels(), affine_for("LPS", shear))
    header = nib.load(write_volume(volume, tmp_path / "a.nii")).header
    assert (header["sform_code"], header["qform_code"]) == (1, 0)
    straight = from_file_order(stored_voxels(), affine_for("PIR", OBLIQUE))
    assert nib.load(write_volume(straight, tmp_path / "b.nii")).header["qform_code"] == 1


def test_a_new_volume_without_a_file_is_written_where_its_affine_says(tmp_path):
    volume = Volume(stored_voxels(), affine_for("LPS"))
    assert_same_places(nibabel_places(write_volume(volume, tmp_path / "a.nii")), places(volume))


def test_exact_affines_are_kept_to_the_last_bit(tmp_path):
    volume = from_file_order(stored_voxels(), np.diag([-0.703125, -0.703125, 2.5, 1]))
    for ending in ENDINGS:
        again = read_volume(write_volume(volume, tmp_path / f"case{ending}"))
        assert np.array_equal(again.affine, volume.affine)
