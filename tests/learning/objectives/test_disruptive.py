from dataclasses import replace
from statistics import median

import pytest
import torch

from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.objectives.disruptive import (
    channels_zeroed,
    draw_kept,
    without_detail,
)


def test_six_channels_of_ten_are_zero_and_each_image_has_its_own():
    kept = draw_kept(list(range(20)), 10)
    assert kept.sum(1).tolist() == [4] * 20
    assert len({tuple(row) for row in kept.tolist()}) > 10
    assert torch.equal(draw_kept([7], 10)[0], kept[7])


@pytest.mark.parametrize(
    ("embedding", "image"),
    [
        (torch.nn.Conv3d(1, 10, 2, stride=2), torch.rand(2, 1, 4, 4, 4)),
        (torch.nn.Linear(8, 10), torch.rand(2, 6, 8)),
    ],
)
def test_channels_are_zero_within_the_context_only(embedding, image):
    plain = embedding(image)
    with channels_zeroed(embedding, [1, 2]):
        zeroed = embedding(image)
    assert torch.equal(embedding(image), plain)
    axis = 2 if plain.ndim == 3 else 1
    kept = draw_kept([1, 2], 10)
    rows = zeroed.movedim(axis, 1).flatten(2)
    assert torch.equal(rows.abs().sum(2) > 0, kept)
    assert torch.equal(rows[kept], plain.movedim(axis, 1).flatten(2)[kept])


def test_noise_has_the_published_variance_and_detail_is_gone(make_task):
    task = make_task("disruptive", crop=(24, 24, 24))
    batch = task.draw(1, range(4))
    noise = batch["disrupted"] - without_detail(batch["image"])
    assert float(noise[batch["inside"]].var()) == pytest.approx(0.1, rel=0.05)
    checkers = torch.arange(8).reshape(8, 1, 1) + torch.arange(8).reshape(8, 1)
    checkers = (checkers + torch.arange(8)) % 2
    flat = without_detail(checkers[None, None].float())
    torch.testing.assert_close(flat, torch.full_like(flat, 0.5))


def test_modalities_are_contrasted_where_there_are_several(make_task, examples):
    task = make_task("disruptive", batch=8)
    terms = task.losses(task.network, task.draw(1, range(8)), 1)
    torch.testing.assert_close(terms["loss"], terms["l1"] + 0.03 * terms["contrast"])
    alike = [replace(example, modality="CT") for example in examples]
    task = make_task("disruptive", scans=alike)
    terms = task.losses(task.network, task.draw(1, range(4)), 1)
    assert terms.keys() == {"loss", "l1"}
    torch.testing.assert_close(terms["loss"], terms["l1"])


def test_padding_does_not_count(make_task, examples):
    small = [Example(example.name, example.image[:9]) for example in examples]
    task = make_task("disruptive", scans=small)
    batch = task.draw(1, range(4))
    answer = [torch.where(batch["inside"], batch["image"], 5.0)]
    assert not batch["inside"].all()
    assert float(task.objective.restoration(answer, batch)) == 0


def test_the_loss_falls(make_task, train):
    history = [step["l1"] for step in train(make_task("disruptive", steps=25), 25)]
    assert median(history[-5:]) < 0.7 * median(history[:5])
