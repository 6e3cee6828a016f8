"""The plan shows what a run uses, as it will be, and nothing else."""

import pytest
import torch

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.plan import TEACHING, plan_finetuning, plan_pretraining
from napari_toposeg.learning.pretrain import prepare
from napari_toposeg.phantoms import ball

OTHER = {
    "mask_ratio": 0.3,
    "cube": 4,
    "patch": 4,
    "topology": "dog",
    "topology_crops": 2,
    "topology_block": 8,
    "topology_smoothing": 2.0,
    "topology_region": "structures",
    "topology_scale": 2.5,
    "topology_tau": 0.2,
    "topology_levels": (0.1, 0.6),
    "topology_schedule": "constant",
    "topology_dimensions": (0,),
    "spatial_weight": 0.7,
    "spatial_consistency_weight": 0.7,
    "reconstruction_consistency_weight": 0.7,
    "local_views": 2,
    "koleo": 0.7,
    "betas": (0.5, 0.5),
    "strategy": "ddp",
}
"""Another value of each setting that some objective, network or machine does without."""

RUNS = [
    {"objective": "mae"},
    {"objective": "topomae", "topology_weight": 0.0, "spatial_weight": 0.0},
    {"objective": "topomae", "topology": "cldice", "topology_schedule": "constant"},
    {"objective": "maskfeat"},
    {"objective": "simmim", "network": "resenc-unet"},
    {"objective": "swin-ssl", "network": "resenc-unet"},
    {"objective": "disruptive", "network": "resenc-unet"},
    {"objective": "dino"},
]


def prepared(small_run, **settings):
    crop = (16, 16, 16) if settings["objective"] != "dino" else (32, 32, 32)
    usual = {"patch": 8, "crop": crop, "batch": 2, "network": "vit"}
    return prepare(small_run.model_copy(update=usual | settings))


def losses_of(task) -> dict[str, float]:
    """The terms of the first step's loss."""
    torch.manual_seed(0)
    losses = task.losses(task.network, task.draw(1, range(2)), 1)
    return {name: float(value.detach()) for name, value in losses.items()}


@pytest.mark.parametrize("settings", RUNS, ids=lambda each: "-".join(map(str, each.values())))
def test_what_the_plan_leaves_out_changes_nothing(small_run, tmp_path, settings):
    first = prepared(small_run, **settings)
    shown = first.step().plan
    hidden = {name: value for name, value in OTHER.items() if name not in shown}
    assert hidden
    # What was planned stays: it may have followed from a setting that is used no further.
    other = prepare(first.config.model_copy(update=hidden | {"output": tmp_path / "other"}))
    assert losses_of(other.task) == losses_of(first.task)
    assert other.step().plan | {"output": 0, "name": 0} == shown | {"output": 0, "name": 0}


@pytest.mark.parametrize("settings", RUNS[1:3], ids=["without", "cldice"])
def test_a_setting_of_topomae_that_the_plan_shows_changes_the_loss(small_run, tmp_path, settings):
    """The counterpart: what is shown of the terms is used."""
    first = prepared(small_run, **settings)
    changed = {
        "topology_weight": 0.9,
        "spatial_weight": 0.9,
        "topology_scale": 2.5,
        "mask_ratio": 0.3,
    }
    for name in changed.keys() & first.step().plan.keys():
        config = first.config.model_copy(update={name: changed[name], "output": tmp_path / name})
        config = config.model_copy(update={"topology_schedule": "constant"})
        assert losses_of(prepare(config).task) != losses_of(first.task), name


def test_the_plan_tells_what_the_machine_settles_and_nothing_is_auto(small_run):
    plan = prepared(small_run, objective="mae", crop=None, spacing=None).step().plan
    assert "auto" not in map(str, plan.values())
    settled = ("device", "precision", "network", "patch", "cube", "threads", "rotation", "scale")
    told = tuple(plan[name] for name in settled)
    assert told == ("cpu", "32-true", "vit", 8, 8, 1, 0.0, 1.0)
    assert len(plan["crop"]) == len(plan["spacing"]) == 3
    assert plan["intensity"] == (-1000.0, 1000.0)
    assert not {"strategy", "ids", "validation", "start"} & plan.keys()


def test_a_run_on_several_devices_tells_how_they_share_the_work(small_run):
    config = small_run.model_copy(update={"devices": 2})
    assert plan_pretraining(config, {"CT"})["strategy"] == "ddp"


def test_a_window_of_hounsfield_units_is_not_told_of_other_scans(small_run):
    assert "intensity" not in plan_pretraining(small_run, {"MR"})


def test_terms_of_two_networks_are_told_of_two_networks_only(small_run):
    of_pair = {"spatial_consistency_weight", "reconstruction_consistency_weight"}
    pair = small_run.model_copy(update={"network": "fused"})
    assert of_pair <= plan_pretraining(pair, {"CT"}).keys()
    assert not of_pair & plan_pretraining(small_run, {"CT"}).keys()


@pytest.mark.parametrize(
    ("loss", "shown", "hidden"),
    [
        ("dice-ce", set(), {"topology_weight", "topology_tau", "topology_block"}),
        ("topograph", {"topology_weight", "topology_block"}, {"topology_tau"}),
        ("wasserstein", {"topology_weight", "topology_tau"}, set()),
    ],
)
def test_fine_tuning_tells_the_settings_of_its_loss(tmp_path, loss, shown, hidden):
    config = FinetuneConfig.create(
        checkpoint="none", output=tmp_path / "run", loss=loss, network="vit", device="cpu"
    )
    plan = plan_finetuning(config, None, {"CT"})
    assert shown <= plan.keys()
    assert not hidden & plan.keys()


def test_fine_tuning_tells_plan_and_notes_first(tmp_path):
    phantom = ball((24, 24, 24), spacing=(2.0, 2.0, 2.0), seed=1)
    config = FinetuneConfig.create(
        checkpoint="none",
        output=tmp_path / "run",
        network="resenc-unet",
        size="nano",
        strategy="fsdp",
        device="cpu",
    )
    first = next(finetune(config, [Case("ball", phantom.image, phantom.truth)]))
    assert first.plan["device"] == "cpu"
    assert not {"patch", "strategy", "thaw"} & first.plan.keys()
    assert "changes nothing" in first.notes[0]


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, set()),
        ({"average": 0.9}, {"average"}),
        (
            {"average": 0.9, "teacher_weight": 1.0},
            {"average", "teacher_weight", "teacher_certainty", "teacher_of"},
        ),
        (
            {"average": 0.9, "teacher_weight": 1.0, "unlabelled": True},
            {"average", "teacher_weight", "teacher_certainty", "unlabelled"},
        ),
        (
            {"average": 0.9, "teacher_weight": 1.0, "unlabelled": True, "mixed": 0.5},
            {"average", "teacher_weight", "teacher_certainty", "unlabelled", "mixed"},
        ),
    ],
)
def test_the_teacher_is_told_where_there_is_one(tmp_path, settings, shown):
    config = FinetuneConfig.create(checkpoint="none", output=tmp_path, device="cpu", **settings)
    plan = plan_finetuning(config, None, {"MR"})
    assert plan.keys() & (TEACHING | {"average"}) == shown
