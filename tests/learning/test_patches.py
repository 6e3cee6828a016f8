import torch

from napari_toposeg.learning.patches import from_patches, patch_grid, to_patches


def test_from_patches_undoes_to_patches():
    image = torch.rand(2, 3, 8, 12, 4)
    patches = to_patches(image, 4)
    assert patches.shape == (2, 2 * 3 * 1, 3 * 64)
    assert torch.equal(from_patches(patches, patch_grid(image.shape, 4), 4), image)


def test_patches_are_in_raster_order():
    image = torch.zeros(1, 1, 4, 4, 4)
    image[..., 0, 0, 2] = 1.0
    assert to_patches(image, 2)[0].sum(1).nonzero().item() == 1
