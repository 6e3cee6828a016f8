"""Errors on the hidden cubes.

Each is a mean over images of means over their voxels, so that a batch in parts, on several devices
or one after the other, has the mean of its parts.
"""

# B batch, M hidden cubes, V values in a cube

from torch import Tensor


def masked_squared_error(predicted_BMV: Tensor, true_BMV: Tensor, counted_BMV: Tensor) -> Tensor:
    """Mean squared error over the voxels that count (padding does not)."""
    error = (predicted_BMV.float() - true_BMV.float()).square()
    return mean_of_images(error, counted_BMV)


def masked_absolute_error(predicted_BMV: Tensor, true_BMV: Tensor, counted_BMV: Tensor) -> Tensor:
    """Mean absolute error over the voxels that count."""
    return mean_of_images((predicted_BMV.float() - true_BMV.float()).abs(), counted_BMV)


def mean_of_images(error: Tensor, counted: Tensor) -> Tensor:
    """Return the mean over images of their means where counted; 0 for an image without such."""
    axes = tuple(range(1, error.ndim))
    return ((error * counted).sum(axes) / counted.sum(axes).clamp(min=1)).mean()
