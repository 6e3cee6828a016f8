from statistics import median

import numpy as np
import pytest
import torch

from napari_toposeg.learning.objectives.dino import (
    distillation,
    found_among,
    relative_entropy,
    teacher_temperature,
)
from napari_toposeg.learning.objectives.views import cut_views, draw_views, fitting


def test_the_teacher_is_the_mean_of_the_students(make_task):
    task = make_task("dino", steps=10)
    pair = task.network
    with torch.no_grad():
        for part in pair.student.parameters():
            part.add_(1.0)
    task.after(5)
    # Half of the run is done: the momentum is half way from 0.992 to 1.
    for kept, now in zip(pair.teacher.parameters(), pair.student.parameters(), strict=True):
        torch.testing.assert_close(now - kept, torch.full_like(kept, 0.996), rtol=0, atol=1e-5)
    before = [part.clone() for part in pair.teacher.parameters()]
    task.after(10)
    assert all(map(torch.equal, before, pair.teacher.parameters()))


def test_the_teacher_is_not_trained_and_drops_nothing(make_task):
    pair = make_task("dino").network.train()
    assert not any(part.requires_grad for part in pair.teacher.parameters())
    assert pair.student.training
    assert not pair.teacher.training


def test_the_centre_moves_once_a_step_by_the_mean_of_its_parts(make_task):
    centres = []
    for shares in ([range(4)], [range(2), range(2, 4)]):
        task = make_task("dino")
        for step in (1, 2):
            for share in shares:
                task.losses(task.network, task.draw(step, share), step)
            before = task.network.centre_K.clone()
            mean = torch.stack(task.objective.seen).mean(0)
            task.after(step)
            moved = mean if step == 1 else 0.9 * before + 0.1 * mean
            torch.testing.assert_close(task.network.centre_K, moved)
        centres.append(task.network.centre_K)
    torch.testing.assert_close(*centres)


def test_the_loss_is_the_mean_over_pairs_of_different_views():
    student, told = torch.randn(3 * 2, 5), torch.randn(2 * 2, 5).softmax(1)
    logged = (student / 0.1).log_softmax(1)
    pairs = [
        -(told[2 * one + crop] * logged[2 * other + crop]).sum()
        for one in range(2)
        for other in range(3)
        if one != other
        for crop in range(2)
    ]
    torch.testing.assert_close(distillation(student, told, views=3), torch.stack(pairs).mean())


def test_the_teacher_warms_up():
    told = [teacher_temperature(step, 100) for step in (0, 15, 30, 100)]
    assert told == pytest.approx([0.04, 0.055, 0.07, 0.07])


def test_answers_that_are_all_alike_are_seen(make_task, judge):
    task = make_task("dino")
    lively = judge(task).metrics
    with torch.no_grad():
        for part in task.network.teacher.encoder.parameters():
            part.zero_()
    dead = judge(task).metrics
    assert dead["spread"] < 1e-3 < lively["spread"]
    assert dead["views_found"] == 0.5 < lively["views_found"]
    assert abs(dead["views_apart"]) < 0.1 < lively["views_apart"]
    assert float(relative_entropy(torch.full((3, 8), 1 / 8))) == pytest.approx(1)
    assert float(relative_entropy(torch.eye(8))) == 0


def test_views_that_are_found_are_told_from_others():
    assert found_among(torch.eye(4)) == (1.0, pytest.approx(1e4))
    assert found_among(torch.ones(4, 4)) == (0.5, 0.0)
    assert found_among(torch.ones(1, 1)) == (0.5, 0.0)
    mixed = torch.tensor([[0.5, 0.9, 0.1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert found_among(mixed)[0] == pytest.approx(5 / 6)


def test_a_view_of_the_whole_crop_is_the_crop():
    image = torch.rand(2, 1, 6, 8, 10)
    whole = torch.eye(3, 4).expand(2, 1, 3, 4)
    light = torch.tensor([1.0, 1.0, 0.0]).expand(2, 1, 3)
    torch.testing.assert_close(cut_views(image, whole, light, (6, 8, 10)), image)


def test_a_view_of_a_corner_is_that_corner():
    image = torch.rand(1, 1, 8, 8, 8)
    corner = torch.cat([0.5 * torch.eye(3), torch.tensor([[-0.5], [0.5], [-0.5]])], dim=1)
    light = torch.tensor([[[1.0, 1.0, 0.0]]])
    view = cut_views(image, corner[None, None], light, (4, 4, 4))
    torch.testing.assert_close(view[0, 0], image[0, 0, :4, 4:, :4])


def test_views_have_the_spans_that_were_asked_for():
    maps = draw_views(50, (0.2, 0.5), (16, 24, 32), np.random.default_rng(0))
    spans = np.abs(np.linalg.det(maps[:, :, :3])) ** (1 / 3)
    assert 0.2 <= spans.min() < 0.25
    assert 0.45 < spans.max() <= 0.5
    # Centres leave room for the view.
    assert (np.abs(maps[:, :, 3]).max(1) <= 1 - spans + 1e-6).all()


def test_local_views_have_half_the_edge_or_the_nearest_that_fits():
    assert fitting((48, 48, 48), (8, 8, 8), 0.5) == (24, 24, 24)
    assert fitting((96, 64, 32), (32, 32, 32), 0.5) == (64, 32, 32)


def test_the_student_comes_to_tell_what_the_teacher_does(make_task, train):
    task = make_task("dino", steps=30, batch=8)
    history = train(task, 30)
    # The cross-entropy is the teacher's entropy and what the student lacks; the first may rise.
    lacks = [step["dino"] - step["entropy"] * np.log(4096) for step in history]
    assert median(lacks[-5:]) < 0.6 * median(lacks[:5])
