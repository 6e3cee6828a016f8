"""Cutting a volume into cubic patches and putting it together again.

Patches are numbered in raster order of their grid ``(z, y, x)``.
"""

# B batch, C channels, N patches, V values in a patch

from torch import Tensor


def patch_grid(shape: tuple[int, ...], patch: int) -> tuple[int, int, int]:
    """Return the number of patches along ``(z, y, x)`` of an image of this shape."""
    z, y, x = (size // patch for size in shape[-3:])
    return z, y, x


def to_patches(image_BCZYX: Tensor, patch: int) -> Tensor:
    """Return patches ``(B, N, V)``; every edge of the image must be a multiple of the patch."""
    B, C = image_BCZYX.shape[:2]
    z, y, x = patch_grid(image_BCZYX.shape, patch)
    cut = image_BCZYX.reshape(B, C, z, patch, y, patch, x, patch)
    return cut.permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(B, z * y * x, C * patch**3)


def from_patches(patches_BNV: Tensor, grid: tuple[int, int, int], patch: int) -> Tensor:
    """Return the image ``(B, C, Z, Y, X)``; the inverse of `to_patches`."""
    B = patches_BNV.shape[0]
    z, y, x = grid
    cut = patches_BNV.reshape(B, z, y, x, -1, patch, patch, patch)
    return cut.permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(B, -1, z * patch, y * patch, x * patch)
