"""What is planned from the data and the time, and that a resumed run does not plan anew."""

import numpy as np
import pytest
from tests.learning.test_runs import ball_case

from napari_toposeg.config import FinetuneConfig, NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning import budget
from napari_toposeg.learning.auto_plan import (
    crop_for,
    crops_in,
    largest_edges,
    plan_batch,
    plan_length,
    plan_steps,
)
from napari_toposeg.learning.budget import fitting
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.forecast import Forecast
from napari_toposeg.learning.labelled import LabelledData
from napari_toposeg.learning.model_grid import planned_spacing
from napari_toposeg.volume import Volume

PACE = Forecast(0, 0, 0, each_step=2.0, each_stop=10.0)


def settings(output, **given) -> FinetuneConfig:
    usual = {
        "checkpoint": "none",
        "network": "resenc-unet",
        "size": "nano",
        "spacing": (2.0, 2.0, 2.0),
        "crop": (8, 8, 8),
        "output": output,
        "threads": 1,
        "device": "cpu",
        "previews": False,
    }
    return FinetuneConfig.create(**(usual | given))


def example(shape, labelled=slice(None)) -> Example:
    target = np.full(shape, -1, np.int16)
    target[labelled] = 0
    return Example("a", np.zeros(shape, np.float32), target)


def scan(*spacing: float) -> Volume:
    return Volume(np.zeros((2, 2, 2), np.float32), np.diag((*spacing[::-1], 1.0)))


def test_thick_slices_are_kept_as_thin_as_the_tenth_has_them():
    thick = [
        scan(size, 1.0, 1.0) for size in (3.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 6.0, 6.0, 6.0, 6.0)
    ]
    assert planned_spacing(thick) == (4.0, 1.0, 1.0)
    assert (
        planned_spacing([scan(5.0, 0.8, 0.7), scan(0.5, 0.8, 0.7), scan(6.0, 0.8, 0.7)])[0] >= 0.8
    )
    near = [scan(1.0, 1.0, 1.0), scan(2.5, 1.0, 1.0), scan(2.5, 1.0, 1.2)]
    assert planned_spacing(near) == (2.5, 1.0, 1.0)


def test_a_crop_of_thick_slices_is_thin_and_wide_and_has_as_many_voxels():
    edges = largest_edges((5.0, 0.8, 0.8), (40, 500, 500), 48)
    assert edges[0] == 16 and edges[1] == edges[2]
    assert np.prod(edges) == pytest.approx(48**3)
    assert largest_edges((1.0, 0.8, 0.8), (40, 500, 500), 48) == (48, 48, 48)
    assert largest_edges((5.0, 0.8, 0.8), (4, 500, 500), 48)[0] == 4


@pytest.mark.parametrize(
    ("shape", "spacing", "expected"),
    [
        ((30, 400, 400), (5.0, 0.8, 0.8), (16, 80, 80)),
        ((1, 400, 400), (5.0, 0.8, 0.8), (8, 336, 336)),
        ((5, 6, 7), (1.0, 1.0, 1.0), (8, 8, 8)),
        ((200, 200, 200), (1.0, 1.0, 1.0), (48, 48, 48)),
    ],
)
def test_the_crop_suits_the_data(shape, spacing, expected):
    data = LabelledData([example(shape)], [], 1, spacing)
    assert crop_for(NetworkConfig(name="resenc-unet", size="nano"), data, "cpu") == expected


def test_steps_grow_with_the_root_of_what_is_labelled():
    assert plan_steps(1) == plan_steps(8) == 400
    assert plan_steps(32) == 800
    assert plan_steps(1e9) == 10_000


def test_labels_fill_crops_by_their_voxels():
    examples = [
        example((16, 16, 16)),
        example((16, 16, 16), slice(3, 4)),
        example((16, 16, 16), slice(0)),
    ]
    assert crops_in(examples, (8, 8, 8)) == 8 + 1
    config, reasons = plan_length(settings("run", steps=0, every=0, batch=0), examples, (8, 8, 8))
    assert (config.steps, config.every, config.batch) == (round(400 * (9 / 8) ** 0.5), 43, 2)
    assert "fill about 9 crops" in " ".join(reasons)
    assert plan_batch((8, 8, 8), "cpu") == 2
    parts = settings("run", batch=0, accumulate=3)
    assert plan_length(parts, examples, (8, 8, 8)).config.batch == 3


def test_what_is_given_is_not_planned():
    given = settings("run", steps=7, every=3, batch=4)
    assert plan_length(given, [], (8, 8, 8)) == (given, ())


@pytest.mark.parametrize(
    ("seconds", "every", "steps"),
    [
        (100, 0, 0),
        (300, 0, 100),
        (110, 50, 50),
        (109, 50, 49),
        (220, 50, 100),
        (9, 50, 0),
        (32, 50, 11),
    ],
)
def test_steps_and_validations_fit_into_the_time(seconds, every, steps):
    found = fitting(PACE, seconds, every)
    assert found == steps
    stops = -(-found // every) if every else 10
    if found:
        assert found * PACE.each_step + stops * PACE.each_stop <= seconds


def test_a_run_is_resumed_with_the_steps_that_fitted_when_it_began(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "fitting", lambda found, seconds, every: 12)
    config = settings(tmp_path / "run", minutes=3.0, every=0)
    cases = [ball_case(1), ball_case(2, "validation")]
    run = finetune(config, cases)
    assert next(step.total for step in run if step.plan) == 12
    for step in run:
        if step.losses and step.step == 3:
            break
    run.close()
    kept = FinetuneConfig.from_toml(config.output / "config.toml")
    assert (kept.steps, kept.minutes, kept.every) == (12, 0, 2)

    monkeypatch.setattr(budget, "fitting", lambda found, seconds, every: 0)
    rest = finetune(config.model_copy(update={"resume": True}), cases)
    assert [step.step for step in rest if step.losses] == list(range(4, 13))
    assert load_card(config.output).recipe["steps"] == 12


def test_the_measurement_changes_nothing_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "fitting", lambda found, seconds, every: 3)
    runs = [
        [step.losses for step in finetune(config, [ball_case(1)]) if step.losses]
        for config in (
            settings(tmp_path / "timed", minutes=3.0),
            settings(tmp_path / "plain", steps=3),
        )
    ]
    assert runs[0] == runs[1]
    assert len(runs[0]) == 3


def test_a_time_for_no_step_is_refused(tmp_path):
    with pytest.raises(InvalidConfig, match="nothing fits into 1e-05 minutes"):
        list(finetune(settings(tmp_path / "run", minutes=1e-5), [ball_case(1)]))


@pytest.mark.parametrize("shape", [(1, 40, 40), (3, 30, 20), (5, 6, 7)])
def test_flat_and_tiny_volumes_are_learnt_from(tmp_path, shape):
    voxels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    affine = np.diag((1.0, 1.0, 6.0, 1.0))
    image = Volume(voxels, affine, modality="MR")
    labels = Volume((voxels > 0).astype(np.uint8), affine, modality="label")
    config = settings(tmp_path / "run", crop=None, spacing=None, steps=2, augmentation="strong")
    steps = list(finetune(config, [Case("a", image, labels)]))
    assert sum(bool(step.losses) for step in steps) == 2
    planned = next(step for step in steps if step.plan)
    assert any("thin across z" in note for note in planned.notes)
