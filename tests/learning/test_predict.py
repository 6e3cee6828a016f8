"""Where predictions go: each image's under the name of its case."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_toposeg.config import PredictConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import list_cases
from napari_toposeg.learning.predict import plan_outputs


def write_dicom(folder: Path, patient: str) -> Path:
    """Write a slice of a patient into a folder of its own."""
    folder.mkdir(parents=True)
    image = sitk.GetImageFromArray(np.zeros((8, 8), np.int16))
    image.SetMetaData("0010|0010", patient)
    sitk.WriteImage(image, str(folder / "1.dcm"))
    return folder


def names_of(tmp_path: Path, *images: Path, **settings: bool) -> list[str]:
    config = PredictConfig.create(model="any", images=images, output=tmp_path / "out", **settings)
    return [path.name for _, path in plan_outputs(config)]


def test_folders_named_by_a_number_with_dots_keep_all_of_it(tmp_path: Path) -> None:
    for number in (11, 12):
        write_dicom(tmp_path / "study" / f"1.2.840.{number}", "Doe^Jane")
    assert names_of(tmp_path, tmp_path / "study") == ["1.2.840.11.nii.gz", "1.2.840.12.nii.gz"]


def test_no_prediction_is_named_after_the_patient(tmp_path: Path) -> None:
    folder = write_dicom(tmp_path / "doe_jane", "Doe^Jane")
    assert names_of(tmp_path, folder) == ["dicom.nii.gz"]
    assert names_of(tmp_path, write_dicom(tmp_path / "2", "Roe") / "1.dcm") == ["1.nii.gz"]


def test_what_cannot_be_written_becomes_nifti_of_the_same_case(tmp_path: Path) -> None:
    given = ("a.nii.gz", "b.v2.NRRD", "c.mha", "d.mgz", "e.mgh.gz", "f.mhd", "g.v2.hdr", "h.nii")
    for name in given:
        (tmp_path / "images" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "images" / name).write_bytes(b"x")
    names = names_of(tmp_path, tmp_path / "images")
    assert names == [
        "a.nii.gz", "b.v2.NRRD", "c.mha", "d.nii.gz", "e.nii.gz", "f.nii.gz", "g.v2.nii.gz", "h.nii"
    ]  # fmt: skip
    for name in names:
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_bytes(b"x")
    assert list(list_cases(tmp_path / "out")) == list(list_cases(tmp_path / "images"))


def test_images_whose_features_would_share_a_file_are_refused(tmp_path: Path) -> None:
    images = [tmp_path / "a" / "scan.nii.gz", tmp_path / "b" / "scan.nrrd"]
    for image in images:
        image.parent.mkdir()
        image.write_bytes(b"x")
    with pytest.raises(InvalidConfig, match="two images"):
        names_of(tmp_path, *images)


def test_a_table_of_features_is_not_replaced_unasked(tmp_path: Path) -> None:
    image = tmp_path / "scan.nii.gz"
    table = tmp_path / "out" / "features.csv"
    table.parent.mkdir()
    for file in (image, table):
        file.write_bytes(b"x")
    assert names_of(tmp_path, image) == ["scan.nii.gz"]
    with pytest.raises(InvalidConfig, match=r"features\.csv exists already"):
        names_of(tmp_path, image, features=True)
    assert names_of(tmp_path, image, features=True, overwrite=True) == ["scan.nii.gz"]
