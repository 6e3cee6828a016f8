"""Squared error on the hidden patches."""

from torch import Tensor


def masked_squared_error(predicted_BMV: Tensor, true_BMV: Tensor, counted_BMV: Tensor) -> Tensor:
    """Mean squared error over the voxels that count (padding does not)."""
    error = (predicted_BMV.float() - true_BMV.float()).square()
    return (error * counted_BMV).sum() / counted_BMV.sum().clamp(min=1)
