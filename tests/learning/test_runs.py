"""Fine-tuning, segmentation and reconstruction on small volumes."""

import json

import numpy as np
import pytest
from tests.learning.small_runs import SMALL, oblique_scan

from napari_toposeg.config import FinetuneConfig, PredictConfig, PretrainConfig
from napari_toposeg.errors import InvalidCheckpoint, InvalidConfig, InvalidVolume
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.judging import pieces_to_judge
from napari_toposeg.learning.labelled import count_classes
from napari_toposeg.learning.planning import plan_crop
from napari_toposeg.learning.predict import predict, segment
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.learning.reconstruct import reconstruct
from napari_toposeg.learning.transfer_report import REPORT
from napari_toposeg.phantoms import ball
from napari_toposeg.progress import finish
from napari_toposeg.volume import Volume

BEST = "best.safetensors"


def finetuning(output, **settings):
    """A fine-tuning of a nano network."""
    usual = {
        "checkpoint": "none",
        "size": "nano",
        "output": output,
        "spacing": (2.0, 2.0, 2.0),
        "crop": (12, 12, 12),
        "classes": ("ball",),
        "steps": 1,
        "batch": 1,
        "learning_rate": 3e-3,
        "threads": 1,
        "device": "cpu",
        "previews": False,
    }
    return FinetuneConfig.create(**(usual | settings))


@pytest.fixture
def settings(tmp_path):
    return finetuning(tmp_path / "model")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A trained autoencoder and a segmentation model, hardly trained."""
    folder = tmp_path_factory.mktemp("models")
    write_volume(oblique_scan(), folder / "scans" / "scan.nii.gz")
    run = PretrainConfig.create(data=(folder / "scans",), output=folder / "run", **SMALL)
    finish(pretrain(run))
    finish(finetune(finetuning(folder / "model"), [ball_case(1)]))
    return run.output, folder / "model"


def ball_case(seed: int, role="train") -> Case:
    phantom = ball((24, 24, 24), spacing=(2.0, 2.0, 2.0), seed=seed)
    return Case(f"ball-{seed}", phantom.image, phantom.truth, role)


def annotated(case: Case, slices: range) -> Case:
    labels = np.zeros(case.labels.shape, np.uint8)
    labels[slices] = np.where(case.labels.voxels[slices] > 0, 1, 255)
    return Case(case.name, case.image, case.labels.with_voxels(labels), case.role, annotated=True)


def test_a_few_painted_slices_teach_the_whole_ball(settings):
    case = ball_case(1)
    held_out = annotated(Case("held out", case.image, case.labels, "validation"), range(10, 11))
    # Judged at the end only: one slice is too few to choose between two moments.
    whole = {"network": "resenc-unet", "crop": (24, 24, 24), "steps": 20, "learning_rate": 5e-3}
    config = settings.model_copy(update=whole)
    run = finetune(config, [annotated(case, range(1, 24, 4)), held_out])
    steps = list(run)
    assert [step.metrics["dice"] for step in steps if step.metrics][-1] > 0.8
    found = finish(segment(case.image, settings.output, device="cpu")).labels.voxels == 1
    truth = case.labels.voxels == 1
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.85


def test_fine_tuning_starts_from_a_pretrained_encoder(settings, models):
    config = settings.model_copy(update={"checkpoint": str(models[0])})
    finish(finetune(config, [ball_case(1)]))
    assert load_card(config.output).recipe["started_from"] == "run"


def test_what_segments_already_is_judged_before_it_is_trained(tmp_path, models):
    cases = [ball_case(1), ball_case(2, "validation")]
    gentle = {"checkpoint": str(models[1]), "learning_rate": 1e-12, "every": 1, "steps": 2}
    config = finetuning(tmp_path / "more", **gentle)
    judged = [step for step in finetune(config, cases) if step.metrics]
    assert [step.step for step in judged] == [0, 1, 2]
    assert judged[0].checkpoint.name == BEST
    # Nothing was learnt meanwhile.
    assert judged[0].metrics == judged[-1].metrics


def test_other_classes_are_not_judged_before_they_are_trained(tmp_path, models):
    cases = [ball_case(1), ball_case(2, "validation")]
    changes = {"checkpoint": str(models[1]), "classes": ("sphere",), "every": 1}
    steps = list(finetune(finetuning(tmp_path / "more", **changes), cases))
    assert [step.step for step in steps if step.metrics] == [1]


def test_classes_that_nobody_names_are_those_of_the_start(tmp_path, models):
    config = finetuning(tmp_path / "on", checkpoint=str(models[1]), classes=None)
    card = load_card(finish(finetune(config, [ball_case(1)])))
    assert card.classes == ("ball",)
    # What it knows of them is not left.
    assert json.loads((config.output / REPORT).read_text("utf-8"))["fresh"] == []


@pytest.mark.parametrize("augmentation", ["standard", "strong"])
def test_a_killed_fine_tuning_resumes_to_the_same_numbers(settings, tmp_path, augmentation):
    config = settings.model_copy(update={"steps": 4, "every": 2, "augmentation": augmentation})
    cases = [ball_case(1), annotated(ball_case(2, "validation"), range(10, 12))]
    whole = [
        step.losses
        for step in finetune(config.model_copy(update={"output": tmp_path / "whole"}), cases)
        if step.losses
    ]
    killed = finetune(config, cases)
    for step in killed:
        if step.step == 3 and step.losses:
            break
    killed.close()
    resumed = finetune(config.model_copy(update={"resume": True}), cases)
    assert [step.losses for step in resumed if step.losses] == whole[3:]


@pytest.mark.parametrize(
    ("values", "message"),
    [([0, 0], "no voxel has a class"), ([-1, 1], "whole numbers"), ([0.5, 1], "whole numbers")],
)
def test_labels_that_cannot_be_classes_are_refused(scan, values, message):
    labels = np.resize(np.array(values, np.float32), scan.shape)
    with pytest.raises(InvalidConfig, match=message):
        count_classes([Case("odd", scan, scan.with_voxels(labels))])


def test_an_annotation_on_validation_slices_only_is_refused(settings, scan):
    labels = scan.with_voxels(np.zeros(scan.shape, np.uint8))
    painted = ball_case(1, "validation")
    with pytest.raises(InvalidConfig, match="no voxel is labelled for training"):
        next(finetune(settings, [Case("empty", scan, labels, annotated=True), painted]))


def test_the_crop_is_planned_in_whole_patches():
    assert plan_crop([(35, 50, 7)], (6, 6, 6)) == (36, 48, 12)


def test_segmentation_lies_on_the_grid_of_the_oblique_image(models, scan):
    result = finish(segment(scan, models[1], device="cpu"))
    for volume in (result.labels, result.probability):
        assert volume.shape == scan.shape
        np.testing.assert_array_equal(volume.affine, scan.affine)
    np.testing.assert_allclose(result.class_probabilities.sum(0), 1.0, atol=1e-3)


def test_reconstruction_keeps_visible_voxels_and_never_sees_hidden_ones(models, scan):
    first = finish(reconstruct(scan, models[0], seed=3, device="cpu"))
    hidden = first.hidden.voxels == 1
    assert 0.3 < hidden.mean() < 0.9
    np.testing.assert_array_equal(first.composite.voxels[~hidden], scan.voxels[~hidden])
    assert first.residual.voxels[~hidden].max() == 0


def test_hidden_voxels_do_not_change_the_reconstruction(models):
    """On the model's own grid, where no resampling mixes neighbours."""
    random = np.random.default_rng(0)
    voxels = random.integers(-900, 900, (24, 30, 18)).astype(np.int16)
    volume = Volume(voxels, np.diag([2.0, 2.0, 2.0, 1.0]), modality="CT")
    first = finish(reconstruct(volume, models[0], seed=3, device="cpu"))
    hidden = first.hidden.voxels == 1
    other = volume.with_voxels(np.where(hidden, np.int16(77), voxels))
    again = finish(reconstruct(other, models[0], seed=3, device="cpu"))
    np.testing.assert_array_equal(again.hidden.voxels, first.hidden.voxels)
    np.testing.assert_allclose(again.composite.voxels, first.composite.voxels, atol=1e-2)


def test_a_volume_of_one_patch_cannot_be_hidden_in_part(models):
    tiny = Volume(np.zeros((3, 3, 3)), np.diag([2.0, 2.0, 2.0, 1.0]), modality="CT")
    with pytest.raises(InvalidVolume, match="too small to hide a part"):
        finish(reconstruct(tiny, models[0], device="cpu"))


def test_models_are_not_used_for_the_other_task(models, scan):
    with pytest.raises(InvalidCheckpoint, match="does not segment"):
        finish(segment(scan, models[0], device="cpu"))
    with pytest.raises(InvalidCheckpoint, match="does not rebuild"):
        finish(reconstruct(scan, models[1], device="cpu"))


def test_predicted_files_keep_name_and_grid(models, scans, tmp_path):
    write_volume(read_volume(scans / "scan.nii.gz"), scans / "other.nrrd")
    config = PredictConfig.create(
        model=str(models[1]),
        images=(scans,),
        output=tmp_path / "out",
        probability=True,
        device="cpu",
    )
    steps = list(predict(config))
    assert steps[-1].step == steps[-1].total
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"scan.nii.gz", "other.nrrd", "scan_ball_probability.nii.gz"} <= names
    image, labels = (
        read_volume(scans / "scan.nii.gz"),
        read_volume(tmp_path / "out" / "scan.nii.gz"),
    )
    np.testing.assert_allclose(labels.affine, image.affine, atol=1e-4)
    assert labels.shape == image.shape


def test_a_label_map_never_overwrites_its_image(models, scans):
    config = PredictConfig.create(model=str(models[1]), images=(scans,), output=scans, device="cpu")
    with pytest.raises(InvalidConfig, match="would overwrite the image"):
        next(predict(config))


def test_two_images_of_one_name_are_refused(models, scans, tmp_path):
    write_volume(read_volume(scans / "scan.nii.gz"), tmp_path / "more" / "scan.nii.gz")
    config = PredictConfig.create(
        model=str(models[1]),
        images=(scans, tmp_path / "more"),
        output=tmp_path / "out",
        device="cpu",
    )
    with pytest.raises(InvalidConfig, match=r"two images would be written as scan"):
        next(predict(config))


def test_a_large_validation_case_is_judged_on_few_windows_with_classes_among_them():
    image = np.zeros((12, 120, 120), np.float32)
    target = np.zeros(image.shape, np.int16)
    target[:, 55:75, 55:75] = 1
    pieces = pieces_to_judge(Example("large", image, target), (12, 12, 12), seed=0)
    assert len(pieces) == 12
    assert sum((piece.target > 0).any() for piece in pieces) >= 6
    again = pieces_to_judge(Example("large", image, target), (12, 12, 12), seed=0)
    assert all((a.target == b.target).all() for a, b in zip(pieces, again, strict=True))


def test_files_in_the_output_folder_are_replaced_only_on_demand(models, scans, tmp_path):
    settings = {"model": str(models[1]), "images": (scans,), "output": tmp_path, "device": "cpu"}
    labels = tmp_path / "scan.nii.gz"
    labels.write_bytes(b"hours of work")
    with pytest.raises(InvalidConfig, match="--overwrite"):
        next(predict(PredictConfig.create(**settings)))
    assert labels.read_bytes() == b"hours of work"
    finish(predict(PredictConfig.create(**settings, overwrite=True)))
    assert read_volume(labels).shape == read_volume(scans / "scan.nii.gz").shape


def test_an_autoencoder_does_not_predict_files(models, scans, tmp_path):
    config = PredictConfig.create(
        model=str(models[0]), images=(scans,), output=tmp_path / "out", device="cpu"
    )
    with pytest.raises(InvalidCheckpoint, match="does not segment"):
        next(predict(config))


def test_a_crop_of_broken_patches_is_refused_in_fine_tuning_too(settings):
    config = settings.model_copy(update={"crop": (40, 40, 40)})
    with pytest.raises(InvalidConfig, match=r"\(42, 42, 42\)"):
        next(finetune(config, [ball_case(1)]))
