"""What is true of every objective."""

from collections.abc import Mapping

import pytest
import torch

from napari_toposeg.learning.networks import build
from napari_toposeg.learning.networks.encoder import Encoder
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.reports import plot_preview

OBJECTIVES = ["simmim", "maskfeat", "swin-ssl", "disruptive", "dino"]
NETWORKS = ["vit", "unetr", "swin", "unetr-pp", "resenc-unet"]


def step_of(task, number, samples=None):
    """Compute the losses of one step."""
    batch = task.draw(number, samples or range(task.config.batch))
    return task.losses(task.network, batch, number)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_parameter_that_is_trained_has_a_gradient(make_task, objective, network):
    task = make_task(objective, network, batch=2, local_views=1, crop=crop_of(network))
    step_of(task, 1)["loss"].backward()
    without = [
        name
        for name, part in task.network.named_parameters()
        if part.requires_grad and part.grad is None
    ]
    assert not without
    # Of blocks that begin as the identity some are zero; those of the first features are not.
    first = [
        part
        for module in task.network.modules()
        if isinstance(module, Encoder)
        for part in module.embedding.parameters()
        if part.requires_grad
    ]
    assert first
    assert any(part.grad.any() for part in first)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_weights_are_those_of_the_encoder_alone(make_task, objective, network):
    task = make_task(objective, network, batch=1, crop=crop_of(network))
    build(task.described.network, task="encode").load_state_dict(task.weights(), strict=True)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_batch_in_parts_has_the_chance_of_the_whole(make_task, objective):
    task = make_task(objective)
    whole = task.draw(3, range(4))
    parts = [task.draw(3, range(2)), task.draw(3, range(2, 4))]
    assert all(part.keys() == whole.keys() for part in parts)
    for name, value in whole.items():
        if not isinstance(value, torch.Tensor):
            assert parts[0][name] + parts[1][name] == value
            continue
        # Views come as the first of each crop, then the second.
        views = len(value) // 4
        for view in range(views):
            joined = torch.cat([part[name][2 * view : 2 * view + 2] for part in parts])
            assert torch.equal(joined, value[4 * view : 4 * view + 4])


@pytest.mark.parametrize("objective", ["simmim", "maskfeat"])
def test_the_loss_is_the_mean_of_its_parts(make_task, objective):
    task = make_task(objective)
    whole = step_of(task, 3)["loss"]
    parts = [step_of(task, 3, samples)["loss"] for samples in (range(2), range(2, 4))]
    torch.testing.assert_close(sum(parts) / 2, whole)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_loss_is_finite_in_16_bits_and_near_that_in_32(make_task, objective):
    task = make_task(objective)
    exact = step_of(task, 1)["loss"]
    with torch.autocast("cpu", torch.bfloat16):
        loss = step_of(task, 1)["loss"]
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(exact.detach()), rel=0.05)
    gradients = [part.grad for part in task.network.parameters() if part.grad is not None]
    assert all(part.isfinite().all() for part in gradients)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_run_that_was_stopped_resumes_to_the_same_numbers(small_run, tmp_path, objective):
    config = small_run.model_copy(
        update={"objective": objective, "local_views": 1, "steps": 4, "every": 2}
    )
    whole = losses(pretrain(config.model_copy(update={"output": tmp_path / "whole"})))
    stopped = pretrain(config)
    for step in stopped:
        if step.step == 3:
            break
    stopped.close()
    resumed = losses(pretrain(config.model_copy(update={"resume": True})))
    assert resumed == whole[3:]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_judgement_has_finite_figures_and_a_picture(make_task, judge, tmp_path, objective):
    task = make_task(objective)
    evaluation = judge(task)
    assert isinstance(evaluation.metrics, Mapping)
    assert evaluation.metrics
    assert all(torch.isfinite(torch.tensor(value)) for value in evaluation.metrics.values())
    assert all(volume.shape == (16, 16, 16) for volume in evaluation.preview.values())
    assert plot_preview(evaluation.preview, tmp_path / "preview.png").is_file()


def losses(steps):
    """Return the losses of the steps of a run."""
    return [step.losses for step in steps if step.losses]


def crop_of(network):
    """Return a small crop that a network takes."""
    return (32, 32, 32) if network in ("swin", "unetr-pp", "resenc-unet") else (16, 16, 16)
