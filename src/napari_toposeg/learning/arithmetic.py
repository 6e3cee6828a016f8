"""Arithmetic: where a network computes in full precision though the rest of it does in 16 bits."""

from functools import partial
from operator import gt

import torch
from torch import Tensor, nn

LEAST_EDGE = 3
"""Edge of features from which on their gradients are right in bfloat16, in voxels."""


def spare_small_features(network: nn.Module) -> None:
    """Let 3D convolutions compute small features in full precision, on a CPU.

    Where neighbouring windows overlap and features have an edge below three voxels, oneDNN of torch
    2.13 gives garbage as the weights' gradient in bfloat16, and may end the process. Larger ones
    are as exact as 16 bits allow, and so is the forward pass of all.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv3d) and any(map(gt, part.kernel_size, part.stride)):
            # On the instance, so that names and kinds of modules stay.
            part.forward = partial(spared, part)  # type: ignore[method-assign]


def spared(convolution: nn.Conv3d, features: Tensor) -> Tensor:
    """Apply a convolution, to small features in full precision."""
    if features.device.type != "cpu" or min(features.shape[2:]) >= LEAST_EDGE:
        return nn.Conv3d.forward(convolution, features)
    with torch.autocast("cpu", enabled=False):
        return nn.Conv3d.forward(convolution, features.float())
