"""Every pretraining is the start of every network it fits, and it is told what was taken."""

import json
from pathlib import Path

import pytest
from tests.learning.small_runs import SMALL, oblique_scan
from tests.learning.test_runs import ball_case

from napari_toposeg.config import FinetuneConfig, PretrainConfig
from napari_toposeg.io import write_volume
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.progress import finish

STARTS = [
    ("mae", "vit", "unetr"),
    ("mae", "unetr-pp", "unetr-pp"),
    ("mae", "resenc-unet", "resenc-unet"),
    ("topomae", "fused", "fused"),
    ("topomae", "fused", "unetr-pp"),
    ("topomae", "fused", "unetr"),
    ("simmim", "swin", "swin"),
    ("maskfeat", "vit", "vit"),
    ("swin-ssl", "resenc-unet", "resenc-unet"),
    ("disruptive", "unetr-pp", "unetr-pp"),
    ("dino", "resenc-unet", "resenc-unet"),
]
"""Objective, the network that it trains, and the one that is fine-tuned: each at least once."""


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """Return the run of an objective and a network, made once."""
    folder = tmp_path_factory.mktemp("pretrained")
    write_volume(oblique_scan(), folder / "scans" / "scan.nii.gz")

    def run(objective: str, network: str) -> Path:
        output = folder / f"{objective}-{network}"
        if not output.exists():
            # Swin and UNETR++ need edges of 32; dino's small views are half of the crop.
            small = {"crop": (32, 32, 32), "patch": 8, "steps": 1, "every": 1, "local_views": 1}
            settings = SMALL | small | {"network": network, "objective": objective}
            finish(
                pretrain(PretrainConfig.create(data=(folder / "scans",), output=output, **settings))
            )
        return output

    return run


@pytest.mark.parametrize(("objective", "network", "target"), STARTS)
def test_a_pretrained_encoder_is_taken_whole(pretrained, tmp_path, objective, network, target):
    start = pretrained(objective, network)
    config = FinetuneConfig.create(
        checkpoint=str(start),
        network=target,
        crop=(32, 32, 32),
        spacing=(2.0, 2.0, 2.0),
        output=tmp_path / "run",
        steps=1,
        batch=1,
        layer_decay=0.75,
        threads=1,
        device="cpu",
        previews=False,
    )
    steps = [step for step in finetune(config, [ball_case(1)]) if step.losses]
    assert len(steps) == 1
    report = json.loads((config.output / "transfer.json").read_text(encoding="utf-8"))
    fresh = [name for name in report["fresh"] if name.startswith("encoder.")]
    assert report["taken"] and not fresh
