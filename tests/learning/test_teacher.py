"""The running mean of the weights, and what it teaches of voxels without labels."""

import numpy as np
import pytest
import torch
from tests.learning.test_runs import ball_case, finetuning

from napari_toposeg.config import FinetuneConfig, NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import write_volume
from napari_toposeg.learning.augment import Augmentation
from napari_toposeg.learning.cases import BACKGROUND, Case
from napari_toposeg.learning.checkpoints import load_model, read_tensors
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.labelled_files import read_labelled_folders
from napari_toposeg.learning.losses.overlap import IGNORED, dice_cross_entropy
from napari_toposeg.learning.networks import build_dense
from napari_toposeg.learning.predict import segment
from napari_toposeg.learning.self_training import SelfTraining, UnlabelledCrops, with_blocks
from napari_toposeg.learning.teacher import Taught
from napari_toposeg.progress import finish

UNCHANGED = Augmentation(share=0.0)
LABELLED = torch.full((2, 1, 8, 8, 8), 0.5), torch.full((2, 8, 8, 8), 2)


def small_network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build_dense(NetworkConfig(name="resenc-unet", size="nano"), outputs=3)


def weights_of(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in network.parameters()])


def self_training(**settings) -> SelfTraining:
    return SelfTraining(**({"weight": 1.0, "certainty": 0.0, "ramp": 0.0} | settings))


def test_the_teacher_is_the_running_mean_of_the_weights():
    """With decay d it is (1 - d) sum d^k w, the weights before weighing what is left."""
    taught = Taught(small_network(), 0.75, knows=True)
    first = weights_of(taught.student).double()
    expected = first.clone()
    for step in range(1, 5):
        with torch.no_grad():
            for part in taught.student.parameters():
                part.add_(step)
        taught.follow(step)
        expected = 0.75 * expected + 0.25 * weights_of(taught.student).double()
    assert torch.allclose(weights_of(taught.teacher).double(), expected, atol=1e-4)
    assert not any(part.requires_grad for part in taught.teacher.parameters())


def test_the_first_steps_are_forgotten_unless_the_start_knows():
    """From (1 + n) / (10 + n): after one step 2/11 of the start is left."""
    taught = Taught(small_network(), 0.99)
    before = weights_of(taught.student)
    with torch.no_grad():
        for part in taught.student.parameters():
            part.zero_()
    taught.follow(1)
    assert torch.allclose(weights_of(taught.teacher), before * 2 / 11, atol=1e-6)


def test_the_network_answers_in_training_and_the_teacher_else():
    taught = Taught(small_network(), 0.9)
    with torch.no_grad():
        for part in taught.student.parameters():
            part.add_(0.1)
    image = torch.rand(1, 1, 8, 8, 8)
    assert torch.equal(taught.train()(image), taught.student(image))
    assert torch.equal(taught.eval()(image), taught.teacher(image))
    assert torch.equal(taught.tell(image), taught.teacher(image).softmax(1))


def loss_against(taught: Taught, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Dice and cross-entropy of the answers at all scales, each against its nearest voxels."""
    terms = []
    for answer, weight in zip(
        taught(image, all_scales=True), taught.student.scale_weights, strict=True
    ):
        stride = image.shape[-1] // answer.shape[-1]
        near = target[:, stride // 2 :: stride, stride // 2 :: stride, stride // 2 :: stride]
        terms.append(weight * sum(dice_cross_entropy(answer, near)))
    return torch.stack(terms).sum()


def test_of_unlabelled_crops_the_teachers_classes_are_learnt():
    scan = np.random.default_rng(0).random((12, 12, 12)).astype(np.float32)
    crops = UnlabelledCrops([Example("scan", scan)], (8, 8, 8), UNCHANGED, seed=0)
    taught = Taught(small_network(), 0.9).train()
    batch = crops.draw(1, range(2))
    found = self_training(weight=2.0, unlabelled=crops).of_unlabelled(taught, batch, 1, LABELLED)
    image = batch["untold image"]
    expected = 2.0 * loss_against(taught, image, taught.tell(image).argmax(1))
    assert torch.allclose(found["told"], expected)
    assert found["certain"] == 1.0
    found["told"].backward()
    assert all(part.grad is None for part in taught.teacher.parameters())


def test_padding_of_unlabelled_crops_does_not_count():
    crops = UnlabelledCrops(
        [Example("thin", np.ones((4, 8, 8), np.float32))], (8, 8, 8), UNCHANGED, seed=0
    )
    taught = Taught(small_network(), 0.9).train()
    training = self_training(unlabelled=crops)
    found = training.of_unlabelled(taught, crops.draw(1, range(2)), 1, LABELLED)
    assert found["certain"] == 0.5


def test_blocks_of_labelled_crops_lie_where_they_were_with_their_labels():
    crops = UnlabelledCrops(
        [Example("scan", np.zeros((8, 12, 16), np.float32))],
        (8, 12, 16),
        UNCHANGED,
        seed=0,
        mixed=0.5,
    )
    blocks = [crops.draw_block(1, sample) for sample in range(200)]
    assert 70 < sum(block is None for block in blocks) < 130
    plain = torch.zeros(200, 1, 8, 12, 16), torch.zeros(200, 8, 12, 16, dtype=torch.long)
    torch.manual_seed(0)
    others = torch.rand(200, 1, 8, 12, 16) + 1, torch.ones(200, 8, 12, 16, dtype=torch.long)
    image, target = with_blocks(plain, others, blocks)
    assert torch.equal(image[:, 0] > 0, target == 1)
    assert torch.equal(image[image > 0], others[0][image > 0])
    assert not plain[0].any()
    shares = target.float().mean((1, 2, 3))
    for share, block in zip(shares, blocks, strict=True):
        assert share == 0 if block is None else 0.05 < share < 0.6


def test_a_mixed_crop_is_learnt_by_the_label_within_the_block_and_by_the_teacher_around():
    scan = np.random.default_rng(0).random((12, 12, 12)).astype(np.float32)
    crops = UnlabelledCrops([Example("scan", scan)], (8, 8, 8), UNCHANGED, seed=0, mixed=1.0)
    taught = Taught(small_network(), 0.9).train()
    batch = crops.draw(1, range(2))
    found = self_training(unlabelled=crops).of_unlabelled(taught, batch, 1, LABELLED)
    told = taught.tell(batch["untold image"]).argmax(1)
    image, target = with_blocks((batch["untold image"], told), LABELLED, batch["blocks"])
    assert not torch.equal(target, told)
    assert torch.allclose(found["told"], loss_against(taught, image, target))


@pytest.mark.parametrize("everywhere", [False, True])
def test_of_labelled_crops_it_tells_of_the_other_voxels_or_of_all(everywhere):
    torch.manual_seed(1)
    image, target = torch.rand(2, 1, 8, 8, 8), torch.full((2, 8, 8, 8), IGNORED)
    target[:, :4] = 1
    taught = Taught(small_network(), 0.9).train()
    answers = taught(image, all_scales=True)
    training = self_training(everywhere=everywhere)
    found = training.of_labelled(taught, image, target, answers, 1)
    told = taught.tell(image).argmax(1)
    if not everywhere:
        told[:, :4] = IGNORED
    assert found["certain"] == (1.0 if everywhere else 0.5)
    assert torch.allclose(found["told"], loss_against(taught, image, told))


def test_what_the_teacher_doubts_does_not_count():
    image = torch.rand(2, 1, 8, 8, 8)
    taught = Taught(small_network(), 0.9).train()
    certainty = taught.tell(image).amax(1).flatten().sort().values
    quarter = float(certainty[3 * len(certainty) // 4])
    everything = torch.ones(2, 8, 8, 8, dtype=torch.bool)
    told = self_training(certainty=quarter).told(taught, image, everything)
    assert float((told != IGNORED).float().mean()) == pytest.approx(0.25, abs=0.01)


def test_the_weight_grows_where_the_teacher_knows_nothing_yet():
    training = self_training(weight=0.5, ramp=10.0)
    assert [training.weight_at(step) for step in (1, 5, 10, 20)] == [0.05, 0.25, 0.5, 0.5]


@pytest.fixture
def folders(tmp_path):
    """Four balls of which one has a label that may be used."""
    for seed in range(1, 5):
        case = ball_case(seed)
        write_volume(case.image, tmp_path / "images" / f"{case.name}.nii.gz")
        write_volume(case.labels, tmp_path / "labels" / f"{case.name}.nii.gz")
    (tmp_path / "ids.txt").write_text("ball-1\n", encoding="utf-8")
    (tmp_path / "validation.txt").write_text("ball-2\n", encoding="utf-8")
    return tmp_path


def taught_run(folders, output: str, **settings) -> FinetuneConfig:
    return finetuning(
        folders / output,
        images=folders / "images",
        labels=folders / "labels",
        ids=folders / "ids.txt",
        validation=folders / "validation.txt",
        average=0.9,
        teacher_weight=1.0,
        unlabelled=True,
        **({"steps": 4, "every": 2} | settings),
    )


def test_a_run_learns_from_unlabelled_images_and_resumes_to_the_same_numbers(folders):
    whole = list(finetune(taught_run(folders, "whole")))
    assert all(0 <= step.losses["certain"] <= 1 for step in whole if step.losses)
    assert all(step.losses["loss"] > step.losses["told"] > 0 for step in whole if step.losses)
    run = finetune(taught_run(folders, "killed"))
    next(step for step in run if step.step == 3)
    run.close()
    resumed = finish(finetune(taught_run(folders, "killed", resume=True)))
    other = finish(finetune(taught_run(folders, "whole", resume=True)))
    found, true = (read_tensors(path) for path in (resumed, other))
    assert found.keys() == true.keys()
    assert all(torch.equal(found[name], true[name]) for name in true)
    assert load_model(resumed).card.recipe["unlabelled"] is True


def test_unlabelled_scans_of_several_channels_show_all_of_them():
    one = np.random.default_rng(0).random((12, 12, 12)).astype(np.float32)
    crops = UnlabelledCrops(
        [Example("scan", np.stack([one, 1 - one]))], (8, 8, 8), UNCHANGED, seed=0
    )
    image = crops.draw(1, range(2))["untold image"]
    assert image.shape == (2, 2, 8, 8, 8)
    torch.testing.assert_close(image[:, 0], 1 - image[:, 1])


def test_labels_that_may_not_be_used_are_not(folders):
    before = finish(finetune(taught_run(folders, "before")))
    empty = ball_case(3)
    write_volume(
        empty.labels.with_voxels(np.ones_like(empty.labels.voxels)),
        folders / "labels" / "ball-3.nii.gz",
    )
    after = finish(finetune(taught_run(folders, "after")))
    a, b = read_tensors(before), read_tensors(after)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_model_that_knows_is_held_to_what_it_knows_of_voxels_nobody_painted(tmp_path):
    """Where one slice of a ball is painted as background, it forgets less of the other slices."""
    usual = {"network": "resenc-unet", "crop": (24, 24, 24)}
    case, start = ball_case(1), tmp_path / "start"
    finish(finetune(finetuning(start, **usual, steps=20, learning_rate=5e-3), [case]))
    labels = np.zeros(case.labels.shape, np.uint8)
    labels[11] = BACKGROUND
    labels[0, 0, 0] = 1
    misled = Case("misled", case.image, case.labels.with_voxels(labels), annotated=True)

    def voxels_found(name: str, **settings) -> int:
        config = finetuning(
            tmp_path / name,
            **usual,
            checkpoint=str(start),
            steps=12,
            learning_rate=2e-3,
            average=0.9,
            **settings,
        )
        found = finish(segment(case.image, finish(finetune(config, [misled]))))
        return int(found.labels.voxels.sum())

    assert voxels_found("held", teacher_weight=4.0) > voxels_found("free")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"teacher_weight": 1.0, "average": 0.0}, "average is 0"),
        ({"average": 0.9, "unlabelled": True}, "teacher_weight is not set"),
        ({"mixed": 0.5, "teacher_weight": 1.0}, "mixed: .* unlabelled is not set"),
        (
            {"average": 0.9, "teacher_weight": 1.0, "unlabelled": True, "teacher_of": "all"},
            "teacher_of: with unlabelled",
        ),
    ],
)
def test_a_teacher_that_is_nobody_is_refused(tmp_path, settings, told):
    with pytest.raises(InvalidConfig, match=told):
        finetuning(tmp_path / "model", **settings)


def test_a_run_without_unlabelled_images_says_so_and_learns_from_labels(folders):
    (folders / "ids.txt").write_text("ball-1\nball-3\nball-4\n", encoding="utf-8")
    plan, *steps = finetune(taught_run(folders, "model"))
    assert any("all images are labelled" in note for note in plan.notes)
    assert all("told" not in step.losses for step in steps)


def test_only_the_named_images_are_learnt_from_without_labels(folders):
    names = folders / "unlabelled.txt"
    names.write_text("ball-3\nball-2\n", encoding="utf-8")
    config = taught_run(folders, "model", unlabelled_ids=names)
    found = read_labelled_folders(config, None)
    # The second chooses the best checkpoint, and is not learnt from.
    assert [example.name for example in found.unlabelled] == ["ball-3"]
    assert all(example.target is None for example in found.unlabelled)
    names.write_text("ball-9\n", encoding="utf-8")
    with pytest.raises(InvalidConfig, match="not there, first \\['ball-9'\\]"):
        read_labelled_folders(config, None)
