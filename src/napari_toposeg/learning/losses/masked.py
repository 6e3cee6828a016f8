"""Squared error on the hidden patches, and how to weigh a second loss against it."""

import torch
from torch import Tensor


def masked_squared_error(predicted_BMV: Tensor, true_BMV: Tensor, counted_BMV: Tensor) -> Tensor:
    """Mean squared error over the voxels that count (padding does not)."""
    error = (predicted_BMV.float() - true_BMV.float()).square()
    return (error * counted_BMV).sum() / counted_BMV.sum().clamp(min=1)


def gradient_ratio(first: Tensor, second: Tensor, shared: Tensor, *, share: float) -> Tensor:
    """Weight that gives the second loss this share of the first one's gradient norm.

    Parameters
    ----------
    first, second
        Scalar losses.
    shared
        Tensor that both depend on; the norms are taken there.
    share
        Wanted ratio of the weighted second to the first norm; the weight is at most 1.
    """
    (of_first,) = torch.autograd.grad(first, shared, retain_graph=True)
    (of_second,) = torch.autograd.grad(second, shared, retain_graph=True)
    weight: Tensor = share * of_first.float().norm() / of_second.float().norm().clamp(min=1e-12)
    bounded: Tensor = weight.clamp(max=1.0)
    return bounded.detach()
