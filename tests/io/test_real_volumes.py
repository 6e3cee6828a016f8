"""Every real volume opens with its own values and goes back onto its own grid."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_toposeg.io import list_cases, list_choices, read_volume, write_volume

ROOT = os.environ.get("NAPARI_TOPOSEG_DATA")
KINDS = ("*.nii.gz", "*.nrrd")


def volumes():
    """The volumes that are there; of the many of one kind, every twentieth."""
    if not ROOT:
        reason = "NAPARI_TOPOSEG_DATA does not name a folder of real volumes"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    files = sorted(path for kind in KINDS for path in Path(ROOT).rglob(kind))
    alike = [path for path in files if "hippocampus" in path.parts]
    chosen = [path for path in files if path not in alike] + alike[::20]
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in chosen]


@pytest.mark.parametrize("path", volumes())
def test_real_volume_opens_and_goes_back_on_its_own_grid(tmp_path, path, capfd):
    assert list_choices(path) == ()
    volume = read_volume(path)
    again = write_volume(volume, tmp_path / path.name)
    if path.name.endswith(".nrrd"):
        source, copy = sitk.ReadImage(str(path)), sitk.ReadImage(str(again))
        assert np.array_equal(sitk.GetArrayViewFromImage(source), sitk.GetArrayViewFromImage(copy))
        assert np.allclose(source.GetOrigin(), copy.GetOrigin(), atol=1e-6)
        assert np.allclose(source.GetSpacing(), copy.GetSpacing(), atol=1e-6)
        assert np.allclose(source.GetDirection(), copy.GetDirection(), atol=1e-6)
    else:
        source, copy = nib.load(path), nib.load(again)
        assert np.array_equal(np.asarray(source.dataobj), np.asarray(copy.dataobj))
        assert np.allclose(source.affine, copy.affine, atol=1e-4)
    assert source is not copy
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def chest_ct():
    if not ROOT:
        pytest.skip("NAPARI_TOPOSEG_DATA does not name a folder of real volumes")
    return Path(ROOT) / "chest_ct"


def test_dicom_folder_and_nrrd_of_one_scan_are_identical(chest_ct):
    dicom, nrrd = read_volume(chest_ct / "ct-64_dicom"), read_volume(chest_ct / "ct-64.nrrd")
    assert dicom.voxels.dtype == nrrd.voxels.dtype
    assert np.array_equal(dicom.voxels, nrrd.voxels)
    # The DICOM header rounds positions to a micrometre.
    assert np.abs(dicom.affine - nrrd.affine).max() < 1e-3
    assert (dicom.modality, nrrd.modality) == ("CT", "CT")
    assert (dicom.orientation, dicom.notes) == (nrrd.orientation, ())


def test_bit_packed_labels_open_as_they_are(chest_ct):
    labels = read_volume(chest_ct / "lm-64.nrrd")
    assert labels.voxels.dtype == np.uint16
    assert {2, 3} <= set(np.unique(labels.voxels >> 8))
    assert set(range(9, 15)) <= set(np.unique(labels.voxels & 255))


def test_cases_of_the_real_folders(chest_ct):
    assert list(list_cases(chest_ct)) == ["ct-64", "lm-64", "wholeLung-64"]
    assert list(list_cases(chest_ct / "ct-64_dicom")) == ["ct-64_dicom"]
    images = list_cases(chest_ct.parent / "hippocampus" / "images")
    assert images.keys() == list_cases(chest_ct.parent / "hippocampus" / "labels").keys()
