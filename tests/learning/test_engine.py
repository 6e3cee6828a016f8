import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from safetensors.torch import save_file

from napari_toposeg.errors import InvalidCheckpoint, InvalidConfig
from napari_toposeg.learning.cards import read_header
from napari_toposeg.learning.checkpoints import read_tensors
from napari_toposeg.learning.engine import batches, learning_rate
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.learning.pretraining import Pretraining
from napari_toposeg.progress import finish


def losses(steps):
    return [step.losses for step in steps if step.losses]


@pytest.mark.parametrize("objective", ["mae", "topomae"])
def test_a_cancelled_run_loses_no_step_and_resumes_to_the_same_numbers(
    small_run, tmp_path, objective
):
    config = small_run.model_copy(update={"objective": objective})
    whole = losses(pretrain(config.model_copy(update={"output": tmp_path / "whole"})))
    killed = pretrain(config)
    for step in killed:
        if step.step == 5:
            break
    killed.close()
    resumed = losses(pretrain(config.model_copy(update={"resume": True})))
    assert resumed == whole[5:]
    lines = [
        json.loads(line)
        for line in (config.output / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["losses"] for line in lines] == whole


@pytest.mark.parametrize("objective", ["mae", "topomae", "dino"])
def test_a_step_that_was_begun_when_the_run_was_closed_is_taken_anew(
    small_run, tmp_path, objective
):
    config = small_run.model_copy(update={"objective": objective})
    whole = losses(pretrain(config.model_copy(update={"output": tmp_path / "whole"})))
    killed = pretrain(config)
    told = [next(step for step in killed if step.losses) for _ in range(3)]
    begun = next(killed)
    assert (begun.step, begun.losses) == (3, {})
    killed.close()
    assert read_header(config.output / "last.safetensors")["step"] == "3"
    resumed = losses(pretrain(config.model_copy(update={"resume": True})))
    assert [step.losses for step in told] + resumed == whole


def test_another_seed_gives_other_numbers(small_run, tmp_path):
    first = losses(pretrain(small_run))
    other = small_run.model_copy(update={"seed": 1, "output": tmp_path / "other"})
    assert losses(pretrain(other)) != first


def test_the_checkpoint_is_on_disk_when_its_step_is_told(small_run):
    told = [step for step in pretrain(small_run) if step.checkpoint]
    assert [step.step for step in told] == [2, 4, 6]
    assert all(step.checkpoint.is_file() for step in told)


def test_a_folder_that_holds_a_run_is_not_overwritten(small_run):
    list(pretrain(small_run))
    with pytest.raises(InvalidConfig, match="holds a run already"):
        next(pretrain(small_run))


def test_a_run_is_not_resumed_with_other_settings(small_run):
    list(pretrain(small_run))
    other = small_run.model_copy(update={"resume": True, "learning_rate": 1.0})
    with pytest.raises(InvalidConfig, match="other settings of learning_rate"):
        finish(pretrain(other))


def test_a_run_of_a_version_that_kept_another_state_is_refused(small_run):
    finish(pretrain(small_run.model_copy(update={"steps": 2})))
    last = small_run.output / "last.safetensors"
    header = {name: entry for name, entry in read_header(last).items() if name != "state_format"}
    save_file(read_tensors(last), last, header)
    again = small_run.model_copy(update={"steps": 2, "resume": True})
    with pytest.raises(InvalidCheckpoint, match="written by another version"):
        finish(pretrain(again))


def test_the_topological_term_is_weighed_by_gradient(small_run):
    (first, *_) = losses(pretrain(small_run.model_copy(update={"objective": "topomae"})))
    assert first["topology"] > 0
    assert 0 < first["topology_weight"] <= 1
    assert first["loss"] == pytest.approx(
        first["mse"]
        + first["topology_weight"] * first["topology"]
        + small_run.spatial_weight * first["spatial"]
    )


def test_a_crop_that_is_no_multiple_of_the_patch_is_refused_with_the_least_that_fits(small_run):
    with pytest.raises(InvalidConfig, match=r"\(18, 12, 6\)"):
        next(pretrain(small_run.model_copy(update={"crop": (14, 12, 6)})))


def test_no_volume_in_the_folder_is_an_error(small_run, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(Exception, match=r"no volume|no image|nothing|empty"):
        next(pretrain(small_run.model_copy(update={"data": (tmp_path / "empty",)})))


def test_the_rate_warms_up_and_falls(small_run):
    config = small_run.model_copy(update={"steps": 100, "learning_rate": 1.0})
    rates = [learning_rate(step, config) for step in range(1, 101)]
    assert max(rates) == rates[4] == 1.0
    assert rates[0] == pytest.approx(0.2)
    assert rates[-1] == pytest.approx(0.01)


def test_a_gradient_that_is_not_finite_ends_the_run_before_the_weights_take_it(
    small_run, monkeypatch
):
    def endless(task, network, batch, step):
        return {"loss": (next(network.parameters()).sum() * 0.0).sqrt()}

    monkeypatch.setattr(Pretraining, "losses", endless)
    with pytest.raises(InvalidConfig, match="the gradient became nan at step 1; use a lower"):
        finish(pretrain(small_run))


def test_crops_are_drawn_beside_the_step_on_one_thread(small_run):
    class Counts:
        def draw(self, step, samples):
            return torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        drawn = [parts for _, parts in batches(Counts(), [range(2)], range(1, 4))]
        assert drawn == [[1], [1], [1]]
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as later:
            assert later.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)
