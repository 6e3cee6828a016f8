import numpy as np
import pytest
import torch

from napari_toposeg.learning.losses.hog import (
    AXES,
    FAINT,
    axes_of_neighbours,
    oriented_gradients,
)


def noise(*shape):
    return torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(3))


def everywhere(image):
    return torch.ones_like(image, dtype=torch.bool)


def histogram_by_hand(image, cell):
    """The definition, voxel by voxel."""
    axes = axes_of_neighbours().double().numpy()
    cosines = np.abs(axes @ axes.T) - 2 * np.eye(AXES)
    padded = np.pad(image.astype(float), 1, mode="edge")
    found = np.zeros((AXES, *(edge // cell for edge in image.shape)))
    for voxel in np.ndindex(image.shape):
        z, y, x = (place + 1 for place in voxel)
        gradient = np.array(
            [
                padded[z + 1, y, x] - padded[z - 1, y, x],
                padded[z, y + 1, x] - padded[z, y - 1, x],
                padded[z, y, x + 1] - padded[z, y, x - 1],
            ]
        )
        gradient = gradient / 2
        length = np.linalg.norm(gradient)
        near = np.maximum(np.abs(axes @ gradient) / length - cosines.max(), 0)
        vote = length * near / np.linalg.norm(near)
        found[:, *(place // cell for place in voxel)] += vote / cell**3
    return found / np.sqrt((found**2).sum(0) + FAINT**2)


def test_histograms_are_what_their_definition_says():
    image = noise(4, 6, 4)
    found = oriented_gradients(image, everywhere(image), 2)[0]
    np.testing.assert_allclose(found, histogram_by_hand(image[0, 0].numpy(), 2), atol=1e-5)


@pytest.mark.parametrize("plane", [(2, 3), (2, 4), (3, 4)])
def test_a_quarter_turn_of_the_image_permutes_axes_and_cells(plane):
    image = noise(8, 8, 8)
    turned = torch.rot90(image, 1, plane)
    before = torch.rot90(oriented_gradients(image, everywhere(image), 4), 1, plane)
    after = oriented_gradients(turned, everywhere(turned), 4)
    axes = axes_of_neighbours()
    first, second = (axis - 2 for axis in plane)
    seen = axes.clone()
    # A turn takes the second axis of the plane to the first, and the first to minus the second.
    seen[:, first], seen[:, second] = -axes[:, second], axes[:, first]
    goes_to = (seen @ axes.T).abs().argmax(1)
    assert sorted(goes_to.tolist()) == list(range(AXES))
    torch.testing.assert_close(after[:, goes_to], before, rtol=1e-4, atol=1e-5)


def test_the_axes_are_those_of_the_26_neighbours():
    axes = axes_of_neighbours()
    assert axes.shape == (AXES, 3)
    largest = ((axes @ axes.T).abs() - 2 * torch.eye(AXES)).max()
    assert float(largest) == pytest.approx((2 / 3) ** 0.5)


@pytest.mark.parametrize("axis", range(AXES))
def test_a_slope_along_an_axis_votes_for_that_axis_alone(axis):
    way = axes_of_neighbours()[axis]
    places = torch.stack(torch.meshgrid(*[torch.arange(6.0)] * 3, indexing="ij"))
    image = (torch.einsum("c,czyx->zyx", way, places) / 20)[None, None]
    found = oriented_gradients(image, everywhere(image), 2)[0, :, 1, 1, 1]
    assert int(found.argmax()) == axis
    assert float(found.sum() - found.max()) == pytest.approx(0, abs=1e-6)


def test_contrast_and_brightness_do_not_matter_and_flat_cells_are_silent():
    image = noise(8, 8, 8)
    plain, dim = (
        oriented_gradients(each, everywhere(each), 4) for each in (image, 0.9 - 0.7 * image)
    )
    torch.testing.assert_close(plain, dim, atol=0.01, rtol=0)
    flat = oriented_gradients(0.5 + 1e-4 * image, everywhere(image), 4)
    assert float(flat.norm(dim=1).max()) < 0.02


def test_the_border_of_the_padding_is_no_gradient():
    image, inside = torch.zeros(1, 1, 8, 8, 8), torch.zeros(1, 1, 8, 8, 8, dtype=torch.bool)
    image[..., :5], inside[..., :5] = 0.7, True
    assert float(oriented_gradients(image, inside, 4).abs().max()) == 0
    assert float(oriented_gradients(image, everywhere(image), 4).abs().max()) > 0.5
