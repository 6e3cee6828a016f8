"""Consistency of two networks that are pretrained together: they are to agree.

References
----------
Gu et al. 2024, arXiv:2406.10519: spatial and reconstruction consistency of ViT and UNETR++.
"""

# B batch, M hidden cubes, V voxels in a cube

from torch import Tensor

from napari_toposeg.learning.losses.masked import masked_squared_error


def spatial_consistency(first_B93: Tensor, second_B93: Tensor) -> Tensor:
    """Return the mean squared difference of the points that two networks tell."""
    return (first_B93.float() - second_B93.float()).square().mean()


def reconstruction_consistency(
    first_BMV: Tensor, second_BMV: Tensor, counted_BMV: Tensor
) -> Tensor:
    """Return the mean squared difference of what two networks rebuild, on hidden voxels."""
    return masked_squared_error(first_BMV, second_BMV, counted_BMV)
