"""Labelled cases as they come: rare classes, labels that lie elsewhere, lists of names."""

from pathlib import Path

import numpy as np
import pytest
from tests.learning.small_runs import SMALL

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.io import write_volume
from napari_toposeg.io.layouts.decathlon import class_names
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cases import read_labelled, read_names
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.model_grid import prepare_target
from napari_toposeg.phantoms import ball
from napari_toposeg.progress import finish
from napari_toposeg.volume import Volume

CASES = ("a", "b")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Images and labels of two small cases with one class."""
    for number, name in enumerate(CASES):
        phantom = ball((20, 24, 28), seed=number)
        for kind, volume in (("images", phantom.image), ("labels", phantom.truth)):
            (tmp_path / kind).mkdir(exist_ok=True)
            write_volume(volume, tmp_path / kind / f"{name}.nii.gz")
    return tmp_path / "images", tmp_path / "labels"


@pytest.fixture
def config(folders, tmp_path) -> FinetuneConfig:
    images, labels = folders
    wanted = SMALL | {"steps": 1, "every": 1, "batch": 1}
    del wanted["topology_block"]
    places = {"images": images, "labels": labels, "output": tmp_path / "run"}
    return FinetuneConfig.create(**wanted, **places, checkpoint="none")


def shifted(volume: Volume, *, mm: float = 0.0, mirrored: bool = False) -> Volume:
    affine = volume.affine.copy()
    affine[0, 3] += mm
    if mirrored:
        affine[0, :3] *= -1
    return Volume(volume.voxels, affine, modality="label", name=volume.name)


def test_a_class_that_is_named_is_learnt_though_the_labelled_cases_lack_it(config):
    named = config.model_copy(update={"classes": ("ball", "rare")})
    steps = list(finetune(named))
    (note,) = [note for note in steps[0].notes if "rare" in note]
    assert "will not find it" in note and "ball" not in note
    assert load_card(named.output).classes == ("ball", "rare")


def test_a_class_without_a_name_is_refused(config, folders):
    _, labels = folders
    volume = ball((20, 24, 28)).truth
    write_volume(volume.with_voxels(volume.voxels * 2), labels / "a.nii.gz")
    with pytest.raises(InvalidConfig, match="2 classes and 1 names"):
        finish(finetune(config.model_copy(update={"classes": ("ball",)})))


def test_betti_numbers_of_no_class_are_refused(config):
    with pytest.raises(InvalidConfig, match="class 9, and the classes are 1 to 1"):
        finish(finetune(config.model_copy(update={"wanted": (9, 1, 0, 0)})))


@pytest.mark.parametrize(
    ("names", "fault"), [(("a", "a"), "one name"), (("NCR/NET",), "file"), (("",), "file")]
)
def test_names_that_no_file_could_have_are_refused(names, fault):
    with pytest.raises(InvalidConfig, match=fault):
        FinetuneConfig.create(output="run", classes=names)


def test_a_dataset_may_have_such_names():
    assert class_names({"labels": {"0": "background", "1": "NCR/NET"}}) == ("NCR-NET",)


@pytest.mark.parametrize("change", [{"mm": 100.0}, {"mirrored": True}, {"mm": 0.6}])
def test_labels_that_lie_elsewhere_are_refused(folders, change):
    images, labels = folders
    moved = shifted(ball((20, 24, 28)).truth, **change)
    write_volume(moved, labels / "a.nii.gz")
    (case,) = read_labelled(images, labels, ["a"], "train")
    with pytest.raises(ShapeMismatch, match=r"'a': image and labels lie up to \d+.* mm apart"):
        prepare_target(case, (1.0, 1.0, 1.0))


def test_a_header_that_is_off_by_a_part_of_a_voxel_moves_nothing(folders):
    images, labels = folders
    truth = ball((20, 24, 28)).truth
    write_volume(shifted(truth, mm=0.4), labels / "a.nii.gz")
    (case,) = read_labelled(images, labels, ["a"], "train")
    np.testing.assert_array_equal(prepare_target(case, (1.0, 1.0, 1.0)), truth.voxels)


def test_names_are_read_once_each_and_without_a_byte_order_mark(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_bytes("\ufeffa\r\nb\na\n".encode())
    assert read_names(path) == ["a", "b"]


def test_cases_that_are_all_for_validation_are_told_so(folders):
    images, labels = folders
    with pytest.raises(InvalidConfig, match="all of the 1 named"):
        read_labelled(images, labels, ["a"], "train", without=["a", "b"])
