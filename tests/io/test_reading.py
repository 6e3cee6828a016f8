"""What every format shares: clear errors, modalities, cases, and whole files or none."""

import os
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg import read_volume as public_read_volume
from napari_toposeg.errors import InvalidVolume, UnreadableFile, UnwritableFile
from napari_toposeg.io import WINDOWS, list_cases, list_choices, read_volume, write_volume
from napari_toposeg.io import writing as writing_module
from napari_toposeg.io.modality import guess_modality
from napari_toposeg.volume import Volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha")


def small(dtype=np.int16):
    return Volume(np.arange(24).reshape(2, 3, 4).astype(dtype), LPS)


@pytest.mark.parametrize("ask", [read_volume, list_choices, list_cases, public_read_volume])
def test_a_missing_file_is_said(tmp_path, ask):
    with pytest.raises(UnreadableFile, match="does not exist"):
        ask(tmp_path / "no.nii.gz")


@pytest.mark.parametrize("name", ["a.png", "a.txt", "a", "a.nii.zip"])
def test_an_unknown_kind_of_file_is_said_with_the_known_ones(tmp_path, name):
    (tmp_path / name).write_bytes(b"something")
    for ask in (read_volume, list_choices, list_cases):
        with pytest.raises(UnreadableFile, match=r"no kind of volume.*NIfTI"):
            ask(tmp_path / name)


def test_a_folder_of_volumes_is_not_one_volume(tmp_path):
    write_volume(small(), tmp_path / "a.nii")
    for ask in (read_volume, list_choices):
        with pytest.raises(InvalidVolume, match=r"1 volume files \(a.nii ...\).*give one"):
            ask(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_forbidden_files_and_folders_are_said(tmp_path):
    path = write_volume(small(), tmp_path / "in" / "a.nii")
    path.chmod(0)
    with pytest.raises(UnreadableFile, match="permission"):
        read_volume(path)
    path.parent.chmod(0)
    with pytest.raises(UnreadableFile, match="permission"):
        read_volume(path.parent)
    path.parent.chmod(0o700)


@pytest.mark.parametrize("ending", ENDINGS)
def test_nan_is_replaced_on_request_in_every_format(tmp_path, ending):
    volume = small(np.float32)
    volume.voxels[0, 0, 0] = np.nan
    path = write_volume(volume, tmp_path / f"a{ending}")
    with pytest.raises(InvalidVolume, match="1 of 24"):
        read_volume(path)
    assert read_volume(path, nan=-5).voxels[0, 0, 0] == -5


@pytest.mark.parametrize(
    ("name", "low", "high", "dtype", "expected"),
    [
        ("patient3", -1024, 1500, np.int16, "CT"),
        ("patient3", -2048, 3071, np.float32, "CT"),
        ("heart_ct", -120, 300, np.int16, "CT"),
        ("patient3", 0, 1500, np.int16, "unknown"),
        ("sub-01_T1w", 0, 900, np.int16, "MR"),
        ("MR_T1_mask", 0, 1, np.uint8, "unknown"),
        ("example_seg", 0, 117, np.uint8, "unknown"),
        ("PET_image", 0, 21, np.float32, "PT"),
        ("direct", 0, 200, np.uint8, "unknown"),
    ],
)
def test_modality_is_said_only_where_it_is_nearly_certain(name, low, high, dtype, expected):
    assert guess_modality(np.array([[[low, high]]], dtype), name) == expected


def test_a_named_modality_wins(tmp_path):
    path = write_volume(small(), tmp_path / "ct.nii")
    assert read_volume(path, modality="label").modality == "label"


def test_cases_are_files_by_stem_in_order(tmp_path):
    for name in ("b.nii.gz", "a.v1.nrrd", "c.mha", "d.mgz"):
        (tmp_path / name).touch()
    (tmp_path / "notes.json").touch()
    (tmp_path / ".a.nii").touch()
    cases = list_cases(tmp_path)
    assert list(cases) == ["a.v1", "b", "c", "d"]
    assert cases["b"] == tmp_path / "b.nii.gz"


def test_one_file_is_one_case(tmp_path):
    path = write_volume(small(), tmp_path / "a.nii.gz")
    assert list_cases(path) == {"a": path}


def test_two_files_of_one_case_are_refused(tmp_path):
    (tmp_path / "a.nii.gz").touch()
    (tmp_path / "a.nrrd").touch()
    with pytest.raises(InvalidVolume, match=r"a\.nii\.gz and a\.nrrd .* both case 'a'"):
        list_cases(tmp_path)


def test_volumes_and_dicom_side_by_side_are_refused(tmp_path, write_slice):
    write_volume(small(), tmp_path / "a.nii")
    write_slice(tmp_path / "b.dcm", np.zeros((3, 4), np.int16))
    with pytest.raises(InvalidVolume, match="side by side"):
        list_cases(tmp_path)
    with pytest.raises(InvalidVolume, match="1 volume files"):
        read_volume(tmp_path)


def test_folders_of_dicom_folders_are_many_cases(tmp_path, write_slice):
    for name in ("one", "two/deep", "Doe-1", "Doe-2"):
        write_slice(
            tmp_path / name / "a.dcm", np.zeros((3, 4), np.int16), {"0010|0010": "Doe^Jane"}
        )
    (tmp_path / "empty").mkdir()
    cases = list_cases(tmp_path)
    assert list(cases) == ["dicom", "dicom-2", "one", "two"]
    assert read_volume(cases["two"]).shape == (1, 3, 4)


def test_nothing_to_read_is_said(tmp_path):
    with pytest.raises(UnreadableFile, match="holds no volume"):
        list_cases(tmp_path)


@pytest.mark.parametrize("ending", ["", ".png", ".mgz", ".dcm", ".mhd"])
def test_what_cannot_be_written_is_said_with_what_can(tmp_path, ending):
    with pytest.raises(UnwritableFile, match=r"\.nii\.gz"):
        write_volume(small(), tmp_path / f"a{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("dtype", "stored"), [(bool, np.uint8), (np.float16, np.float32), (">i2", np.int16)]
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_types_that_no_format_holds_are_stored_as_the_next(tmp_path, ending, dtype, stored):
    again = read_volume(write_volume(small(dtype), tmp_path / f"a{ending}"))
    assert again.voxels.dtype == stored
    assert np.array_equal(again.voxels, small(dtype).voxels)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path, monkeypatch, ending):
    path = write_volume(small(), tmp_path / f"a{ending}")
    before = path.read_bytes()

    def half(volume, place, *rest):
        place.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing_module, "write_nifti", half)
    monkeypatch.setattr(writing_module, "write_itk", half)
    with pytest.raises(UnwritableFile, match=r"No space left.*free space"):
        write_volume(small(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_an_error(tmp_path):
    (tmp_path / "a.nii").mkdir()
    with pytest.raises(UnwritableFile, match="cannot be written"):
        write_volume(small(), tmp_path / "a.nii")


def test_written_files_have_the_usual_permissions(tmp_path):
    (tmp_path / "plain").touch()
    for ending in ENDINGS:
        path = write_volume(small(), tmp_path / "new" / f"a{ending}")
        assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("ending", [".nii", ".nrrd"])
def test_reading_makes_no_float64_copy(tmp_path, ending):
    voxels = np.zeros((40, 100, 100), np.int16)
    path = write_volume(Volume(voxels, np.diag([1.0, 1, 1, 1])), tmp_path / f"a{ending}")
    tracemalloc.start()
    read_volume(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * voxels.nbytes


def test_windows_run_from_dark_to_bright():
    assert {"lung", "mediastinum", "bone", "brain", "liver", "vessels"} <= WINDOWS.keys()
    assert all(low < high for low, high in WINDOWS.values())


def test_nibabels_own_example_opens():
    path = os.path.join(os.path.dirname(nib.__file__), "tests", "data", "example4d.nii.gz")  # noqa: PTH118, PTH120
    assert len(list_choices(path)) == 2
    volume = read_volume(path, frame=0)
    assert np.array_equal(volume.voxels.max(), np.asarray(nib.load(path).dataobj)[..., 0].max())
    assert volume.obliquity > 1


def test_the_page_on_volumes_tells_the_windows_as_they_are():
    page = (Path(__file__).parents[2] / "docs" / "volumes.md").read_text(encoding="utf-8")
    for name, (low, high) in WINDOWS.items():
        assert f"| {name} | {low:g} | {high:g} |" in page
