from statistics import median

import numpy as np
import pytest
import torch

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.crops import crop_at
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.objectives.swin_ssl import draw_cuts, upright
from napari_toposeg.learning.planning import plan_crop
from napari_toposeg.learning.pretraining import collate


def test_a_crop_that_is_not_square_is_refused_with_one_that_is(make_task):
    with pytest.raises(InvalidConfig, match=r"use the crop \(16, 16, 16\)"):
        make_task("swin-ssl", crop=(16, 24, 16))


@pytest.mark.parametrize("axes", [(), (1,), (0, 2), (0, 1, 2)])
def test_mirroring_is_undone_before_the_rotation(examples, axes):
    crop = crop_at(examples[0], (-3, 4, 5), (16, 16, 16))
    mirrored = crop_at(examples[0], (-3, 4, 5), (16, 16, 16), flips=axes)
    image, inside = upright(collate([mirrored], [0]))
    assert np.array_equal(image[0, 0], crop.image)
    assert np.array_equal(inside[0, 0], crop.inside)


def test_views_are_the_rotated_crop_but_for_what_was_cut_out(make_task):
    task = make_task("swin-ssl")
    batch = task.draw(1, range(4))
    image, _ = upright(batch)
    assert batch["views"].shape == (8, 1, 16, 16, 16)
    for view in range(8):
        true = torch.rot90(image[view % 4], int(batch["quarter"][view]), (2, 3))
        assert torch.equal(batch["true"][view], true)
        kept = ~batch["counted"][view]
        assert torch.equal(batch["views"][view][kept], true[kept])
        assert not torch.equal(batch["views"][view], true)


def test_at_most_30_percent_are_cut_out_and_something_is():
    shares = [draw_cuts((12, 16, 16), np.random.default_rng(n)).mean() for n in range(50)]
    assert min(shares) > 0
    assert max(shares) <= 0.3
    assert np.mean(shares) > 0.1


def test_padding_is_not_filled_in(make_task, examples):
    small = [Example(example.name, example.image[:9]) for example in examples]
    task = make_task("swin-ssl", scans=small)
    batch = task.draw(1, range(4))
    inside = upright(batch)[1]
    assert not inside.all()
    for view in range(8):
        known = torch.rot90(inside[view % 4], int(batch["quarter"][view]), (2, 3))
        assert not (batch["counted"][view] & ~known).any()


def test_the_terms_add_up_with_equal_weights(make_task):
    task = make_task("swin-ssl")
    terms = task.losses(task.network, task.draw(1, range(4)), 1)
    total = terms["rotation"] + terms["contrast"] + terms["inpainting"]
    torch.testing.assert_close(terms["loss"], total)


def test_the_loss_falls(make_task, train):
    history = [step["loss"] for step in train(make_task("swin-ssl", steps=25), 25)]
    assert median(history[-5:]) < 0.9 * median(history[:5])


def test_a_planned_crop_is_square_in_the_plane_of_rotation():
    shapes = [(30, 40, 24)]
    assert plan_crop(shapes, (8, 8, 8)) == (32, 40, 24)
    assert plan_crop(shapes, (8, 8, 8), square=True) == (32, 24, 24)
