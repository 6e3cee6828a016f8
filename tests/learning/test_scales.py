"""A residual U-Net has the scales that its crop has room for, and models keep theirs."""

import pytest
from tests.learning.small_runs import SMALL

from napari_toposeg.config import FinetuneConfig, NetworkConfig, PretrainConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.networks import build_dense
from napari_toposeg.learning.planning import COARSEST, plan_scales
from napari_toposeg.learning.predict import segment
from napari_toposeg.learning.pretrain import prepare, pretrain
from napari_toposeg.learning.run_folder import RunFolder
from napari_toposeg.phantoms import ball
from napari_toposeg.progress import finish

FEW = {"steps": 1, "every": 1, "batch": 1, "threads": 1, "device": "cpu", "previews": False}


def ball_case(edge: int = 24) -> Case:
    phantom = ball((edge,) * 3, spacing=(2.0, 2.0, 2.0), seed=1)
    return Case("ball", phantom.image, phantom.truth, "train")


@pytest.mark.parametrize(
    ("size", "crop", "scales"),
    [
        ("tiny", (32, 48, 32), 4),
        ("tiny", (64, 64, 64), 5),
        ("tiny", (256, 256, 256), 5),
        ("nano", (32, 32, 32), 4),
        ("small", (48, 48, 48), 4),
        ("base", (128, 128, 128), 6),
        ("base", (96, 160, 160), 5),
        ("tiny", (16, 32, 32), 3),
        ("tiny", (8, 8, 8), 3),
    ],
)
def test_the_coarsest_features_of_a_crop_keep_four_voxels(size, crop, scales):
    planned = plan_scales(NetworkConfig(name="resenc-unet", size=size), crop)
    assert planned.scales == scales
    coarsest = min(crop) / 2 ** (scales - 1)
    assert coarsest >= COARSEST or scales == 3


def test_other_networks_have_no_scales_to_plan():
    assert plan_scales(NetworkConfig(name="swin", scales=2), (32, 32, 32)).scales is None


def test_a_network_has_the_scales_of_its_config():
    config = NetworkConfig(name="resenc-unet", size="tiny", scales=3)
    encoder = build_dense(config, outputs=2).encoder
    assert encoder.multiple == (4, 4, 4) and len(encoder.strides) == 3
    assert build_dense(config.model_copy(update={"scales": None}), outputs=2).encoder.multiple == (
        16,
        16,
        16,
    )


def test_more_scales_than_a_size_has_are_refused(tmp_path):
    config = PretrainConfig.create(
        **SMALL | {"network": "resenc-unet", "scales": 6, "phantoms": 1, "output": tmp_path}
    )
    with pytest.raises(InvalidConfig, match="has 4 scales, and 6 were asked for"):
        prepare(config)


def test_what_is_pretrained_keeps_its_scales_when_it_is_fine_tuned(tmp_path):
    settings = {"network": "resenc-unet", "size": "tiny", "patch": 8, "crop": (24, 24, 24)}
    config = PretrainConfig.create(
        **SMALL | FEW | settings,
        objective="mae",
        phantoms=1,
        output=tmp_path / "pre",
    )
    finish(pretrain(config))
    # A crop of 24 voxels is no multiple of what five scales need.
    assert load_card(config.output).network.scales == 3
    tuned = FinetuneConfig.create(
        **FEW, checkpoint=str(config.output), crop=(32, 32, 32), output=tmp_path / "tuned"
    )
    finish(finetune(tuned, [ball_case(32)]))
    assert load_card(tuned.output).network.scales == 3


def test_what_goes_on_from_a_model_keeps_its_scales_whatever_the_crop(tmp_path):
    settings = {"network": "resenc-unet", "size": "nano", "patch": 8, "crop": (32, 32, 32)}
    first = PretrainConfig.create(
        **SMALL | FEW | settings, objective="mae", phantoms=1, output=tmp_path / "first"
    )
    finish(pretrain(first))
    again = {"start": str(first.output), "crop": (16, 16, 16), "output": tmp_path / "second"}
    second = first.model_copy(update=again)
    finish(pretrain(second))
    assert load_card(first.output).network.scales == 4
    assert load_card(second.output).network.scales == 4


def test_a_run_from_scratch_plans_its_scales_and_writes_them_down(tmp_path):
    config = FinetuneConfig.create(
        **FEW,
        checkpoint="none",
        network="resenc-unet",
        size="tiny",
        crop=(32, 32, 32),
        spacing=(2.0, 2.0, 2.0),
        output=tmp_path / "model",
    )
    finish(finetune(config, [ball_case()]))
    assert load_card(config.output).network.scales == 4
    assert FinetuneConfig.from_toml(RunFolder(config.output).settings).scales == 4
    found = finish(segment(ball_case().image, config.output, device="cpu"))
    assert found.labels.shape == (24, 24, 24)
