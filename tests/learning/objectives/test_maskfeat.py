from statistics import median

import pytest
import torch

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.objectives.maskfeat import fit


def test_a_predictor_of_the_targets_has_no_loss(make_task):
    task = make_task("maskfeat")
    batch = task.draw(1, range(4))
    true = task.objective.targets(batch)
    exact = task.objective.losses(lambda image, hidden: true, batch, 1)["loss"]
    assert float(exact) == 0
    # One cube of the first image is wrong: it counts if it is hidden.
    for hidden in (True, False):
        number = int((batch["hidden"][0] == hidden).nonzero()[0])
        z, y, x = (2 * int(place) for place in torch.unravel_index(torch.tensor(number), (2, 2, 2)))
        wrong = true.clone()
        wrong[0, :, z : z + 2, y : y + 2, x : x + 2] += 1
        loss = task.objective.losses(lambda image, mask, told=wrong: told, batch, 1)["loss"]
        count = int(batch["hidden"][0].sum())
        assert float(loss) == pytest.approx(1 / count / 4 if hidden else 0)


def test_cubes_of_padding_do_not_count(make_task):
    task = make_task("maskfeat")
    batch = task.draw(1, range(1))
    batch["hidden"][:] = torch.tensor([True] * 4 + [False] * 4)
    batch["inside"][:, :, :5] = False
    with torch.no_grad():
        assert float(task.losses(task.network, batch, 1)["loss"]) == 0


def test_features_larger_or_smaller_than_cells_are_fitted():
    assert fit((8, 8, 8), 4) == ((1, 1, 1), (2, 2, 2))
    assert fit((2, 4, 16), 4) == ((2, 1, 1), (1, 1, 4))
    with pytest.raises(InvalidConfig, match="cells of 6 voxels do not fit features that span"):
        fit((8, 8, 8), 6)


def test_an_odd_cube_is_one_cell(make_task):
    task = make_task("maskfeat", patch=5, crop=(10, 10, 10))
    assert task.objective.targets(task.draw(1, range(2))).shape == (2, 13, 2, 2, 2)


def test_the_loss_falls(make_task, train):
    history = [step["loss"] for step in train(make_task("maskfeat", steps=25), 25)]
    assert median(history[-5:]) < 0.5 * median(history[:5])
