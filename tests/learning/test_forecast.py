"""The forecast: it leaves the run as it is, grows with the work, and refuses what cannot fit."""

import pytest
import torch

from napari_toposeg.errors import OutOfMemory
from napari_toposeg.learning import engine
from napari_toposeg.learning.engine import begin, parts_of
from napari_toposeg.learning.forecast import forecast, moments_to_come, require_room, rough
from napari_toposeg.learning.meter import Meter
from napari_toposeg.learning.pretrain import prepare, pretrain
from napari_toposeg.progress import finish

MIB = 2**20


@pytest.fixture
def short(small_run):
    return small_run.model_copy(update={"objective": "mae", "steps": 3, "every": 3})


def losses(config):
    return [step.losses for step in pretrain(config) if step.losses]


@pytest.mark.parametrize("objective", ["mae", "topomae"])
def test_a_forecast_changes_neither_weights_nor_losses(short, tmp_path, monkeypatch, objective):
    config = short.model_copy(update={"objective": objective})
    without = losses(config)
    monkeypatch.setattr(engine, "FEWEST", 1)
    steps = list(pretrain(config.model_copy(update={"output": tmp_path / "measured"})))
    (told,) = [step.forecast for step in steps if step.forecast]
    assert told["seconds"] > 0 and 0 < told["memory_gb"] < told["free_gb"]
    assert [step.losses for step in steps if step.losses] == without


def test_a_forecast_leaves_chance_buffers_and_gradients(short):
    prepared = prepare(short)
    descent = begin(prepared.task, prepared.config)
    before = {name: each.clone() for name, each in descent.network.state_dict().items()}
    chance = torch.random.get_rng_state()
    finish(forecast(descent, prepared.config, parts_of(range(2), 1), 0))
    assert torch.equal(torch.random.get_rng_state(), chance)
    assert all(torch.equal(each, before[n]) for n, each in descent.network.state_dict().items())
    assert all(each.grad is None for each in descent.network.parameters())
    assert not descent.optimiser.state


def test_more_steps_take_longer_in_proportion(short):
    prepared = prepare(short)
    descent = begin(prepared.task, prepared.config)
    many = short.model_copy(update={"steps": 3000, "every": 3000})
    shares = parts_of(range(2), 1)
    few = finish(forecast(descent, short, shares, 0)).seconds
    assert finish(forecast(descent, many, shares, 0)).seconds > 10 * few


def test_only_what_lies_ahead_is_counted(short):
    prepared = prepare(short)
    descent = begin(prepared.task, prepared.config)
    many = short.model_copy(update={"steps": 3000, "every": 3000})
    shares = parts_of(range(2), 1)
    whole = finish(forecast(descent, many, shares, 0)).seconds
    assert finish(forecast(descent, many, shares, 2990)).seconds < whole / 2


def test_the_optimisers_numbers_are_counted_until_they_are_there(short):
    prepared = prepare(short)
    descent = begin(prepared.task, prepared.config)
    weights = sum(each.numel() for each in descent.network.parameters() if each.requires_grad)
    assert moments_to_come(descent) == 2 * 4 * weights
    finish(descent.step(1, [prepared.task.draw(1, range(2))]))
    assert moments_to_come(descent) == 0


def test_the_meter_sees_memory_that_is_taken_and_given_back():
    def work(size: int) -> int:
        block = torch.ones(size * MIB // 4)
        return int(sum(block.sum() for _ in range(20))) // MIB

    meter = Meter(torch.device("cpu"))
    small, large = meter.measure(lambda: work(32)), meter.measure(lambda: work(320))
    assert large.rise > 250 * MIB > small.rise
    assert meter.highest >= meter.start + 250 * MIB


def test_a_run_that_cannot_fit_is_refused_with_what_to_change(short, monkeypatch):
    monkeypatch.setattr(engine, "FEWEST", 1)
    monkeypatch.setattr(Meter, "unused", lambda meter: -float(meter.start))
    with pytest.raises(OutOfMemory, match=r"0\.0 GB are free; use a smaller batch.*no-forecast"):
        finish(pretrain(short))
    again = short.model_copy(update={"forecast": False})
    assert len(losses(again)) == 3


def test_room_that_is_enough_is_not_refused():
    require_room(1.0, 2.0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (42, "42 s"), (720, "12 min"), (9000, "2.5 h"), (400_000, "4.6 days")],
)
def test_times_are_told_roughly(seconds, words):
    assert rough(seconds) == words
