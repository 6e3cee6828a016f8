from statistics import median

import pytest
import torch

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.objectives.heads import PixelShuffle


def test_the_head_puts_each_answer_at_its_voxel():
    head = PixelShuffle(24, 1, (2, 3, 4))
    with torch.no_grad():
        head.map.weight.copy_(torch.eye(24)[:, :, None, None, None])
        head.map.bias.zero_()
    places = torch.arange(24.0 * 8).reshape(1, 24, 2, 2, 2)
    image = head(places)
    assert image.shape == (1, 1, 4, 6, 8)
    # The feature at (1, 0, 1) answers for the voxels from (2, 0, 4).
    assert torch.equal(image[0, 0, 2:4, 0:3, 4:8].flatten(), places[0, :, 1, 0, 1])


def test_the_loss_counts_hidden_voxels_alone(make_task):
    task = make_task("simmim", patch=8)
    batch = task.draw(1, range(4))
    hidden = batch["hidden"].reshape(4, 1, 2, 2, 2)
    for axis in (2, 3, 4):
        hidden = hidden.repeat_interleave(8, axis)
    before = task.losses(task.network, batch, 1)["l1"]
    answer = task.network.head(task.network.hiding(batch["image"], batch["hidden"])[-1])
    by_hand = [
        (answer[n] - batch["image"][n]).abs()[hidden[n] & batch["inside"][n]].mean()
        for n in range(4)
    ]
    torch.testing.assert_close(before, torch.stack(by_hand).mean())


@pytest.mark.parametrize("network", ["vit", "resenc-unet"])
def test_what_is_hidden_is_not_seen_and_what_is_around_it_is(make_task, network):
    task = make_task("simmim", network, patch=8)
    batch = task.draw(1, range(2))
    hidden = batch["hidden"].reshape(2, 1, 2, 2, 2)
    voxels = hidden
    for axis in (2, 3, 4):
        voxels = voxels.repeat_interleave(8, axis)
    image, noise = batch["image"], torch.rand_like(batch["image"])
    images = (image, torch.where(voxels, noise, image), torch.where(voxels, image, noise))
    plain, others, around = (
        task.network.hiding(each, batch["hidden"])[-1].movedim(1, -1)[hidden[:, 0]]
        for each in images
    )
    assert torch.equal(plain, others)
    assert not torch.allclose(plain, around, atol=1e-3)


@pytest.mark.parametrize("objective", ["simmim", "maskfeat"])
@pytest.mark.parametrize(("network", "cube", "least"), [("vit", 4, 8), ("unetr-pp", 6, 8)])
def test_a_cube_smaller_than_a_feature_is_refused(make_task, objective, network, cube, least):
    with pytest.raises(InvalidConfig, match=f"give --cube {least}"):
        make_task(objective, network, patch=8, cube=cube, crop=(48, 96, 96))


def test_the_loss_falls(make_task, train):
    history = [step["loss"] for step in train(make_task("simmim", steps=25), 25)]
    assert median(history[-5:]) < 0.5 * median(history[:5])
