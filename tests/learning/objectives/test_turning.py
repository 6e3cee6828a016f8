"""A crop knows where it comes from, however it is mirrored, rotated and scaled.

The independent route: volumes are painted with their own coordinates, so that a crop's values say
where its voxels come from.
"""

import numpy as np
import pytest
import torch

from napari_toposeg.learning.crops import crop_at
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.objectives.spatial import points_of
from napari_toposeg.learning.turning import draw_turns, turned

SHAPE, SIZE = (30, 40, 26), (12, 16, 8)


def painted(axis: int) -> Example:
    """A volume of one of its coordinates, 0 at its first voxel and 1 at its last."""
    coordinate = np.linspace(0, 1, SHAPE[axis], dtype=np.float32)
    along = [1, 1, 1]
    along[axis] = -1
    image = np.broadcast_to(coordinate.reshape(along), SHAPE)
    return Example("painted", np.ascontiguousarray(image))


def crops_of(start, axes, turns=None):
    """The same crop of all three coordinates, one sample each."""
    crops = [crop_at(painted(axis), start, SIZE, flips=axes) for axis in range(3)]
    batch = {
        name: torch.from_numpy(np.stack([getattr(crop, name).copy() for crop in crops]))
        for name in ("image", "inside", "place")
    }
    batch = {**batch, "image": batch["image"][:, None], "inside": batch["inside"][:, None]}
    if turns is not None:
        batch["turns"] = turns.expand(3, -1, -1)
    return turned(batch)


def read_at_points(batch):
    """Coordinates ``(9, 3)`` that the crop shows at its centre and its corner voxels."""
    assert batch["inside"].all()
    image_3ZYX = batch["image"][:, 0]
    middle = [slice(n // 2 - 1, n // 2 + 1) for n in SIZE]
    centre = image_3ZYX[:, *middle].mean((1, 2, 3))
    corners = image_3ZYX[:, :: SIZE[0] - 1, :: SIZE[1] - 1, :: SIZE[2] - 1].reshape(3, 8)
    return torch.cat([centre[:, None], corners], dim=1).T


@pytest.mark.parametrize("axes", [(), (0,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_the_points_are_where_the_painted_coordinates_say(axes, seed):
    turns = None
    if seed is not None:
        # Half as large, so that no corner is turned out of the crop.
        turns = 0.5 * draw_turns(seed, 1, [0], SIZE, rotation=25.0, scale=1.1)
    batch = crops_of((10, 14, 9), axes, turns)
    points = points_of(batch["place"], SIZE)
    torch.testing.assert_close(points[0], read_at_points(batch), atol=1e-5, rtol=0)
    torch.testing.assert_close(points[0], points[2])


def test_an_upright_crop_has_its_first_voxel_as_its_first_corner():
    batch = crops_of((3, 5, 7), ())
    points = points_of(batch["place"], SIZE)[0]
    first, last = np.array([3, 5, 7]), np.array([3, 5, 7]) + np.array(SIZE) - 1
    scale = np.array(SHAPE) - 1
    np.testing.assert_allclose(points[1], first / scale, atol=1e-6)
    np.testing.assert_allclose(points[8], last / scale, atol=1e-6)
    np.testing.assert_allclose(points[0], (first + last) / 2 / scale, atol=1e-6)


def test_a_turn_of_nothing_changes_nothing():
    before = crops_of((10, 14, 9), ())
    after = crops_of((10, 14, 9), (), torch.eye(3)[None])
    torch.testing.assert_close(after["image"], before["image"], atol=1e-5, rtol=0)
    torch.testing.assert_close(after["place"], before["place"])


def test_a_rotation_is_rigid_in_voxels():
    """Distances between the corners, in voxels of the volume, are those of the upright crop."""
    turns = draw_turns(4, 1, [0], SIZE, rotation=40.0, scale=1.0)
    voxels = torch.tensor(SHAPE) - 1
    upright, rotated = (
        points_of(crops_of((10, 14, 9), (), each)["place"], SIZE)[0] * voxels
        for each in (None, turns)
    )
    assert (upright - rotated).abs().max() > 1.0
    torch.testing.assert_close(torch.cdist(rotated, rotated), torch.cdist(upright, upright))
