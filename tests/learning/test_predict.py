"""Where predictions go: each image's under the name of its case."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from napari_toposeg.config import PredictConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import list_cases, read_volume, write_volume
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.checkpoints import save_checkpoint
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.predict import plan_outputs, predict
from napari_toposeg.phantoms import ball
from napari_toposeg.progress import finish
from napari_toposeg.topology import betti_numbers


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


@pytest.fixture
def models(tmp_path: Path) -> tuple[str, ...]:
    """Two models with random weights."""
    card = Card(
        name="small", task="segment", network={"size": "nano"}, crop=(12, 12, 12),
        spacing=(2.0, 2.0, 2.0), classes=("ball",),
    )  # fmt: skip
    paths = [tmp_path / "models" / f"{seed}.safetensors" for seed in (1, 2)]
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        weights = build(card.network, task="segment", classes=1).state_dict()
        save_checkpoint(path, weights, card)
    return tuple(map(str, paths))


def predicted(tmp_path: Path, models: tuple[str, ...], **settings: object):
    image = write_volume(
        ball((14, 16, 18), spacing=(2.0, 2.0, 2.0)).image, tmp_path / "scan.nii.gz"
    )
    config = PredictConfig.create(
        model=models, images=(image,), output=tmp_path / "out", device="cpu", **settings
    )
    return finish(predict(config))


def test_files_of_an_ensemble_lie_beside_the_label_map(tmp_path: Path, models) -> None:
    done = predicted(tmp_path, models, probability=True, uncertainty=True, flips="zx")
    names = ["scan", "scan_ball_probability", "scan_uncertainty", "scan_disagreement"]
    assert [path.name for path in done.files] == [f"{name}.nii.gz" for name in names]
    uncertainty, disagreement = (read_volume(path).voxels for path in done.files[2:])
    assert disagreement.min() >= 0 and disagreement.max() < uncertainty.max() <= 1
    assert done.repairs == {}


def test_one_model_has_nobody_to_disagree_with(tmp_path: Path, models) -> None:
    done = predicted(tmp_path, models[:1], uncertainty=True)
    assert [path.name for path in done.files] == ["scan.nii.gz", "scan_uncertainty.nii.gz"]


def test_the_label_map_in_the_file_has_the_betti_numbers_wanted(tmp_path: Path, models) -> None:
    plain = read_volume(predicted(tmp_path, models).files[0]).voxels == 1
    assert betti_numbers(plain) != (2, 1, 0)
    done = predicted(tmp_path, models, repair="2,1,0", overwrite=True)
    mask = read_volume(done.files[0]).voxels == 1
    assert betti_numbers(mask) == (2, 1, 0)
    (change,) = done.repairs["scan.nii.gz"]
    assert (change.before, change.after) == (betti_numbers(plain), (2, 1, 0))
    assert change.added + change.removed == np.count_nonzero(mask != plain)


def test_features_are_those_of_one_model(tmp_path: Path, models) -> None:
    with pytest.raises(InvalidConfig, match="one --model"):
        predicted(tmp_path, models, features=True)
