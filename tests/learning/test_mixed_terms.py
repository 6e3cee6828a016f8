"""Several topological terms at once: each is felt, and all are resumed to the same numbers."""

import numpy as np
import pytest
from tests.learning.test_topological_training import losses, resumed_losses, two_balls

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.plan import plan_finetuning

TERMS = ("betti-matching:0.2:constant", "topograph:0.1:late")


@pytest.fixture
def settings(tmp_path) -> FinetuneConfig:
    return FinetuneConfig.create(
        checkpoint="none",
        network="resenc-unet",
        size="nano",
        output=tmp_path / "model",
        spacing=(3.0, 3.0, 3.0),
        crop=(16, 16, 16),
        loss="cldice",
        terms=TERMS,
        topology_schedule="constant",
        steps=3,
        every=2,
        threads=1,
        device="cpu",
        previews=False,
    )


def train(config):
    return finetune(config, two_balls())


def test_several_terms_add_up_and_resume_to_the_same_numbers(settings, tmp_path):
    whole = losses(train(settings.model_copy(update={"output": tmp_path / "whole"})))
    names = ("cldice", "betti-matching", "topograph")
    supervised = losses(
        train(
            settings.model_copy(
                update={"output": tmp_path / "plain", "topology_weight": 0.0, "terms": ()}
            )
        )
    )
    for each in whole:
        assert np.isfinite(list(each.values())).all()
        # What deep supervision adds is in the loss alone.
        assert {*names, *(f"{name}_weight" for name in names)} <= each.keys()
    first, plain = whole[0], supervised[0]
    added = sum(first[name] * first[f"{name}_weight"] for name in names)
    assert first["loss"] == pytest.approx(plain["loss"] + added, rel=1e-5)
    # Late: not in the first half of three steps.
    assert whole[0]["topograph_weight"] == 0
    assert whole[2]["topograph_weight"] > 0
    assert whole[0]["betti-matching_weight"] > 0
    assert resumed_losses(train, settings) == whole[2:]
    assert load_card(settings.output).recipe["terms"] == list(TERMS)


def test_the_loss_can_be_one_of_the_terms(settings, tmp_path):
    """It is the same run, however the term is written."""
    ways = [
        {"loss": "cldice", "terms": (), "topology_weight": 0.2},
        {"loss": "dice-ce", "terms": ("cldice:0.2",)},
    ]
    runs = [
        losses(train(settings.model_copy(update=way | {"output": tmp_path / str(number)})))
        for number, way in enumerate(ways)
    ]
    assert runs[0] == runs[1]
    assert runs[0][0]["topology_weight"] > 0


def settings_of(**given) -> FinetuneConfig:
    return FinetuneConfig.create(checkpoint="none", output="run", **given)


def test_what_a_term_leaves_open_is_that_of_the_run():
    config = settings_of(
        loss="wasserstein", terms="defects", topology_weight=0.4, topology_schedule="late"
    )
    assert config.all_terms == (("wasserstein", 0.4, "late"), ("defects", 0.4, "late"))
    assert settings_of(terms=["dog:0.1"]).all_terms == (("dog", 0.1, "ramp"),)
    assert settings_of().all_terms == ()


@pytest.mark.parametrize(
    ("loss", "terms", "message"),
    [
        ("dice-ce", "dice-ce", "is no term"),
        ("dice-ce", "cldice:much", "is no term"),
        ("dice-ce", "cldice:-1", "is no term"),
        ("dice-ce", "cldice:nan", "is no term"),
        ("dice-ce", "cldice:0.1:never", "is no term"),
        ("cldice", "cldice:0.1", "named once"),
        ("dice-ce", ["dog", "dog:0.1"], "named once"),
    ],
)
def test_what_is_no_term_is_refused(loss, terms, message):
    with pytest.raises(InvalidConfig, match=message):
        settings_of(loss=loss, terms=terms)


def test_the_plan_shows_what_any_term_uses():
    hidden = plan_finetuning(settings_of(terms="cldice", device="cpu"), None, {"CT"})
    shown = plan_finetuning(settings_of(terms=["cldice", "sliced"], device="cpu"), None, {"CT"})
    assert "topology_tau" in shown and "topology_tau" not in hidden
    assert "topology_block" in hidden
