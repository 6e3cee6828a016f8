"""Many processes, parts of a batch and activations computed anew: the same numbers as of one."""

import itertools
import json
import os
import random
import signal
import sys
import time

import pytest
import torch
from tests.learning.distributed import in_processes, started

from napari_toposeg.cli import main
from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.checkpoints import read_tensors
from napari_toposeg.learning.descent import is_decayed
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.networks.blocks import blocks_of, compute_anew
from napari_toposeg.learning.networks.encoder import EncoderDecoder
from napari_toposeg.learning.preemption import requeue
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.learning.ranks import new_fabric, require_processes
from napari_toposeg.phantoms import ball
from napari_toposeg.progress import finish


def losses(run):
    return [step.losses["loss"] for step in run if step.losses]


def pretraining_losses(config):
    return losses(pretrain(config))


def finetuning_losses(config):
    phantom = ball((24, 24, 24), spacing=(2.0, 2.0, 2.0), seed=1)
    return losses(finetune(config, [Case("ball", phantom.image, phantom.truth, "train")]))


@pytest.fixture
def small_finetuning(tmp_path):
    return FinetuneConfig.create(
        checkpoint="none",
        size="nano",
        output=tmp_path / "model",
        spacing=(2.0, 2.0, 2.0),
        crop=(12, 12, 12),
        classes=("ball",),
        steps=4,
        every=2,
        batch=2,
        threads=1,
        device="cpu",
    )


@pytest.mark.parametrize("objective", ["mae", "topomae"])
def test_two_processes_give_the_losses_of_one_in_pretraining(small_run, tmp_path, objective):
    config = small_run.model_copy(update={"objective": objective, "steps": 4})
    one = pretraining_losses(config.model_copy(update={"output": tmp_path / "one"}))
    first, second = in_processes(2, pretraining_losses, config.model_copy(update={"devices": 2}))
    assert first == second == pytest.approx(one, rel=1e-4)
    assert len((config.output / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 4


def test_two_processes_give_the_losses_of_one_in_fine_tuning(small_finetuning, tmp_path):
    one = finetuning_losses(small_finetuning.model_copy(update={"output": tmp_path / "one"}))
    two = small_finetuning.model_copy(update={"devices": 2})
    first, second = in_processes(2, finetuning_losses, two)
    assert first == second == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize("setting", [{"accumulate": 2}, {"checkpointing": True}])
def test_less_memory_gives_the_same_numbers(small_run, tmp_path, setting):
    small_run = small_run.model_copy(update={"objective": "mae"})
    whole = pretraining_losses(small_run.model_copy(update={"output": tmp_path / "whole"}))
    assert pretraining_losses(small_run.model_copy(update=setting)) == pytest.approx(
        whole, rel=1e-4
    )
    kept = read_tensors(small_run.output / "last.safetensors")
    assert kept.keys() == read_tensors(tmp_path / "whole" / "last.safetensors").keys()


def test_parts_of_a_batch_change_the_weight_of_the_topological_term_and_nothing_else(
    small_run, tmp_path
):
    """Wanted so large a weight is at its limit of 1 in each part, and in the whole."""
    config = small_run.model_copy(
        update={"objective": "topomae", "topology_weight": 1e9, "topology_schedule": "constant"}
    )
    whole = list(pretrain(config.model_copy(update={"output": tmp_path / "whole"})))
    assert {step.losses["topology_weight"] for step in whole if step.losses} == {1.0}
    parts = pretraining_losses(config.model_copy(update={"accumulate": 2}))
    assert parts == pytest.approx(losses(whole), rel=1e-4)


def test_bf16_trains_on_the_cpu(small_run):
    found = pretraining_losses(small_run.model_copy(update={"precision": "bf16-mixed"}))
    assert found[-1] < found[0]


def test_bf16_fine_tunes_on_the_cpu_to_nearly_the_numbers_of_full_precision(
    small_finetuning, tmp_path
):
    in_16_bits = small_finetuning.model_copy(
        update={"precision": "bf16-mixed", "output": tmp_path / "half"}
    )
    whole, half = finetuning_losses(small_finetuning), finetuning_losses(in_16_bits)
    assert half == pytest.approx(whole, rel=0.02)
    assert half != whole


@pytest.mark.parametrize(
    "further", [{}, {"average": 0.9, "teacher_weight": 1.0}], ids=["alone", "with a teacher"]
)
def test_every_pass_of_a_fine_tuning_has_its_precision(small_finetuning, monkeypatch, further):
    seen = []
    forward_scales = EncoderDecoder.forward_scales

    def noted(self, *inputs):
        seen.append(torch.is_autocast_enabled("cpu"))
        return forward_scales(self, *inputs)

    monkeypatch.setattr(EncoderDecoder, "forward_scales", noted)
    finetuning_losses(small_finetuning.model_copy(update={"precision": "bf16-mixed", **further}))
    assert len(seen) >= small_finetuning.steps * (2 if further else 1)
    assert all(seen)


def test_what_was_compiled_is_what_fine_tunes(small_finetuning, monkeypatch):
    calls = []

    def compile_(network):
        def counted(*inputs, **named):
            calls.append(network)
            return network._call_impl(*inputs, **named)

        network._compiled_call_impl = counted

    monkeypatch.setattr(torch.nn.Module, "compile", compile_)
    monkeypatch.setattr("napari_toposeg.learning.descent.require_compiler", lambda: None)
    finetuning_losses(small_finetuning.model_copy(update={"compile": True}))
    assert len(calls) >= small_finetuning.steps


def test_bf16_is_not_chosen_on_the_cpu_also_where_it_has_it(small_run):
    assert small_run.precision == "auto"
    assert new_fabric(small_run).strategy.precision.precision == "32-true"


def test_16_bits_with_a_loss_scaler_are_refused_on_the_cpu(small_run):
    with pytest.raises(InvalidConfig, match="16-mixed needs a GPU"):
        pretraining_losses(small_run.model_copy(update={"precision": "16-mixed"}))


def test_sgd_trains_and_resumes_to_the_same_numbers(small_run, tmp_path):
    config = small_run.model_copy(update={"optimiser": "sgd", "learning_rate": 1e-2})
    whole = pretraining_losses(config.model_copy(update={"output": tmp_path / "whole"}))
    killed = pretrain(config)
    before = losses(itertools.islice(killed, 3))
    killed.close()
    after = pretraining_losses(config.model_copy(update={"resume": True}))
    assert before + after == whole
    assert whole[-1] < whole[0]


def test_biases_norms_tokens_and_positions_are_not_decayed():
    matrix = torch.zeros(2, 2)
    assert is_decayed("blocks.0.up.weight", matrix)
    assert not is_decayed("blocks.0.up.bias", matrix[0])
    assert not is_decayed("mask_token", matrix)
    assert not is_decayed("encoder.positions", matrix)


def test_a_batch_that_ranks_cannot_share_equally_is_refused(small_run):
    with pytest.raises(InvalidConfig, match="2 crops a step cannot be divided into 3"):
        finish(pretrain(small_run.model_copy(update={"accumulate": 3})))


def test_several_devices_without_their_processes_are_refused(small_run):
    run = pretrain(small_run.model_copy(update={"devices": 2}))
    with pytest.raises(InvalidConfig, match="needs a process for each"):
        list(run)


def test_slurm_with_another_number_of_tasks_is_refused(small_run, monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "0")
    monkeypatch.setenv("SLURM_NTASKS", "4")
    with pytest.raises(InvalidConfig, match=r"4 processes.*ntasks-per-node must be devices"):
        require_processes(small_run)


def steps_in(folder):
    path = folder / "steps.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def when_begun(process, folder, step=1):
    """Wait until a run has told a step."""
    while process.is_alive() and len(steps_in(folder)) < step:
        time.sleep(0.01)
    assert process.is_alive(), process.exitcode


def run_to_its_end(config):
    finish(pretrain(config))


def test_a_run_that_is_killed_anywhere_ends_as_one_that_is_not(small_run, tmp_path):
    settings = {"objective": "mae", "steps": 16, "every": 1, "output": tmp_path / "whole"}
    whole = small_run.model_copy(update=settings)
    run_to_its_end(whole)
    killed = whole.model_copy(update={"output": tmp_path / "killed", "resume": True})
    chance = random.Random(1)
    for kill in range(2):
        process = started(run_to_its_end, killed)
        when_begun(process, killed.output, 1 + 5 * kill)
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.join()
        assert process.exitcode < 0
    run_to_its_end(killed)
    told, true = (
        [(line["step"], line["losses"], line["metrics"]) for line in steps_in(each.output)]
        for each in (killed, whole)
    )
    assert told == true
    for name in ("best.safetensors", "last.safetensors"):
        found, expected = (read_tensors(each.output / name) for each in (killed, whole))
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in expected)


def run_command(words, environment):
    """Be the command line, in a process of its own."""
    os.environ |= environment
    sys.exit(main(words))


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no SIGUSR1 here")
def test_a_job_that_slurm_warns_keeps_its_step_is_queued_again_and_resumes(small_run, tmp_path):
    notes = tmp_path / "requeued"
    fake = tmp_path / "bin" / "scontrol"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@" >> {notes}\n')
    fake.chmod(0o755)
    job = {"SLURM_JOB_ID": "7", "PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"}
    folder = tmp_path / "job"
    endless = {"objective": "mae", "steps": 100000, "every": 100000, "forecast": False}
    settings = tmp_path / "job.toml"
    small_run.model_copy(update=endless).to_toml(settings)
    words = ["pretrain", "--config", str(settings), "--output", str(folder)]
    process = started(run_command, words, job)
    when_begun(process, folder)
    os.kill(process.pid, signal.SIGUSR1)
    process.join()
    assert process.exitcode == 128 + signal.SIGUSR1
    assert notes.read_text(encoding="utf-8") == "requeue 7\n"
    done = len(steps_in(folder))
    again = started(run_command, words, job | {"SLURM_RESTART_COUNT": "1"})
    when_begun(again, folder, done + 1)
    os.kill(again.pid, signal.SIGINT)
    again.join()
    assert again.exitcode == 130
    assert [line["step"] for line in steps_in(folder)][: done + 1] == list(range(1, done + 2))
    assert notes.read_text(encoding="utf-8") == "requeue 7\n"


def test_only_the_announced_end_of_a_slurm_job_queues_it_again(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert not requeue(int(getattr(signal, "SIGUSR1", 0)))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert not requeue(int(signal.SIGINT))


@pytest.mark.parametrize("name", ["vit", "unetr", "swin"])
def test_blocks_computed_anew_give_the_same_gradients_under_the_same_names(small_run, name):
    from napari_toposeg.config import NetworkConfig

    torch.manual_seed(0)
    config = NetworkConfig(name=name, size="nano", patch=16 if name != "vit" else 8)
    network = build(config, task="segment", classes=1).eval()
    names = list(network.state_dict())
    image = torch.rand(1, 1, 32, 32, 32)
    assert len(list(blocks_of(network))) >= 4
    network(image).square().mean().backward()
    true = [each.grad for each in network.parameters()]
    network.zero_grad()
    compute_anew(network)
    network(image).square().mean().backward()
    assert list(network.state_dict()) == names
    for found, expected in zip(network.parameters(), true, strict=True):
        assert (found.grad is None) == (expected is None)
        if expected is not None:
            torch.testing.assert_close(found.grad, expected)
